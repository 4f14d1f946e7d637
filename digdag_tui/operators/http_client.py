"""HTTP as Digdag's client does it: one request with its redirects, and failures in Java's words (operators 5.1)."""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

from msgspec import Struct
from msgspec.structs import replace

from ..workflow.errors import TaskRuntimeError
from .http_messages import Request, Response
from .java_network import network_failure, visible
from .java_uri import DEFAULT_PORTS, parse_uri, quoted

if TYPE_CHECKING:
    import httpx

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of an answer that the client takes."""

CONNECT_TIMEOUT: Final = 15.0

_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_NOT_REDIRECTED: Final = frozenset(("host", "expect", "cookie", "authorization", "proxy-authorization"))


class NoResponse(Exception):
    """A request got no answer; `kind` is the Java class's words."""

    def __init__(self, message: str, kind: str = "runtime", hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.hint = hint


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
        raise NoResponse(f"Invalid protocol {uri.scheme}", "illegal argument", "a URL begins with http:// or https://")
    if uri.host is None:
        hint = "Java takes host names of letters, digits, dots and hyphens only"
        raise NoResponse(f"No host in the URI: {uri.text}", "illegal argument", hint)
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
    return NoResponse("Buffering capacity exceeded", "illegal argument", f"an answer may have {LARGEST} bytes")


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
