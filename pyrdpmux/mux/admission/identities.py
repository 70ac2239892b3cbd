"""Certificates: the administrator's, or our own, made once; one for all VMs and ports, or for a VM."""

import logging
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pyrdpmux.files import certificate_file
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.rdp.tls.certificate import Certificate

logger = logging.getLogger("pyrdpmux.mux")

CERTIFICATE_FILE: Final = "server.crt"
KEY_FILE: Final = "server.key"
"""What RDPMux called its pair; they win over the generated ones."""


WARNING_TIME: Final = timedelta(days=30)
"""Before a certificate expires: time enough to have another one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, ready for TLS."""

    certificate: Certificate
    tls_context: ssl.SSLContext


def load_certificate(directory: Path) -> Certificate:
    """The administrator's certificate if there is one, else our own, made on first use."""
    if (directory / CERTIFICATE_FILE).exists():
        return certificate_file.load(directory / CERTIFICATE_FILE, directory / KEY_FILE)
    return certificate_file.load_or_create(directory, socket.gethostname(), datetime.now(UTC))


def load_identities(config: Config) -> dict[Path, Identity]:
    """All certificates that the configuration names, by directory. Raises ConfigError."""
    identities = {}
    for directory in config.certificate_paths:
        found = load_certificate(directory)
        logger.info("Certificate %s, SHA-256 fingerprint %s", found.certificate_path, found.fingerprint)
        context = certificate_file.server_context(found.certificate_path, found.key_path)
        identities[directory] = Identity(found, context)
    return identities


def find_certificate(directory: Path) -> Certificate | None:
    """The one that would be used, if it is there already. Raises ConfigError where TLS could not use it."""
    for name, key in (
        (CERTIFICATE_FILE, KEY_FILE),
        (certificate_file.CERTIFICATE_FILE, certificate_file.KEY_FILE),
    ):
        if (directory / name).exists():
            found = certificate_file.load(directory / name, directory / key)
            certificate_file.server_context(found.certificate_path, found.key_path)
            return found
    return None


def validity_complaint(certificate: Certificate, now: datetime) -> str | None:
    """Clients refuse a certificate that is not valid, or ask their users, who get used to it."""
    path = certificate.certificate_path
    begin, end = certificate.validity
    left = end - now
    if now < begin:
        return f"{path} is not valid before {_day(begin)}"
    if left < timedelta():
        return f"{path} has expired on {_day(end)}"
    if left < WARNING_TIME:
        return f"{path} expires in {left.days} days, on {_day(end)}"
    return None


def warn_about_validity(identities: Iterable[Identity], now: datetime) -> None:
    for identity in identities:
        if (complaint := validity_complaint(identity.certificate, now)) is not None:
            logger.warning("Certificate %s", complaint)


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
