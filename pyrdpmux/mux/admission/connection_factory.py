"""How a new connection is received: which security it may use, and whose accounts count."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from pyrdpmux.mux.access import Access, Principal
from pyrdpmux.mux.admission.account_file import AccountFile
from pyrdpmux.mux.admission.auto_reconnect import CookieStores
from pyrdpmux.mux.admission.penalties import FailedLogons
from pyrdpmux.mux.admission.vm_overrides import VmOverrides
from pyrdpmux.mux.config import Config
from pyrdpmux.mux.display import Display
from pyrdpmux.net.blocking import BlockingPool
from pyrdpmux.net.fair import FairSchedule
from pyrdpmux.rdp.connection.server.config import (
    SecurityPolicy,
    ServerConfig,
    StandardSecurityOptions,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.selection import Selector
from pyrdpmux.rdp.tls import certificate
from pyrdpmux.rdp.tls.accounts import Account
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.credssp import AccountLookup
from pyrdpmux.rdp.tls.server_certificate import RsaKey

logger = logging.getLogger("pyrdpmux.mux")

CERTIFICATE_FILE: Final = "server.crt"
KEY_FILE: Final = "server.key"
"""What RDPMux called its pair; they win over the generated ones."""

HEARTBEAT_SECONDS: Final = 30
"""How often clients that listen hear that we are there; after three missing ones they warn their user."""


class AccountSource(AccountLookup, Protocol):
    """Accounts by name, such as those of a SAM file."""

    def find(self, user: str, domain: str) -> Account | None:
        """The account that this user would log on to."""


class Entrance(AccountSource, Protocol):
    """Knows the users of all VMs."""

    def authorize(self, user: str, domain: str) -> bool:
        """Whether this user, authenticated, may see anything."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate, ready for TLS."""

    certificate: Certificate
    tls_context: ssl.SSLContext


def load_certificate(directory: Path) -> Certificate:
    """The administrator's certificate if there is one, else our own, made on first use."""
    if (directory / CERTIFICATE_FILE).exists():
        return certificate.load(directory / CERTIFICATE_FILE, directory / KEY_FILE)
    return certificate.load_or_create(directory, socket.gethostname(), datetime.now(UTC))


def load_identities(config: Config) -> dict[Path, Identity]:
    """All certificates that the configuration names, by directory. Raises ConfigError."""
    identities = {}
    for directory in {config.certificate_path(name) for name in (None, *config.vms)}:
        found = load_certificate(directory)
        logger.info("Certificate %s, SHA-256 fingerprint %s", found.certificate_path, found.fingerprint)
        context = certificate.server_context(found.certificate_path, found.key_path)
        identities[directory] = Identity(found, context)
    return identities


class ConnectionFactory:
    """Makes the server side of connections; everything that can be wrong is found when it is made."""

    def __init__(
        self,
        config: Config,
        *,
        accounts: AccountSource | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
        wall_clock: Callable[[], float] = lambda: datetime.now(UTC).timestamp(),
        identities: Callable[[Config], dict[Path, Identity]] = load_identities,
    ) -> None:
        """``accounts`` and ``identities`` replace the files of the configuration."""
        self.config = config
        #: who gets how much of the event loop
        self.schedule = FairSchedule()
        #: for what would block it
        self.files = BlockingPool()
        self.failed_logons = FailedLogons(
            config.limits.failed_logons_per_minute, lambda: asyncio.get_running_loop().time()
        )
        self._accounts = accounts
        self._entropy = entropy
        self._wall_clock = wall_clock
        self._files: dict[Path, AccountFile] = {}
        self._cookies = CookieStores(entropy)
        self._overrides = VmOverrides()
        self._standard = StandardSecurityOptions(key=RsaKey.generate()) if config.security.rdp else None
        self._load_identities = identities
        self._identities = identities(config)

    def reload(self, config: Config) -> None:
        """Another configuration, and all certificates anew; for connections that are still to come.

        Raises ConfigError, and then everything stays as it was.
        """
        self._identities = self._load_identities(config)
        if config.security.rdp and self._standard is None:
            self._standard = StandardSecurityOptions(key=RsaKey.generate())
        self.failed_logons.limit = config.limits.failed_logons_per_minute
        self.config = config

    def connect(self, name: str, display: Display) -> ServerConnection:
        """The server side of a new connection to this VM."""
        config = self.server_config(name, display)
        return ServerConnection(config, asyncio.get_running_loop().time())

    def server_config(self, name: str | None, display: Display) -> ServerConfig:
        """What a connection to this VM is told."""
        return ServerConfig(
            width=display.width,
            height=display.height,
            security=self.policy(name),
            entropy=self._entropy,
            wall_clock=self._wall_clock,
            auto_reconnect=self._cookies.of(name),
            heartbeat_seconds=HEARTBEAT_SECONDS,
        )

    def entrance_config(self, selector: Selector, display: Display) -> ServerConfig:
        """What a connection at the gateway begins with, until ``selector`` has chosen."""
        return ServerConfig(
            width=display.width,
            height=display.height,
            security=SecurityPolicy(),
            selector=selector,
            entropy=self._entropy,
            wall_clock=self._wall_clock,
        )

    def gateway_config(self, entrance: Entrance, display: Display, name: str | None) -> ServerConfig:
        """What it goes on with: to this VM, or to none yet. ``entrance`` knows the passwords.

        The certificate is the gateway's: one port has one, and it does not tell which VMs there are.
        """
        has_nla = self.config.security.nla
        policy = replace(
            self.policy(None), accounts=entrance if has_nla else None, authorize=entrance.authorize
        )
        return replace(self.server_config(name, display), security=policy)

    def policy(self, name: str | None) -> SecurityPolicy:
        """What viewers of this VM may use; without a name, of any."""
        security = self.config.security
        wish = self._overrides.proof(name)
        has_nla = security.nla if wish is None else wish
        allow_tls = security.tls if wish is None else not wish
        identity = None
        if has_nla or allow_tls:
            identity = self._identities.get(self.config.certificate_path(name))
        return SecurityPolicy(
            certificate=identity.certificate if identity is not None else None,
            tls_context=identity.tls_context if identity is not None else None,
            accounts=self.accounts(name) if has_nla else None,
            allow_tls=allow_tls,
            standard=self._standard if security.rdp and not wish else None,
            authorize=None if name is None else partial(self._may_see, name),
        )

    def accounts(self, name: str | None = None) -> AccountSource:
        """Who may log on to this VM; without a name: to those that have no accounts of their own."""
        if self._accounts is not None:
            return self._accounts
        own = self._overrides.accounts(name)
        if own is None or name is None or self.config.vm(name).accounts is not None:
            own = self.config.accounts_path(name)
        return self._files.setdefault(own, AccountFile(own))

    def requires_authentication(self, name: str) -> bool:
        """Whether all viewers of this VM must prove who they are."""
        security, wish = self.config.security, self._overrides.proof(name)
        return security.nla and not (security.tls or security.rdp) if wish is None else wish

    def insists_on_proof(self, name: str) -> bool:
        """The VM does, whatever the configuration allows: on whichever way somebody has come."""
        return self._overrides.proof(name) is True

    def require_authentication(self, name: str, is_required: bool | None) -> None:
        """The VM wants it so, for connections to come; None: as its accounts or the configuration say."""
        self._overrides.set_proof(name, is_required)

    def set_accounts(self, name: str, path: Path | None) -> None:
        """The VM brings these along; what the configuration says of this VM is worth more."""
        self._overrides.set_accounts(name, path)

    def identify(self, name: str | None, claimed: Principal) -> Principal:
        """By its account's own name: what a client says of its domain depends on the client."""
        if not claimed.is_authenticated:
            return claimed
        account = self.accounts(name).find(claimed.user, claimed.domain)
        return claimed if account is None else Principal(account.user, account.domain, is_authenticated=True)

    def _may_see(self, name: str, user: str, domain: str) -> bool:
        principal = self.identify(name, Principal(user, domain, is_authenticated=True))
        return self.config.rules(name).access_of(principal) is not Access.NONE
