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


def warn_about_validity(identities: Iterable[Identity], now: datetime) -> None:
    """Clients refuse a certificate that is not valid, or ask their users, who get used to it."""
    for identity in identities:
        path = identity.certificate.certificate_path
        begin, end = identity.certificate.validity
        left = end - now
        if now < begin:
            logger.warning("Certificate %s is not valid before %s", path, _day(begin))
        elif left < timedelta():
            logger.warning("Certificate %s has expired on %s", path, _day(end))
        elif left < WARNING_TIME:
            logger.warning("Certificate %s expires in %d days, on %s", path, left.days, _day(end))


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
