"""URIs as Java reads them: what is one, its parts, and the words for what is wrong with others (operators 5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, quote_plus

from msgspec import Struct

from ..workflow.errors import TaskRuntimeError

_UNRESERVED = r"A-Za-z0-9_\-!.~'()*"
_OTHER = r"[^\x00-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_ESCAPED = r"%[0-9A-Fa-f]{2}"


def _characters(also: str) -> re.Pattern[str]:
    return re.compile(rf"(?:[{_UNRESERVED}{also}]|{_ESCAPED}|{_OTHER})*")


_URIC: Final = _characters(r";/?:@&=+$,\[\]")
_PATH: Final = _characters(r":@&=+$,;/")
_USER: Final = _characters(r";:&=+$,")
_REGISTRY: Final = _characters(r"$,;:@&=+")
_SERVER: Final = _characters(r";:&=+$,@\[\]")
_SCHEME: Final = re.compile(r"[A-Za-z0-9+.\-]*")
_DIGITS: Final = re.compile(r"[0-9]*")

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_HOST: Final = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}(?=:|$)|(?:(?:{_LABEL}\.)+(?=[A-Za-z]))?{_LABEL}\.?(?=:|$)")
_LITERAL: Final = re.compile(r"\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.\-]+)?\]")
_PARTS: Final = re.compile(r"(?:([^/?#:]*):)?((?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?)(?:#(.*))?", re.DOTALL)

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Uri(Struct, frozen=True):
    """A URI in its raw parts; `port` is -1 and `host` None where it has none that Java finds."""

    text: str
    scheme: str | None
    host: str | None
    port: int
    path: str
    query: str | None

    @property
    def origin(self) -> str:
        """Scheme, host and a port that is not the scheme's own."""
        port = "" if self.port in (-1, DEFAULT_PORTS.get(str(self.scheme).lower())) else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @property
    def shown(self) -> str:
        """The URI as messages have it: without user info, and each `%` quoted once more, as Java does."""
        query = "" if self.query is None else f"?{self.query}"
        return self.origin + f"{self.path}{query}".replace("%", "%25")


def parse_uri(text: str) -> Uri:
    """The parts of a URI.

    Raises:
        TaskRuntimeError: the text is none, in Java's words.
    """
    found = _PARTS.fullmatch(text)
    assert found is not None
    scheme, path, query = found[1], found[4], found[5]
    if scheme is not None:
        _check_scheme(text, scheme)
        if not found[2].startswith("/"):
            return _opaque(text, scheme, found.start(2))
    host, port = None, -1
    if found[3]:
        host, port = _server(text, found[3], found.start(3))
    elif found[3] is not None and found.end(3) == len(text):
        raise _expected("authority", text, found.start(3))
    _check(_PATH, "path", text, *found.span(4))
    if query is not None:
        _check(_URIC, "query", text, *found.span(5))
    if found[6] is not None:
        _check(_URIC, "fragment", text, *found.span(6))
    return Uri(text, scheme, host, port, path, query)


def quoted(text: str) -> str:
    """`text` with all that Java takes for no part of a URI quoted."""
    return quote(text, safe="%;/?:@&=+$,[]#_-!.~'()*", errors="replace")


def form_quoted(text: str) -> str:
    """`text` as Java's URLEncoder has it."""
    return quote_plus(text, safe="*", errors="replace").replace("~", "%7E")


def with_params(query: str | None, params: Sequence[tuple[str, str]]) -> str | None:
    """A query with further parameters; Jetty quotes no name where there was no query before."""
    for name, value in params:
        if query is None:
            raw = name if _URIC.fullmatch(name) else form_quoted(name)
            query = f"{raw}={form_quoted(value)}"
        else:
            query += f"&{form_quoted(name)}={form_quoted(value)}"
    return query


def _check_scheme(text: str, scheme: str) -> None:
    if not scheme:
        raise _expected("scheme name", text, 0)
    if not ("a" <= scheme[0].lower() <= "z"):
        raise _wrong("Illegal character in scheme name", text, 0)
    _check(_SCHEME, "scheme name", text, 0, len(scheme))


def _opaque(text: str, scheme: str, start: int) -> Uri:
    end = text.find("#", start) if "#" in text[start:] else len(text)
    if end == start:
        raise _expected("scheme-specific part", text, start)
    _check(_URIC, "opaque part", text, start, end)
    _check(_URIC, "fragment", text, end + 1, len(text))
    return Uri(text, scheme, None, -1, "", None)


def _server(text: str, authority: str, start: int) -> tuple[str | None, int]:
    """Host and port of an authority; neither where it is none of a server."""
    is_registry = _REGISTRY.fullmatch(authority) is not None
    if not is_registry and not _SERVER.fullmatch(authority):
        _check_escapes(text, start, start + len(authority))
        raise _wrong("Illegal character in authority", text, start)
    user, _, server = authority.rpartition("@")
    place = start + len(authority) - len(server)
    found = (_LITERAL if server.startswith("[") else _HOST).match(server)
    if found and _USER.fullmatch(user):
        port = server[found.end() :]
        if not port:
            return found[0], -1
        if port[0] == ":" and _DIGITS.fullmatch(port, 1) and int(port[1:] or -1) < 2**31:
            return found[0], int(port[1:] or -1)
    if is_registry:
        return None, -1
    if "]" not in server:
        raise _expected("closing bracket for IPv6 address", text, start + len(authority))
    raise _wrong("Malformed IPv6 address", text, place + 1)


def _check(allowed: re.Pattern[str], what: str, text: str, start: int, end: int) -> None:
    if start >= end:
        return
    found = allowed.match(text, start, end)
    place = found.end() if found else start
    if place < end:
        if text[place] == "%":
            raise _wrong("Malformed escape pair", text, place)
        raise _wrong(f"Illegal character in {what}", text, place)


def _check_escapes(text: str, start: int, end: int) -> None:
    found = re.compile(r"%(?![0-9A-Fa-f]{2})").search(text, start, end)
    if found and "]" not in text[start:end]:
        raise _wrong("Malformed escape pair", text, found.start())


def _expected(what: str, text: str, place: int) -> TaskRuntimeError:
    return _wrong(f"Expected {what}", text, place)


def _wrong(reason: str, text: str, place: int) -> TaskRuntimeError:
    hint = "a URL is written like http://host:80/path?query, other characters in it as %XX"
    return TaskRuntimeError(f"{reason} at index {place}: {text}", "illegal argument", hint=hint)
