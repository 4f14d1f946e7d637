"""The text of a mail: addresses as JavaMail takes them, and MIME (operators 5.3)."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Sequence
from email import policy
from email.header import Header
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.utils import formatdate, make_msgid, quote
from pathlib import Path
from typing import Final

from msgspec import Struct

from ..workflow.errors import ConfigError, TaskRuntimeError

_POLICY: Final = policy.compat32.clone(linesep="\r\n", max_line_length=998)
_COMMENT: Final = re.compile(r"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_QUOTED: Final = r'"(?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])*"'
_NAMED: Final = re.compile(rf"((?:[^<>\"]|{_QUOTED})*)<([^<>]*)>\s*", re.DOTALL)
_LOCAL: Final = re.compile(rf'(?:{_QUOTED}|[^\x00-\x20\x7f()<>@,;:\\"\[\].]+(?:\.[^\x00-\x20\x7f()<>@,;:\\"\[\].]+)*)')
_DOMAIN: Final = re.compile(r"\[[^\[\]\x00-\x20\x7f]*\]|(?:[^\W_]|-)(?:[^\W_]|-|\.(?!\.|$))*")
_LONGEST_LINE: Final = 998


class Address(Struct, frozen=True):
    """A mail address, with a name or without."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        if not self.name:
            return self.address
        name = f'"{quote(self.name)}"' if _is_plain(self.name) else Header(self.name, "utf-8").encode()
        return f"{name} <{self.address}>"


class Attachment(Struct, frozen=True):
    """A file that goes along, under a name of its own."""

    path: Path
    content_type: str
    name: str


class Mail(Struct, frozen=True):
    """A mail before it is text."""

    sender: Address
    to: Sequence[Address]
    cc: Sequence[Address]
    bcc: Sequence[Address]
    subject: str
    body: str
    html: bool = False
    attachments: Sequence[Attachment] = ()

    @property
    def recipients(self) -> list[str]:
        """All that get it, each once."""
        return list(dict.fromkeys(to.address for to in (*self.to, *self.cc, *self.bcc)))

    def content(self) -> bytes:
        """The message as it is sent.

        Raises:
            OSError: an attachment cannot be read.
        """
        message = _text(self.body, "html" if self.html else "plain")
        if self.attachments:
            parts = MIMEMultipart("mixed", policy=_POLICY)
            for part in (message, *map(_attached, self.attachments)):
                del part["MIME-Version"]
                parts.attach(part)
            message = parts
        headers = {"From": str(self.sender), "Sender": str(self.sender), "Subject": _subject(self.subject)}
        for name, addresses in (("To", self.to), ("Cc", self.cc)):
            if addresses:
                headers[name] = ", ".join(map(str, addresses))
        headers |= {"Date": formatdate(localtime=True), "Message-ID": make_msgid(domain="digdag-tui")}
        for name, value in headers.items():
            message[name] = value
        return message.as_bytes(policy=_POLICY)


def parse_address(text: str) -> Address:
    """The address that a text is: `a@b`, `<a@b>`, `Name <a@b>` or `a@b (Name)`.

    Raises:
        ConfigError: it is none.
    """
    bare = _COMMENT.sub("", text).strip()
    comment = _COMMENT.search(text)
    name = comment[0][1:-1] if comment else ""
    if named := _NAMED.fullmatch(bare):
        name, bare = named[1].strip() or name, named[2].strip()
        if name[:1] == name[-1:] == '"' and len(name) > 1:
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
    problem = _problem(bare)
    if problem is None and not bare.isascii():
        problem = "Address contains characters beyond ASCII"
    if problem:
        cause = TaskRuntimeError(problem, "address")
        raise ConfigError("Invalid address", hint=f"{problem}: {text.strip()!r}") from cause
    return Address(bare, _encodable(" ".join(name.split())))


def _problem(address: str) -> str | None:
    """What is wrong with an address, in JavaMail's words."""
    if not address:
        return "Empty address"
    local = _LOCAL.match(address)
    end = local.end() if local else 0
    if end == len(address):
        return None
    if address[end] != "@":
        found = address[end]
        if found <= " " or found == "\x7f":
            return "Local address contains control or whitespace"
        if found == ".":
            return "Local address starts with dot" if end == 0 else "Local address contains dot-dot"
        return "Local address contains illegal character"
    if not local:
        return "Missing local name"
    domain = address[end + 1 :]
    if not domain:
        return "Missing domain"
    if not _DOMAIN.fullmatch(domain):
        return "Domain contains illegal character"
    return None


def _text(body: str, subtype: str) -> Message:
    """A part of text; Base64 keeps what plain lines cannot."""
    message = MIMENonMultipart("text", subtype, charset="utf-8", policy=_POLICY)
    body = _encodable(body)
    lines = body.replace("\r\n", "\n").split("\n")
    if body.isascii() and "\0" not in body and all("\r" not in line and len(line) <= _LONGEST_LINE for line in lines):
        message["Content-Transfer-Encoding"] = "7bit"
        message.set_payload("\n".join(lines))
    else:
        message["Content-Transfer-Encoding"] = "base64"
        message.set_payload(encodebytes(body.encode()).decode())
    return message


def _attached(attachment: Attachment) -> Message:
    part = Message(_POLICY)
    name = _line(attachment.name)
    charset = "" if _is_plain(name) else "utf-8"
    part["Content-Type"] = _encodable(" ".join(attachment.content_type.split()))
    part.set_param("name", name, charset=charset)
    part["Content-Disposition"] = "attachment"
    part.set_param("filename", name, "Content-Disposition", charset=charset)
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(encodebytes(attachment.path.read_bytes()).decode())
    return part


def _subject(text: str) -> str:
    line = _line(text).rstrip()
    return line if _is_plain(line) else Header(line, "utf-8").encode()


def _line(text: str) -> str:
    """A text for a header."""
    return _encodable(" ".join(text.splitlines()))


def _encodable(text: str) -> str:
    """`text` without half characters, which UTF-8 has not."""
    return text.encode("utf-8", "replace").decode()


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
