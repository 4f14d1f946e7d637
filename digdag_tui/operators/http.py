"""`http>`: a request to a web server (operators 5.1)."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from ..engine.operator import OperatorContext, OperatorResult, PollingRetry
from ..workflow.config import Params
from ..workflow.convert import read_bool, read_int, read_string
from ..workflow.errors import TaskExecutionError, TaskRuntimeError
from . import http_options as options
from .command import with_scope
from .http_client import BadResponse, NoResponse, Request, Response, Transport, send
from .java_strings import java_length, java_start, visible
from .java_uri import Uri, parse_uri
from .secrets import fill_command, task_secret

LARGEST_CONTENT: Final = 65536
"""Characters of an answer that are stored, and with which an error is told."""

_PHRASES: Final = {
    100: "Continue", 101: "Switching Protocols", 102: "Processing", 200: "OK", 201: "Created", 202: "Accepted",
    203: "Non Authoritative Information", 204: "No Content", 205: "Reset Content", 206: "Partial Content",
    207: "Multi-Status", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other",
    304: "Not Modified", 305: "Use Proxy", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
    401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
    411: "Length Required", 412: "Precondition Failed", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
    415: "Unsupported Media Type", 416: "Requested Range Not Satisfiable", 417: "Expectation Failed",
    421: "Misdirected Request", 422: "Unprocessable Entity", 423: "Locked", 424: "Failed Dependency",
    426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Server Error", 501: "Not Implemented", 502: "Bad Gateway",
    503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
    507: "Insufficient Storage", 511: "Network Authentication Required",
}  # fmt: skip
"""What Digdag's messages call a status, whatever the server calls it."""

_LOGGER = "io.digdag.standards.operator.HttpOperatorFactory"
_RETRY_LOGGER = "io.digdag.standards.operator.state.PollingRetryExecutor"
_LONGEST_INTERVAL = 30
_QUOTED_LENGTH = 200


async def run(context: OperatorContext) -> OperatorResult:
    """Send the request and store its status, and its content with `store_content`.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        PollingRetry: the request failed and may do better later.
        TaskExecutionError: it failed for good, or the content is too long to be stored.
        TaskRuntimeError: the URI is none, or a secret or a charset does not exist.
    """
    config = with_scope(context.config, "http")
    call = options.read_call(config)
    transport = options.read_transport(context, config, call)
    text = task_secret(context, "http.uri")
    uri, is_secret = command_uri(context, config) if text is None else (parse_uri(text), True)
    store_content = read_bool(config, "store_content", False)
    response = await exchange(context, config, call, transport, uri, is_secret)
    stored: Params = {"last_status": response.status}
    if store_content:
        stored["last_content"] = _content(context, response)
    return OperatorResult(store={"http": stored}, reset_store=tuple(f"http.{name}" for name in stored))


def command_uri(context: OperatorContext, config: Params) -> tuple[Uri, bool]:
    """The URI of the command, and whether secrets are in it.

    Raises:
        ConfigError: there is no command.
        TaskRuntimeError: it is no URI, or there is no such secret.
    """
    command = read_string(config, "_command")
    text = fill_command(context, command)
    return parse_uri(text), text != command


async def exchange(
    context: OperatorContext, config: Params, call: options.Call, transport: Transport, uri: Uri, is_secret: bool
) -> Response:
    """Send a request and return its answer, whose status is 2xx or 3xx.

    Args:
        is_secret: whether the URI must not be shown.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        PollingRetry: the request failed and may do better later.
        TaskExecutionError: it failed for good.
    """
    request = options.read_request(context, config, call, uri)
    try:
        return await _send(context, request, transport, call.retry, is_secret)
    except TaskRuntimeError as error:
        raise _later(context, error.message) from None


def _later(context: OperatorContext, message: str) -> PollingRetry:
    """Ask to be called again, after twice the time as before (operators 5.1)."""
    state: Params = {"operation": {}, **context.state.get("request", {})}
    retry = read_int(state, "retry", 0)
    interval = min(2**retry, _LONGEST_INTERVAL)
    context.log("WARN", _RETRY_LOGGER, f"HTTP request failed. {message}: retrying in {interval} seconds")
    return PollingRetry(interval, {**context.state, "request": {**state, "retry": retry + 1}})


async def _send(
    context: OperatorContext, request: Request, transport: Transport, retry: bool, is_secret: bool
) -> Response:
    """Send a request once.

    Raises:
        TaskExecutionError: it failed for good.
        TaskRuntimeError: it failed and may do better later.
    """
    method = request.method
    uri = request.uri
    shown = sent = f"{uri.scheme}://***"
    if not is_secret:
        shown, sent = uri.shown, replace(uri, path=uri.path or "/").shown
    context.log("INFO", _LOGGER, f"Sending HTTP request: {method} {shown}")
    try:
        response = await send(request, transport)
    except NoResponse as error:
        context.log("WARN", _LOGGER, f"Exception without response: {method} {shown}")
        if retry:
            raise
        raise TaskExecutionError(error.message, error.kind, hint=error.hint) from None
    except BadResponse as error:
        raise _failure(error.status, f"{method} {sent}", "", retry, error.hint) from None
    context.log("INFO", _LOGGER, f"Received HTTP response: {method} {shown}: {response}")
    if 200 <= response.status < 400:
        return response
    raise _failure(response.status, f"{method} {sent}", f": {_summary(context, response)}", retry)


def _failure(status: int, what: str, summary: str, retry: bool, hint: str | None = None) -> Exception:
    text = f"{what} - {status} {_PHRASES.get(status, status)}{summary}"
    if status in (408, 429):
        return TaskRuntimeError(f"Failed HTTP request: {text}")
    if 400 <= status < 500:
        return TaskExecutionError(f"HTTP 4XX Client Error: {text}", hint=hint)
    text = f"HTTP 5XX Server Error: {text}" if 500 <= status < 600 else f"Unexpected HTTP status: {text}"
    return TaskRuntimeError(text) if retry else TaskExecutionError(text, hint=hint)


def _summary(context: OperatorContext, response: Response) -> str:
    """The beginning of an answer's content, for the message of an error."""
    length = response.header("content-length")
    if length is not None and not (length.strip().isdigit() and int(length) <= _largest(context)):
        return "(too long response body)"
    body = response.text
    if java_length(body) > _QUOTED_LENGTH:
        body = java_start(body, _QUOTED_LENGTH - 3) + "..."
    return visible(body)


def _content(context: OperatorContext, response: Response) -> str:
    """The content as text, to be stored.

    Raises:
        TaskExecutionError: it is too long.
        TaskRuntimeError: Java has no such charset.
    """
    content = response.text
    length, largest = java_length(content), _largest(context)
    if length > largest:
        hint = "config.http.max_stored_response_content_size is the most; or leave store_content out"
        raise TaskExecutionError(f"Response content too large: {length} > {largest}", hint=hint)
    return content


def _largest(context: OperatorContext) -> int:
    return read_int(context.settings, "config.http.max_stored_response_content_size", LARGEST_CONTENT)
