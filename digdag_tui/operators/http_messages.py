"""Requests and answers of HTTP as Digdag's client has them (operators 5.1)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ..workflow.errors import TaskRuntimeError
from .java_network import visible
from .java_uri import DEFAULT_PORTS, Uri

Headers = list[tuple[str, str]]

PHRASES: Final = {
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

_CHARSET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-+.:_]*")


class Request(Struct, frozen=True):
    """A request; `basic` is a header Authorization for URIs that begin with `basic_uri`."""

    method: str
    uri: Uri
    headers: Headers = []
    content: bytes | None = None
    basic: str | None = None
    basic_uri: str = ""

    @property
    def target(self) -> str:
        """Path and query, as they are sent."""
        query = "" if self.uri.query is None else f"?{self.uri.query}"
        return (self.uri.path or "/") + query

    def raw_headers(self) -> Iterator[tuple[bytes, bytes]]:
        """All headers as bytes; what HTTP cannot carry is replaced as Jetty does."""
        for name, value in self._all_headers():
            clean_name = re.sub(r"[^\x00-\xff]|[\r\n:]", "?", name)
            clean_value = re.sub(r"[^\x00-\xff]|[\r\n]", " ", value).strip(" \t")
            yield clean_name.encode("latin-1"), clean_value.encode("latin-1")

    def _all_headers(self) -> Iterator[tuple[str, str]]:
        uri = self.uri
        names = {name.lower() for name, _ in self.headers}
        yield from self.headers
        if "host" not in names:
            port = "" if uri.port in (-1, DEFAULT_PORTS.get(str(uri.scheme).lower())) else f":{uri.port}"
            yield "Host", str(uri.host).lower() + port
        if self.content is not None and "content-length" not in names:
            yield "Content-Length", str(len(self.content))
        if self.basic and (uri.origin + self.target).startswith(self.basic_uri):
            yield "Authorization", self.basic


class Response(Struct, frozen=True):
    """An answer; `content` is decoded, as far as gzip goes."""

    status: int
    reason: str
    version: str
    headers: Headers
    content: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header; `name` is in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def media_type(self) -> str | None:
        """What Content-Type says, without its parameters."""
        value = self.header("content-type")
        return None if value is None else re.split(";|charset=", value, maxsplit=1, flags=re.IGNORECASE)[0].strip()

    @property
    def text(self) -> str:
        """The content in the charset of Content-Type, else in UTF-8.

        Raises:
            TaskRuntimeError: Java has no such charset.
        """
        return decode(self.content, charset_of(self.header("content-type") or ""))

    def __str__(self) -> str:
        reason = visible(self.reason) or "null"
        return f"HttpContentResponse[{self.version} {self.status} {reason} - {len(self.content)} bytes]"


def charset_of(content_type: str) -> str | None:
    """The charset that a Content-Type names, as Jetty reads it: quotes are not removed."""
    index = content_type.lower().find("charset=")
    if index <= 0:
        return None
    charset, semicolon, _ = content_type[index + len("charset=") :].partition(";")
    return charset.strip() if semicolon else charset


def decode(content: bytes, charset: str | None) -> str:
    """Bytes as text, without half characters; UTF-8 if no charset is named.

    Raises:
        TaskRuntimeError: Java has no such charset.
    """
    if charset is None:
        return content.decode("utf-8", "replace")
    try:
        if not _CHARSET.fullmatch(charset) or not codecs.lookup(charset)._is_text_encoding:
            raise LookupError
        return content.decode(charset, "replace").encode("utf-8", "replace").decode()
    except (LookupError, ValueError):
        raise TaskRuntimeError(visible(charset), "unsupported charset") from None


def java_length(text: str) -> int:
    """The length of a text in UTF-16 units, as Java counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def java_start(text: str, length: int) -> str:
    """The first `length` UTF-16 units of a text; half a character at the end is left out."""
    return text.encode("utf-16-le", "surrogatepass")[: 2 * length].decode("utf-16-le", "ignore")
