"""What both sides of a connection ask of TLS."""

import ssl
from pathlib import Path

from pyrdpmux.errors import ConfigError


def client_context(key_log: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later that trusts any certificate, as RDP clients do where CredSSP binds to the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    harden(context, key_log)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def harden(context: ssl.SSLContext, key_log: Path | None) -> None:
    """TLS 1.2 or later without renegotiation; with ``key_log``, its secrets are appended to that file."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    if key_log is not None:
        try:
            context.keylog_filename = str(key_log)
        except OSError as error:
            raise ConfigError(f"{key_log}: cannot write: {error.strerror}") from error
