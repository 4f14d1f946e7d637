"""What Java says when a network fails, for the errors of Python that mean the same."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from .java_strings import visible

_SOCKET_ERRORS: Final = {
    errno.ECONNREFUSED: "java.net.ConnectException: Connection refused",
    errno.ETIMEDOUT: "java.net.ConnectException: Connection timed out",
    errno.EHOSTUNREACH: "java.net.NoRouteToHostException: No route to host",
    errno.EADDRNOTAVAIL: "java.net.BindException: Cannot assign requested address",
    errno.EACCES: "java.net.BindException: Permission denied",
    errno.ECONNRESET: "java.net.SocketException: Connection reset",
}
_HANDSHAKE: Final = "javax.net.ssl.SSLHandshakeException: "
_UNTRUSTED: Final = (
    "PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: "
    "unable to find valid certification path to requested target"
)
_EXPIRED: Final = "PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed"
_OTHER_HOST: Final = frozenset((62, 64))
"""OpenSSL's codes for a certificate of another host or address."""


def network_failure(error: BaseException, host: str) -> tuple[str, str | None]:
    """A failure of DNS, TCP or TLS as Java's `toString` of the exception, and what else OpenSSL knows of it."""
    causes = list(_causes(error))
    host = visible(host)
    for cause in causes:
        match cause:
            case ssl.SSLCertVerificationError(verify_code=10):
                return _HANDSHAKE + _EXPIRED, cause.verify_message
            case ssl.SSLCertVerificationError(verify_code=code) if code in _OTHER_HOST:
                return f"{_HANDSHAKE}No subject alternative names matching {host} found", cause.verify_message
            case ssl.SSLCertVerificationError():
                return _HANDSHAKE + _UNTRUSTED, cause.verify_message
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):
                return "javax.net.ssl.SSLException: Unsupported or unrecognized SSL message", None
            case ssl.SSLError():
                return f"javax.net.ssl.SSLException: {cause.reason or cause}", None
            case socket.gaierror():
                return f"java.net.UnknownHostException: {host}: {cause.strerror}", None
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno:
            return _SOCKET_ERRORS.get(cause.errno) or f"java.net.SocketException: {cause.strerror}", None
    return "java.net.SocketException: Connection reset", None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, what it was raised from and the members of groups, outermost first."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__ or error.__context__
