"""`notify>`: a message by way of the notifier in Digdag's configuration (operators 3)."""

from __future__ import annotations

import asyncio
import re
import time

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params
from ..workflow.convert import read_int, read_string
from ..workflow.errors import DigdagError

_LOGGER = "io.digdag.core.notification.DefaultNotifier"
_GROWTH = 3
"""Each wait is so many times as long as the one before."""


async def run(context: OperatorContext) -> OperatorResult:
    """Send the message, again and again until it is sent; without `notification.type` do nothing.

    Raises:
        ConfigError: there is no text, or a setting has no form that Digdag takes.
        NotificationError: it was not sent.
        TaskRuntimeError: a file or URL of the configuration is none.
    """
    message = read_string(context.config, "_command")
    if "notification.type" not in context.settings:
        return OperatorResult()
    from .notifiers import NotificationError, find_sender

    send = find_sender(context)
    retries = read_int(context.settings, "notification.retries", 10)
    wait = read_int(context.settings, "notification.min_retry_wait", 1000)
    longest = read_int(context.settings, "notification.max_retry_wait", 30000)
    notification = _notification(context, message)
    first: DigdagError | None = None
    for count in range(max(retries, 0) + 1):
        if count:
            context.log("WARN", _LOGGER, f"Sending notification failed: retry {count} of {retries}")
            await asyncio.sleep(min(wait * _GROWTH ** min(count - 1, 40), longest) / 1000)
        try:
            await send(notification)
            return OperatorResult()
        except DigdagError as error:
            first = first or error
    raise NotificationError("Sending notification failed", hint=str(first)) from first


def _notification(context: OperatorContext, message: str) -> Params:
    """What a notifier is told (operators 3)."""
    config = context.config
    found = re.match(r"\+([^+^]*)", context.full_name)
    return {
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "message": message,
        "site_id": 0,
        "project_id": config.get("project_id", 1),
        "project_name": "default",
        "workflow_name": found[1] if found else None,
        "revision": "",
        "attempt_id": config.get("attempt_id", 1),
        "session_id": config.get("session_id", 1),
        "task_name": context.full_name,
        "timezone": config.get("timezone"),
        "session_uuid": config.get("session_uuid"),
        "session_time": config.get("session_time"),
        "workflow_definition_id": 1,
    }
