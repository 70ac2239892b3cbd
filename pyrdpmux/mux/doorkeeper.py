"""How a new connection to a VM is received: which security it may use, and whose accounts count."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pyrdpmux.mux.account_file import AccountFile
from pyrdpmux.mux.auto_reconnect import CookieStore
from pyrdpmux.mux.config import Config
from pyrdpmux.mux.display import Display
from pyrdpmux.rdp.connection.server.config import (
    AccountLookup,
    SecurityPolicy,
    ServerConfig,
    StandardSecurityOptions,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.tls import certificate
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.server_certificate import RsaKey

logger = logging.getLogger("pyrdpmux.mux")

CERTIFICATE_FILE: Final = "server.crt"
KEY_FILE: Final = "server.key"
"""What RDPMux called its pair; they win over the generated ones."""


def load_certificate(directory: Path) -> Certificate:
    """The administrator's certificate if there is one, else our own, made on first use."""
    if (directory / CERTIFICATE_FILE).exists():
        return certificate.load(directory / CERTIFICATE_FILE, directory / KEY_FILE)
    return certificate.load_or_create(directory, socket.gethostname(), datetime.now(UTC))


class Doorkeeper:
    """Makes the server side of connections; everything that can be wrong is found when it is made."""

    def __init__(
        self,
        config: Config,
        *,
        accounts: AccountLookup | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        wall_clock: Callable[[], float] = lambda: datetime.now(UTC).timestamp(),
    ) -> None:
        """``accounts`` replaces the files of the configuration."""
        self._config = config
        self._accounts = accounts
        self._entropy = entropy
        self._wall_clock = wall_clock
        self._files: dict[Path, AccountFile] = {}
        self._cookies: dict[str, CookieStore] = {}
        self._standard = StandardSecurityOptions(key=RsaKey.generate()) if config.security.rdp else None
        self._certificate: Certificate | None = None
        self._tls_context = None
        if config.security.nla or config.security.tls:
            self._certificate = load_certificate(config.certificate_path)
            logger.info("Certificate %s", self._certificate.certificate_path)
            logger.info("Its SHA-256 fingerprint: %s", self._certificate.fingerprint)
            self._tls_context = certificate.server_context(
                self._certificate.certificate_path, self._certificate.key_path
            )

    def connect(self, name: str, display: Display) -> ServerConnection:
        """The server side of a new connection to this VM."""
        loop = asyncio.get_running_loop()
        cookies = self._cookies.setdefault(name, CookieStore(self._entropy, loop.time))
        config = ServerConfig(
            width=display.width,
            height=display.height,
            security=self.policy(name),
            entropy=self._entropy,
            wall_clock=self._wall_clock,
            auto_reconnect=cookies,
        )
        return ServerConnection(config, loop.time())

    def policy(self, name: str) -> SecurityPolicy:
        """What viewers of this VM may use."""
        return SecurityPolicy(
            certificate=self._certificate,
            tls_context=self._tls_context,
            accounts=self.accounts(name) if self._config.security.nla else None,
            allow_tls=self._config.security.tls,
            standard=self._standard,
        )

    def accounts(self, name: str) -> AccountLookup:
        """Who may log on to this VM."""
        if self._accounts is not None:
            return self._accounts
        path = self._config.accounts_path(name)
        return self._files.setdefault(path, AccountFile(path))
