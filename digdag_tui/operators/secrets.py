"""A task's secrets: by their keys, and in texts as `${secret:KEY}`, which templates leave alone (operators 2.8)."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..engine.operator import OperatorContext
from ..workflow.config import Params, Value
from ..workflow.errors import ConfigError, TaskRuntimeError
from ..workflow.text import json_text

_TEMPLATE = re.compile(r"\$\{([\s\S]*?):([\s\S]+?)\}")
_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z_0-9]*")
_NUMBER = re.compile(r"[+-]?\d{1,20}")


def task_secret(context: OperatorContext, key: str) -> str | None:
    """The secret that a task has at `key`, where its `_secrets` may put another; None if there is none.

    Raises:
        ConfigError: a leaf of `_secrets` is neither text nor true.
        TaskRuntimeError: `key` is no key.
    """
    return context.secret(_remounted(key, context.secret_mounts))


def missing_secret(key: str, hint: str | None = None) -> TaskRuntimeError:
    """The error of a secret that is needed and not there."""
    return TaskRuntimeError(f"Secret not found for key: '{key}'", "secret not found", hint=hint)


def parse_number(text: str) -> int:
    """The number that a secret is; Java takes no blanks around it.

    Raises:
        TaskRuntimeError: it is no 32-bit integer.
    """
    number = int(text) if _NUMBER.fullmatch(text) else 2**31
    if not -(2**31) <= number < 2**31:
        hint = "the secret is a number without blanks and without an end of line"
        raise TaskRuntimeError(f'For input string: "{text}"', "number format", hint=hint)
    return number


def fill(text: str, secret: Callable[[str], str | None]) -> str:
    """`text` with the values of its secrets.

    Raises:
        ConfigError: a template in it is none of a secret.
        TaskRuntimeError: there is no such secret.
    """
    for found in _TEMPLATE.finditer(text):
        if found[1].strip() != "secret":
            raise ConfigError(f"Invalid parametrization: '{found[0]}'")

    def value(found: re.Match[str]) -> str:
        key = found[2].strip()
        value = secret(key)
        if value is None:
            raise missing_secret(key, f"Digdag's local mode reads it from the file ~/.config/digdag/secrets/{key}")
        return value

    return _TEMPLATE.sub(value, text)


def fill_command(context: OperatorContext, text: str) -> str:
    """`text` with the task's secrets; raises as `fill` does."""
    return fill(text, lambda key: task_secret(context, key))


def fill_value(context: OperatorContext, value: Value) -> Value:
    """`value` with the task's secrets in all texts of it, keys too; raises as `fill` does."""
    match value:
        case str():
            return fill_command(context, value)
        case dict():
            return {fill_command(context, key): fill_value(context, item) for key, item in value.items()}
        case list():
            return [fill_value(context, item) for item in value]
        case _:
            return value


def is_variable(name: str) -> bool:
    """Whether `name` can be the name of an environment variable."""
    return _VARIABLE.fullmatch(name) is not None


def environment(context: OperatorContext) -> dict[str, str]:
    """The variables of `_env`; `_secrets` remounts nothing here.

    Raises:
        ConfigError: a name is no variable's.
        TaskRuntimeError: there is no such secret.
    """
    variables = {}
    for name, template in context.env.items():
        if not is_variable(name):
            raise ConfigError(f"Invalid _env key name: {name}", hint="a name has letters, digits and underscores only")
        variables[name] = fill(template, context.secret)
    return variables


def _remounted(key: str, mounts: Params) -> str:
    """The key that `mounts`, a task's `_secrets`, put in the place of `key`; raises as `task_secret` does."""
    if not key or "*" in key:
        raise TaskRuntimeError(f"Illegal key: '{key}'", "illegal argument")
    parts = key.split(".")
    for depth, part in enumerate(parts, 1):
        match mounts.get(part, True):
            case str() as other:
                return ".".join([*other.split("."), *parts[depth:]])
            case dict() as inner:
                mounts = inner
            case True:
                return key
            case leaf:
                raise ConfigError(f"Illegal value in _secrets: {json_text(leaf)}")
    return key
