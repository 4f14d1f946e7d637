"""HTTP as Digdag's client does it: a request with its redirects, and failures in Java's words (operators 5.1)."""

from __future__ import annotations

import asyncio
import codecs
import re
import ssl
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from msgspec import Struct
from msgspec.structs import replace

from ..workflow.errors import TaskRuntimeError
from .java_network import network_failure
from .java_strings import visible
from .java_uri import DEFAULT_PORTS, Uri, parse_uri, quoted

if TYPE_CHECKING:
    import httpx

Headers = list[tuple[str, str]]

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of an answer that the client takes."""

CONNECT_TIMEOUT: Final = 15.0

_LARGEST_PORT: Final = 65535
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_NOT_REDIRECTED: Final = frozenset(("host", "expect", "cookie", "authorization", "proxy-authorization"))
_CHARSET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-+.:_]*")


class Request(Struct, frozen=True):
    """A request; `basic` is a header Authorization for URIs of one origin that begin with `basic_uri`."""

    method: str
    uri: Uri
    headers: Headers = []
    content: bytes | None = None
    basic: str | None = None
    basic_uri: str = ""
    basic_origin: str = ""

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
        if self.basic and uri.origin == self.basic_origin and (uri.origin + self.target).startswith(self.basic_uri):
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


class NoResponse(TaskRuntimeError):
    """A request got no answer."""


class BadResponse(Exception):
    """An answer cannot be used, and no more than the status counts; `hint` says what is wrong with it."""

    def __init__(self, status: int, hint: str) -> None:
        super().__init__(hint)
        self.status = status
        self.hint = hint


class Transport(Struct, frozen=True):
    """How requests go out.

    `timeout` is seconds for all redirects together, None for no limit; `proxies` has URLs by the scheme they are for.
    """

    timeout: float | None = 30.0
    insecure: bool = False
    proxies: Mapping[str, str] = {}
    follow_redirects: bool = True
    max_redirects: int = 8


async def send(request: Request, transport: Transport) -> Response:
    """Send a request and follow its redirects.

    Raises:
        NoResponse: there is no answer.
        BadResponse: the answer is no HTTP, or redirects wrongly.
    """
    import httpx

    try:
        async with asyncio.timeout(transport.timeout), _client(transport) as client:
            return await _follow(client, request, transport)
    except TimeoutError:
        hint = f"timeout: {transport.timeout:g} is the seconds that a request may take"
        raise NoResponse("java.util.concurrent.TimeoutException", hint=hint) from None
    except httpx.ConnectTimeout:
        raise NoResponse("java.net.SocketTimeoutException: Connect Timeout") from None
    except httpx.ProxyError as error:
        status = str(error)[:3]
        raise BadResponse(int(status) if status.isdigit() else 400, f"the proxy says {visible(str(error))}") from None
    except httpx.RemoteProtocolError as error:
        if "closed connection" in str(error) or "disconnected" in str(error):
            message = "java.io.EOFException: the server closed the connection before the end of its answer"
            raise NoResponse(message) from None
        raise BadResponse(400, f"the answer is no HTTP: {visible(str(error))}") from None
    except (httpx.LocalProtocolError, httpx.InvalidURL) as error:
        raise NoResponse(visible(str(error)), "illegal argument") from None
    except (httpx.HTTPError, OSError) as error:
        failure, known = network_failure(error, str(request.uri.host))
        raise NoResponse(failure, hint=known and f"{known}; `insecure: true` trusts any certificate") from None


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


def _client(transport: Transport) -> httpx.AsyncClient:
    import httpx

    context = ssl.create_default_context()
    if transport.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    no_reuse = httpx.Limits(max_keepalive_connections=0)
    mounts = {
        f"{scheme}://": httpx.AsyncHTTPTransport(
            verify=context, limits=no_reuse, proxy=httpx.Proxy(url, ssl_context=context if "https:" in url else None)
        )
        for scheme, url in transport.proxies.items()
    }
    timeout = httpx.Timeout(None, connect=CONNECT_TIMEOUT)
    return httpx.AsyncClient(verify=context, limits=no_reuse, mounts=mounts, timeout=timeout, trust_env=False)


async def _follow(client: httpx.AsyncClient, request: Request, transport: Transport) -> Response:
    redirects = 0
    while True:
        response = await _exchange(client, request, transport)
        if not transport.follow_redirects or response.status not in _REDIRECTS:
            return response
        if redirects == transport.max_redirects:
            raise BadResponse(response.status, f"it redirects more than {redirects} times")
        request = _redirected(request, response)
        redirects += 1


async def _exchange(client: httpx.AsyncClient, request: Request, transport: Transport) -> Response:
    import httpx

    uri = request.uri
    scheme = str(uri.scheme).lower()
    if scheme not in DEFAULT_PORTS:
        raise NoResponse(
            f"Invalid protocol {uri.scheme or 'null'}", "illegal argument", hint="a URL begins with http:// or https://"
        )
    if uri.host is None:
        hint = "Java takes host names of letters, digits, dots and hyphens only"
        problem = 'Cannot invoke "String.toLowerCase(java.util.Locale)" because "host" is null'
        raise NoResponse(problem, "null pointer", hint=hint)
    if uri.port > _LARGEST_PORT:
        raise NoResponse(f"port out of range:{uri.port}", "illegal argument", hint="ports end at 65535")
    target = quoted(request.target)
    message = httpx.Request(
        request.method, uri.origin + target, headers=list(request.raw_headers()), content=request.content
    )
    if scheme not in transport.proxies:
        message.extensions["target"] = target.encode()
    elif scheme == "http":
        message.extensions["target"] = (uri.origin + target).encode()
    client.cookies.set_cookie_header(message)
    response = await client.send(message, stream=True)
    try:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw]
        reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
        answer = Response(response.status_code, reason, response.http_version, headers)
        return replace(answer, content=await _content(response, answer))
    finally:
        await response.aclose()


async def _content(response: httpx.Response, answer: Response) -> bytes:
    length = answer.header("content-length") or ""
    if length.isdigit() and int(length) > LARGEST:
        raise _too_large()
    encodings = (answer.header("content-encoding") or "").lower().split(",")
    unzip = _Unzip() if "gzip" in map(str.strip, encodings) else None
    content = bytearray()
    async for piece in response.aiter_raw():
        content += unzip.feed(piece, LARGEST + 1 - len(content)) if unzip else piece
        if len(content) > LARGEST:
            raise _too_large()
    return bytes(content)


class _Unzip:
    """Takes gzip's members apart as they come."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(31)

    def feed(self, data: bytes, limit: int) -> bytes:
        """What `data` holds, up to `limit` bytes."""
        content = b""
        try:
            while data and len(content) < limit:
                content += self._member.decompress(data, limit - len(content))
                data = self._member.unused_data
                if self._member.eof:
                    self._member = zlib.decompressobj(31)
        except zlib.error:
            raise NoResponse("java.util.zip.ZipException: Invalid gzip bytes") from None
        return content


def _too_large() -> NoResponse:
    return NoResponse("Buffering capacity exceeded", "illegal argument", hint=f"an answer may have {LARGEST} bytes")


def _redirected(request: Request, response: Response) -> Request:
    """The request that a redirect asks for; it has the content of the first, as Jetty's has."""
    location = response.header("location")
    if location is None:
        raise BadResponse(response.status, "it redirects without a Location header")
    try:
        uri = parse_uri(quoted(urljoin(request.uri.origin + (request.uri.path or "/"), location)))
    except (TaskRuntimeError, ValueError):
        raise BadResponse(response.status, f"it redirects to {visible(location)}") from None
    method = request.method
    match response.status:
        case 301 if method not in ("GET", "HEAD", "PUT", "POST"):
            raise BadResponse(301, f"a {method} request is not redirected by status 301")
        case 301 if method == "POST":
            method = "GET"
        case 302 if method not in ("HEAD", "PUT"):
            method = "GET"
        case 303 if method != "HEAD":
            method = "GET"
    headers = [(name, value) for name, value in request.headers if name.lower() not in _NOT_REDIRECTED]
    return replace(request, method=method, uri=uri, headers=headers)
