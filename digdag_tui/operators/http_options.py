"""The options of `http>` and `http_call>` as a request and the way it takes (operators 5.1)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ..engine.operator import OperatorContext
from ..workflow.config import Params, Value
from ..workflow.convert import (
    parse_map,
    read_bool,
    read_int,
    read_list,
    read_long,
    read_map,
    read_optional_bool,
    read_optional_string,
    read_string,
    to_string,
)
from ..workflow.errors import ConfigError, TaskRuntimeError
from ..workflow.text import json_text, json_type
from .http_client import Headers, Request, Transport
from .java_uri import DEFAULT_PORTS, Uri, form_quoted, parse_uri, with_params
from .secrets import fill_command, fill_value, task_secret

USER_AGENT: Final = "Digdag/0.10.6"
CLIENT: Final = "Jetty/9.3.11.v20160721"
"""The client library that Digdag names to servers."""

_PROXIES_LOGGER = "io.digdag.standards.Proxies"
_VARIABLES: Final = {
    "http": ("http_proxy", "HTTP_PROXY"),
    "https": ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"),
}
_RETRIED: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class Call(Struct, frozen=True):
    """What a task says of its request before anything else is looked at; `timeout` is seconds."""

    method: str
    retry: bool
    timeout: int


def read_call(config: Params) -> Call:
    """The method of a task's request, and how it is tried.

    Raises:
        ConfigError: an option has no form that Digdag takes.
    """
    method = read_string(config, "method", "GET").upper()
    retry = read_optional_bool(config, "retry")
    return Call(method, method in _RETRIED if retry is None else retry, read_long(config, "timeout", 30))


def read_transport(context: OperatorContext, config: Params, call: Call) -> Transport:
    """The way that a task's request takes.

    Raises:
        ConfigError: an option has no form that Digdag takes.
    """
    insecure = read_bool(config, "insecure", False)
    proxies = _proxies(context, config)
    follow = read_bool(config, "follow_redirects", True)
    redirects = read_int(context.settings, "config.http.max_redirects", 8)
    return Transport(float(call.timeout) if call.timeout > 0 else None, insecure, proxies, follow, redirects)


def read_request(context: OperatorContext, config: Params, call: Call, uri: Uri) -> Request:
    """A task's request.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        TaskRuntimeError: there is no such secret.
    """
    user, authorization = task_secret(context, "http.user"), task_secret(context, "http.authorization")
    agent = context.settings.get("config.http.user_agent", USER_AGENT)
    headers = [("Accept-Encoding", "gzip"), ("User-Agent", f"{agent} {CLIENT}")]
    basic = None
    if authorization is not None:
        headers.append(("Authorization", authorization))
    elif user is not None:
        basic = _basic(user, task_secret(context, "http.password") or "")
    content, content_type = _content(context, config)
    headers += _headers(context, config)
    if content_type is not None and all(name.lower() != "content-type" for name, _ in headers):
        headers.append(("Content-Type", content_type))
    query = with_params(uri.query, _query(context, config))
    return Request(call.method, replace(uri, query=query), headers, content, basic, uri.text, uri.origin)


def _basic(user: str, password: str) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(f"{user}:{password}".encode("latin-1", "replace")).decode()


def _content(context: OperatorContext, config: Params) -> tuple[bytes | None, str | None]:
    """The content of a request and its Content-Type."""
    content = config.get("content")
    content_format = read_optional_string(config, "content_format")
    content_type = read_optional_string(config, "content_type")
    if content is None:
        return None, None
    is_scalar = not isinstance(content, dict | list)
    form = (content_format or ("text" if is_scalar else "json")).lower()
    if form == "json":
        text, usual = json_text(fill_value(context, content)), "application/json"
    elif form == "text" and is_scalar:
        text, usual = to_string(fill_value(context, content)), "plain/text"
    elif form == "form" and isinstance(content, dict):
        text, content_type = _form(fill_value(context, content)), None
        usual = "application/x-www-form-urlencoded"
    else:
        raise ConfigError(
            f"Invalid content format for {json_type(content)}s: '{form}'",
            hint="a map goes as json or form, a list as json, a text as text or json",
        )
    return text.encode("utf-8", "replace"), content_type or usual


def _form(fields: Params) -> str:
    for value in fields.values():
        if isinstance(value, dict | list):
            raise ConfigError(f"Invalid form content field value: {json_text(value)}", hint="a form's fields are texts")
    return "&".join(f"{form_quoted(name)}={form_quoted(_as_text(value))}" for name, value in fields.items())


def _headers(context: OperatorContext, config: Params) -> Headers:
    """The headers in their order; a pair that comes again counts once, as in Digdag."""
    headers: dict[tuple[str, str], None] = {}
    for entry in read_list(config, "headers", []):
        if not isinstance(entry, dict) or len(entry) != 1:
            raise ConfigError(f"Invalid header: {json_text(entry)}", hint="headers are a list like `- Name: value`")
        ((name, value),) = entry.items()
        headers[fill_command(context, name), fill_command(context, _as_text(value))] = None
    return list(headers)


def _as_text(value: Value) -> str:
    """A JSON value as Jackson's `asText` has it."""
    if isinstance(value, dict | list):
        return ""
    return "null" if value is None else to_string(value)


def _query(context: OperatorContext, config: Params) -> list[tuple[str, str]]:
    """The parameters of `query`: a map, its JSON text, or a query string."""
    params: list[tuple[str, str]] = []
    try:
        fields = parse_map(config, "query", {})
        for name in fields:
            filled = fill_command(context, name)
            params.append((filled, fill_command(context, read_string(fields, name))))
    except ConfigError:
        text = read_optional_string(config, "query")
        if text is not None:
            params += _query_string(fill_command(context, text))
    return params


def _query_string(text: str) -> list[tuple[str, str]]:
    from urllib.parse import unquote_plus

    pairs = [pair.partition("=") for pair in text.replace(";", "&").split("&")]
    return [(unquote_plus(name.strip()), unquote_plus(value.strip())) for name, _, value in pairs if name.strip()]


def _proxies(context: OperatorContext, config: Params) -> dict[str, str]:
    """The URLs of the proxies for http and https: the task's, those of Digdag's configuration or of the environment.

    Raises:
        ConfigError: the options of a proxy have no form that Digdag takes.
    """
    own, settings = read_map(config, "proxy", {}), context.settings
    if read_bool(own, "enabled", False) and read_bool(settings, "config.http.allow_user_proxy", True):
        return dict.fromkeys(DEFAULT_PORTS, _proxy_url(own, ""))
    if read_bool(settings, "config.http.proxy.enabled", False):
        return dict.fromkeys(DEFAULT_PORTS, _proxy_url(settings, "config.http.proxy."))
    found = {scheme: _environment_proxy(context, names) for scheme, names in _VARIABLES.items()}
    return {scheme: proxy for scheme, proxy in found.items() if proxy}


def _proxy_url(section: Mapping[str, Value], prefix: str) -> str:
    host, port = read_string(section, f"{prefix}host"), read_int(section, f"{prefix}port")
    scheme = "https" if read_bool(section, f"{prefix}tls", False) else "http"
    return f"{scheme}://{host}:{port}"


def _environment_proxy(context: OperatorContext, names: tuple[str, ...]) -> str | None:
    """The proxy of the first variable that is set; its user and password are left out, as by Digdag."""
    name = next((name for name in names if os.environ.get(name, "").strip()), None)
    if name is None:
        return None
    text = os.environ[name].strip()
    try:
        uri = parse_uri(text)
    except TaskRuntimeError:
        uri = None
    if uri is None or uri.host is None:
        shown = re.sub(r"//.*@", "//***@", text)
        context.log("WARN", _PROXIES_LOGGER, f"Failed to parse environment variable, ignoring: {name}={shown}")
        return None
    scheme = "https" if uri.scheme == "https" else "http"
    return f"{scheme}://{uri.host}:{DEFAULT_PORTS[scheme] if uri.port == -1 else uri.port}"
