"""`require>`: the attempt of another workflow for a session, waited for (operators 3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from ..engine.operator import AttemptRequest, OperatorContext, OperatorResult, PollingRetry
from ..workflow.config import Params
from ..workflow.convert import (
    mismatch,
    read_bool,
    read_int,
    read_map,
    read_optional_int,
    read_optional_string,
    read_string,
)
from ..workflow.errors import ConfigError, TaskExecutionError

_EXECUTOR: Final = "io.digdag.core.workflow.WorkflowExecutor"
_LONGEST: Final = 10
"""Seconds between two looks at an attempt that runs, at most."""
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)(?:\[[^\]]+\])?", re.ASCII | re.IGNORECASE
)


async def run(context: OperatorContext) -> OperatorResult:
    """Start `_command` for the session time, or find that session's attempt, and be done when it is.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        TaskExecutionError: there is no such workflow, or it failed.
        PollingRetry: the attempt runs, or its end was just seen.
    """
    if "task_finish_success" in context.state:
        return _result(context.state)
    request, rerun_on, ignore_failure = _options(context)
    attempt = context.require(request)
    if attempt is None:
        project = f"project{'Id' if isinstance(request.project, int) else 'Name'}: {request.project}"
        raise TaskExecutionError(f"Dependent workflow does not exist. {project}, workflowName:{request.workflow}")
    retry = int(context.state.get("retry", 0))
    seconds = min(1 << min(retry, _LONGEST), _LONGEST)
    state: Params = {**context.state, "retry": retry + 1}
    ids = {"target_session_id": attempt.session_id, "target_attempt_id": attempt.attempt_id}
    if attempt.is_new:
        text = f"project id=1 workflow name={request.workflow} session_time={attempt.session_time}"
        context.log("INFO", _EXECUTOR, f"Starting a new session {text}")
        state |= {"require_kicked": True, **ids}
    elif attempt.success is None:
        state |= ids
    elif not state.get("require_kicked") and (rerun_on == "all" or (rerun_on == "failed" and not attempt.success)):
        from uuid import uuid4

        state["rerun_on_retry_attempt_name"] = str(uuid4())
    else:
        state |= {**ids, "task_finish_success": attempt.success or ignore_failure}
        seconds = 1
    raise PollingRetry(seconds, state)


def _result(state: Params) -> OperatorResult:
    """What the end of the attempt means for the task."""
    if state["task_finish_success"]:
        return OperatorResult()
    ids = f"Session id: {state['target_session_id']}, attempt id: {state['target_attempt_id']}"
    raise TaskExecutionError(f"Dependent workflow failed. {ids}")


def _options(context: OperatorContext) -> tuple[AttemptRequest, str, bool]:
    """The attempt that the task wants, `rerun_on` and `ignore_failure`, read in Digdag's order.

    Raises:
        ConfigError: an option has no form that Digdag takes.
    """
    config, local = context.config, context.local
    workflow = read_string(config, "_command")
    session_time = _session_time(config)
    ignore_failure = read_bool(config, "ignore_failure", False)
    rerun_on = _rerun_on(config)
    name = read_optional_string(local, "retry_attempt_name")
    name = read_string(context.state, "rerun_on_retry_attempt_name", name or "") or name
    params = read_map(config, "params", {})
    request = AttemptRequest(_project(config, local), workflow, session_time, name, params, context.full_name)
    return request, rerun_on, ignore_failure


def _project(config: Params, local: Params) -> int | str:
    """The id or name of the project, of which only the task's own keys may name another.

    Raises:
        ConfigError: the id is no number, or both are given.
    """
    own = read_int(config, "project_id")
    name = read_optional_string(local, "project_name")
    if name is None:
        return own
    if read_optional_int(local, "project_id") is not None:
        raise ConfigError("Both project_id and project_name can't be set", hint="remove one of them")
    return name


def _rerun_on(config: Params) -> str:
    rerun_on = read_string(config, "rerun_on", "none")
    if rerun_on not in ("none", "failed", "all"):
        raise ConfigError(f"invalid rerun_on option:{rerun_on}", hint="it is none, failed or all")
    return rerun_on


def _session_time(config: Params) -> datetime:
    """`session_time` as an instant, to the second.

    Raises:
        ConfigError: it is no ISO time with an offset.
    """
    found = _INSTANT.fullmatch(read_string(config, "session_time").strip())
    try:
        if found:
            return datetime.fromisoformat(found[1].upper() + found[2].upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    hint = "write a time with its offset, such as 2026-01-31T00:00:00+00:00"
    raise mismatch(config, "session_time", "class java.time.Instant", hint)
