"""The notifiers of Digdag: by HTTP, by mail, and by a shell command (operators 3)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from http.client import responses
from pathlib import Path
from typing import Final, TypeAlias

from ..engine.operator import OperatorContext
from ..workflow.config import Params
from ..workflow.convert import read_bool, read_int, read_string
from ..workflow.errors import ConfigError, TaskExecutionError, TaskRuntimeError
from ..workflow.text import json_text

Sender: TypeAlias = Callable[[Params], Awaitable[None]]
"""Sends a notification; a `DigdagError` says that it could not."""

HTTP_TIMEOUT: Final = 60.0
"""Seconds."""

_HEADERS = "notification.http.headers."
_MAIL = "notification.mail."
_BODY = """\
Digdag Notification

Message: ${message}
Date: ${timestamp}

Site Id: ${site_id}
Project Name: ${project_name}
Project Id: ${project_id}
Workflow Name: ${workflow_name}
Revision: ${revision}
Attempt Id: ${attempt_id}
Session Id: ${session_id}
Task Name: ${task_name}
Time Zone: ${timezone}
Session Uuid: ${session_uuid}
Session Time: ${session_time}"""


class NotificationError(TaskExecutionError):
    """A notification was not sent."""

    kind = "notification"


def find_sender(context: OperatorContext) -> Sender:
    """The notifier in Digdag's configuration.

    Raises:
        ConfigError: there is none of its type, or a setting has no form that Digdag takes.
        TaskRuntimeError: a file or URL of the configuration is none.
    """
    kind = context.settings["notification.type"]
    match kind:
        case "http":
            return _by_http(context)
        case "mail":
            return _by_mail(context)
        case "shell":
            return _by_shell(context)
    annotation = f"@com.google.inject.name.Named(value={kind})"
    message = f"No implementation for io.digdag.spi.NotificationSender annotated with {annotation} was bound."
    raise ConfigError(message, hint="notification.type is http, mail or shell")


def _by_http(context: OperatorContext) -> Sender:
    from .http_client import BadResponse, NoResponse, Request, Transport, send
    from .java_uri import parse_uri

    settings = context.settings
    uri = parse_uri(read_string(settings, "notification.http.url"))
    method = settings.get("notification.http.method", "POST")
    headers = [(key.removeprefix(_HEADERS), settings[key]) for key in settings if key.startswith(_HEADERS)]
    headers.append(("Content-Type", "application/json"))

    async def post(notification: Params) -> None:
        request = Request(method, uri, headers, json_text(notification).encode("utf-8", "replace"))
        try:
            response = await send(request, Transport(HTTP_TIMEOUT, follow_redirects=False))
        except (NoResponse, BadResponse) as error:
            raise TaskRuntimeError(str(error), "processing") from None
        if not 200 <= response.status < 300:
            status = responses.get(response.status) or response.status
            raise NotificationError(f"Failed to send HTTP notification: status={status}")

    return post


def _by_mail(context: OperatorContext) -> Sender:
    from .mail import configured_server, deliver
    from .mail_message import Mail, parse_address

    settings = context.settings
    sender = read_string(settings, f"{_MAIL}from")
    to, cc, bcc = read_string(settings, f"{_MAIL}to"), settings.get(f"{_MAIL}cc", ""), settings.get(f"{_MAIL}bcc", "")
    subject = settings.get(f"{_MAIL}subject", "Digdag Notification")
    html = read_bool(settings, f"{_MAIL}html", False)
    file = settings.get(f"{_MAIL}body_template_file")
    template = _BODY if file is None else _read(file)
    server, _ = configured_server(settings, _MAIL)

    async def mail(notification: Params) -> None:
        body = context.evaluate(template, notification)
        receivers = [[parse_address(text)] if text.strip() else [] for text in (to, cc, bcc)]
        author = parse_address(sender)
        await deliver(Mail(author, receivers[0], receivers[1], receivers[2], subject, body, html), server)

    return mail


def _read(file: str) -> str:
    try:
        return Path(file).read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        raise TaskRuntimeError(f"java.nio.file.NoSuchFileException: {file}") from None
    except OSError as error:
        raise TaskRuntimeError(f"java.io.IOException: {file}: {error.strerror}") from None


def _by_shell(context: OperatorContext) -> Sender:
    command = read_string(context.settings, "notification.shell.command")
    timeout = read_int(context.settings, "notification.shell.timeout", 30000)

    async def shell(notification: Params) -> None:
        text = json_text(notification).encode("utf-8", "replace")
        try:
            code = await _run(command, text, timeout / 1000)
        except TimeoutError:
            raise NotificationError(f"Notification shell command timed out: {command}") from None
        except (OSError, ValueError):
            raise NotificationError(f"Failed to execute notification shell command: {command}") from None
        if code != 0:
            raise NotificationError(f"Notification shell command failed: {command}, exit code = {code}")

    return shell


async def _run(command: str, text: bytes, timeout: float) -> int:
    """The exit code of a shell command that reads `text`; it is killed with its children after `timeout` seconds.

    Raises:
        TimeoutError: it was killed.
        OSError, ValueError: it cannot be started.
    """
    words = ("/bin/sh", "-c", command)
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True)
    )
    try:
        process = await asyncio.shield(starting)  # asyncio itself would end a half started process without its children
        async with asyncio.timeout(timeout):
            await process.communicate(text)
    except BaseException:
        await _kill(await starting)
        raise
    code = process.returncode or 0
    return code if code >= 0 else 128 - code


async def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
