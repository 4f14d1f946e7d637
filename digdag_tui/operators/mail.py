"""`mail>`: a mail by way of an SMTP server (operators 5.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..engine.operator import OperatorContext, OperatorResult
from ..workflow.config import Params, Value
from ..workflow.convert import (
    mismatch,
    read_bool,
    read_int,
    read_list,
    read_optional_string,
    read_string,
    read_strings,
)
from ..workflow.errors import ConfigError, TaskExecutionError, TaskRuntimeError
from .command import with_scope
from .mail_message import Attachment, Mail, parse_address
from .secrets import parse_number, task_secret
from .smtp_client import MailError, SmtpServer, send_mail
from .template_command import template_command

_LOGGER = "io.digdag.standards.operator.MailOperatorFactory"


async def run(context: OperatorContext) -> OperatorResult:
    """Send the mail.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        MailError: the server did not take the mail, or an attachment cannot be read.
        TaskExecutionError: no server is configured.
        TaskRuntimeError: an attachment is not in the project, or a secret has no form that Digdag takes.
    """
    config = with_scope(context.config, "mail")
    body = template_command(context, config, "body")
    subject = _configured(context, config, "subject")
    to = _receivers(config)
    bcc, cc = read_strings(config, "bcc", []), read_strings(config, "cc", [])
    html = read_bool(config, "html", False)
    server, is_traced = _server(context, config)
    mail = Mail(
        parse_address(_configured(context, config, "from")),
        to=list(map(parse_address, to)),
        bcc=list(map(parse_address, bcc)),
        cc=list(map(parse_address, cc)),
        subject=subject,
        body=body,
        html=html,
        attachments=_attachments(context, config),
    )
    context.artifact("body", body)
    trace = (lambda line: context.output(f"DEBUG SMTP: {line}\n")) if is_traced else None
    await deliver(mail, server, trace)
    return OperatorResult()


async def deliver(mail: Mail, server: SmtpServer, trace: Callable[[str], None] | None = None) -> None:
    """Send a mail by a server.

    Args:
        trace: takes what is said between the two, without passwords.

    Raises:
        MailError: the server did not take it, or an attachment cannot be read.
    """
    if not mail.recipients:
        raise MailError("No recipient addresses", "send failed")
    try:
        await send_mail(server, mail.sender.address, mail.recipients, mail.content, trace)
    except OSError as error:
        cause = TaskRuntimeError(f"{error.filename} ({error.strerror})", "file not found")
        raise MailError("IOException while sending message", hint=cause.message) from cause


def configured_server(settings: Mapping[str, str], prefix: str) -> tuple[SmtpServer, bool]:
    """The server that Digdag's configuration has below a prefix, and whether to trace what is said.

    Raises:
        ConfigError: a setting is missing, or has no form that Digdag takes.
    """
    server = SmtpServer(
        host=read_string(settings, f"{prefix}host"),
        port=read_int(settings, f"{prefix}port"),
        tls=read_bool(settings, f"{prefix}tls", True),
        ssl=read_bool(settings, f"{prefix}ssl", False),
        username=settings.get(f"{prefix}username"),
        password=settings.get(f"{prefix}password"),
    )
    return server, read_bool(settings, f"{prefix}debug", False)


def _configured(context: OperatorContext, config: Params, key: str) -> str:
    """A task's text, or that of Digdag's configuration.

    Raises:
        ConfigError: there is neither, or it is no text.
    """
    text = read_optional_string(config, key)
    if text is None:
        text = context.settings.get(f"config.mail.{key}")
    return read_string(config, key) if text is None else text


def _receivers(config: Params) -> list[str]:
    try:
        return read_strings(config, "to")
    except ConfigError:
        return [read_string(config, "to")]


def _server(context: OperatorContext, config: Params) -> tuple[SmtpServer, bool]:
    """The task's own server, or all of the one in Digdag's configuration, and whether to trace what is said.

    Raises:
        ConfigError: an option or a setting has no form that Digdag takes.
        TaskExecutionError: there is neither.
        TaskRuntimeError: a secret has no form that Digdag takes.
    """
    host = _secret(context, "host") or read_optional_string(config, "host")
    if host is not None:
        return _own_server(context, config, host), read_bool(config, "debug", False)
    if "config.mail.host" in context.settings:
        return configured_server(context.settings, "config.mail.")
    hint = "set host and port below mail: in _export, or config.mail.host and port in Digdag's configuration"
    raise TaskExecutionError("Missing SMTP configuration", hint=hint)


def _own_server(context: OperatorContext, config: Params, host: str) -> SmtpServer:
    if read_optional_string(config, "password") is not None:
        context.log("WARN", _LOGGER, "Unsecure 'password' parameter is deprecated.")
    port, tls, ssl = _secret(context, "port"), _secret(context, "tls"), _secret(context, "ssl")
    secret_port = None if port is None else parse_number(port)
    own_port = read_int(config, "port")
    own_tls, own_ssl = read_bool(config, "tls", True), read_bool(config, "ssl", False)
    return SmtpServer(
        host=host,
        port=own_port if secret_port is None else secret_port,
        tls=own_tls if tls is None else tls.lower() == "true",
        ssl=own_ssl if ssl is None else ssl.lower() == "true",
        username=_secret(context, "username") or read_optional_string(config, "username"),
        password=_secret(context, "password"),
    )


def _secret(context: OperatorContext, key: str) -> str | None:
    return task_secret(context, f"mail.{key}")


def _attachments(context: OperatorContext, config: Params) -> list[Attachment]:
    """The files that go along.

    Raises:
        ConfigError: an option has no form that Digdag takes.
        TaskRuntimeError: a file is not in the project.
    """
    entries = read_list(config, "attach_files", [])
    if not all(isinstance(entry, dict) for entry in entries):
        raise mismatch(config, "attach_files", "array type", "each is a map with a path:")
    return [_attachment(context, entry) for entry in entries]


def _attachment(context: OperatorContext, entry: Mapping[str, Value]) -> Attachment:
    path = read_string(entry, "path")
    name = read_optional_string(entry, "filename")
    if name is None:
        name = path[max(path.rfind("/"), 0) :]
    content_type = read_optional_string(entry, "content_type") or "application/octet-stream"
    return Attachment(context.file(path), content_type, name)
