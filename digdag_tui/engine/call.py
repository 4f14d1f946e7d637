"""What a task's operator is called with, and the words for how that fails."""

from __future__ import annotations

import re

from msgspec import Struct

from ..params.evaluate import Evaluator
from ..params.template import TemplateError
from ..workflow.config import Config, Params, merge, position_of
from ..workflow.convert import read_map, read_string
from ..workflow.errors import ConfigError, DigdagError, Position, TaskExecutionError
from ..workflow.names import did_you_mean
from ..workflow.text import java_text
from .attempt import Task

UNEVALUATED = frozenset({"_check", "_error"})
"""Keys that are left out of a task's params: they are tasks of their own (core 6.1)."""


class Call(Struct, frozen=True):
    """A task's evaluated params, the operator that they name, and how the log shows it (operators 2.1, core 10.2)."""

    operator: str
    title: str
    config: Params
    local: Params


def prepare(task: Task, params: Params, evaluator: Evaluator) -> Call:
    """Evaluate a task's own keys over its `params`, the built-in ones among them.

    Raises:
        ConfigError: a template fails, or no operator is named.
    """
    local = own_keys(task)
    below = {key: value for key, value in params.items() if key not in UNEVALUATED}
    try:
        evaluated = evaluator.evaluate(below, local)
    except TemplateError as error:
        if error.missing:
            error.hint = did_you_mean(error.missing, [*below, *local]) or f"no param is named {error.missing}"
        raise
    config = type_and_command(evaluated)
    operator = read_string(config, "_type")
    title = f"type: {operator}" if "_type" in evaluated else f"{operator}>: {java_text(config.get('_command'))}"
    return Call(operator, title, config, {key: config[key] for key in local})


def env_templates(config: Params, local: Params) -> dict[str, str]:
    """The variables of `_env`, which counts among a task's own keys only (operators 2.1).

    Raises:
        ConfigError: `_env` is no map of texts.
    """
    env = read_map(config, "_env", {}) if "_env" in local else {}
    return {name: read_string(env, name) for name in env}


def own_keys(task: Task) -> Config:
    """A task's own keys with the person's edits for it, unevaluated; edits come first, so that templates see them."""
    local = {key: value for key, value in task.config.items() if key not in UNEVALUATED}
    places = task.config.positions if isinstance(task.config, Config) else {}
    return Config({**task.edits, **merge(local, task.edits)} if task.edits else local, places)


def place(task: Task) -> Position | None:
    """Where a task names its operator."""
    key = next((key for key in task.config if key.endswith(">") or key == "_type"), "")
    return position_of(task.config, key)


def type_and_command(config: Params) -> Params:
    """`config` with `_type` and `_command` (core 4.4).

    Raises:
        ConfigError: no key names an operator.
    """
    if "_type" in config:
        return config
    key = next((key for key in config if key.endswith(">")), None)
    if key is None:
        raise ConfigError("Parameter '_type' is required but not set")
    command = {} if config[key] is None else {"_command": config[key]}
    return {**config, "_type": key[:-1], **command}


def failure_text(full_name: str, error: DigdagError) -> str:
    """The log's words for a failed task (core 10.2)."""
    match error:
        case ConfigError():
            return f"Configuration error at task {full_name}: {error.log_message}"
        case TaskExecutionError():
            return f"Task {full_name} failed.\n{error.log_message}"
        case _:
            return f"Task failed with unexpected error: {error.message}"


def class_words(name: str) -> str:
    """`MailConnectException` → `mail connect`, `SSLHandshakeException` → `ssl handshake` (core 5.5)."""
    name = re.sub(r"(?<=.)(Exception|Error)$", "", name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name).lower()
