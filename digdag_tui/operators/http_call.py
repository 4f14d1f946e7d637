"""`http_call>`: the tasks of a workflow that a web server gives (operators 5.2)."""

from __future__ import annotations

import re
from typing import Final

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params
from ..workflow.convert import read_int, read_optional_string
from ..workflow.errors import ConfigError, TaskExecutionError, TaskRuntimeError
from ..workflow.project import load_called
from ..workflow.text import json_type, parse_json
from ..workflow.yaml_text import yaml_text
from . import http_options as options
from .command import with_scope
from .http import command_uri, exchange
from .http_client import Response, charset_of, decode
from .java_strings import java_length, visible

FILE: Final = "http_call.dig"
LARGEST: Final = 65536
"""Characters of a definition."""

_LOGGER = "io.digdag.standards.operator.HttpCallOperatorFactory"
_MEDIA_TYPE = re.compile(r"([^\s/;]+)/([^\s/;]+)\s*(?:;.*)?", re.DOTALL)


async def run(context: OperatorContext) -> OperatorResult:
    """Write the definition into the workspace and load it as `call>` does.

    Raises:
        ConfigError: an option has no form that Digdag takes, or the definition is no workflow.
        PollingRetry: the request failed and may do better later.
        TaskExecutionError: it failed for good, or its answer is of another kind or too long.
        TaskRuntimeError: the URI or the answer's JSON is none, or the file cannot be written.
    """
    config = with_scope(context.config, "http")
    call = options.read_call(config)
    uri, is_secret = command_uri(context, config)
    override = read_optional_string(config, "content_type_override") or None
    transport = options.read_transport(context, config, call)
    response = await exchange(context, config, call, transport, uri, is_secret)
    content = response.text if override is None else decode(response.content, charset_of(override))
    length = java_length(content)
    largest = read_int(context.settings, "config.http_call.max_response_content_size", LARGEST)
    if length > largest:
        hint = "config.http_call.max_response_content_size is the most"
        raise TaskExecutionError(f"Response content too large: {length} > {largest}", hint=hint)
    definition = _definition(response, content, override)
    context.log("INFO", _LOGGER, f"Fetched definition for http_call>:\n{visible(definition)}")
    path = context.file(FILE)
    try:
        path.write_text(definition, encoding="utf-8", newline="")
    except OSError as error:
        raise TaskRuntimeError(f"java.io.IOException: {path}: {error.strerror}") from None
    return OperatorResult(subtasks=load_called(context.project, path).config)


def _definition(response: Response, content: str, override: str | None) -> str:
    """The YAML of the workflow.

    Raises:
        TaskExecutionError: the answer is neither JSON nor YAML.
        TaskRuntimeError: its JSON or its media type is none.
    """
    given = override or response.media_type
    if not given:
        hint = "content_type_override: names the type that the server does not tell"
        raise TaskExecutionError("Content-Type must be set in the HTTP response but not set", hint=hint)
    found = _MEDIA_TYPE.fullmatch(given.strip())
    if found is None:
        raise TaskRuntimeError(f"Failure parsing MediaType string: {visible(given)}", "illegal argument")
    match f"{found[1]}/{found[2]}".lower():
        case "application/x-yaml":
            return content
        case "application/json":
            try:
                return yaml_text(_parsed(content))
            except RecursionError:
                raise TaskRuntimeError("The definition is nested too deeply", "stack overflow") from None
        case _:
            wanted = "expected application/json or application/x-yaml"
            told = visible(response.media_type or "null")
            hint = "content_type_override: application/json (or x-yaml) says what it is"
            raise TaskExecutionError(f"Unsupported Content-Type ({wanted}): {told}", hint=hint)


def _parsed(content: str) -> Params:
    try:
        value = parse_json(content)
    except ConfigError as error:
        raise TaskRuntimeError(f"Failed to parse response as JSON: {visible(error.message)}") from None
    if not isinstance(value, dict):
        package = "com.fasterxml.jackson.databind.node"
        node = f"class {package}.{json_type(value).capitalize()}Node"
        message = f"{node} cannot be cast to class {package}.ObjectNode"
        raise TaskRuntimeError(message, "class cast", hint="a workflow is an object of JSON")
    return value
