"""What a new connection is told: which security it may use, its certificate, who checks passwords."""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pyrdpmux.mux.admission.account_file import AccountTable, GivenAccounts
from pyrdpmux.mux.admission.accounts_book import AccountsBook, VmIdentity
from pyrdpmux.mux.admission.auto_reconnect import CookieStores
from pyrdpmux.mux.admission.control import AdmissionControl
from pyrdpmux.mux.admission.identities import Identity, load_identities, warn_about_validity
from pyrdpmux.mux.admission.logon_desk import LogonDesk
from pyrdpmux.mux.admission.ticket import Ticket
from pyrdpmux.mux.admission.vm_overrides import VmOverrides
from pyrdpmux.mux.settings.access import Claimed, Principal
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.net.blocking import BlockingPool
from pyrdpmux.net.fair import FairSchedule
from pyrdpmux.net.workers import WorkerPool
from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS
from pyrdpmux.rdp.connection.server.config import (
    GatewayConfig,
    SecurityPolicy,
    Selector,
    ServerConfig,
    StandardSecurityOptions,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.nla.logon import Proof
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey

logger = logging.getLogger("pyrdpmux.mux")

HEARTBEAT_SECONDS: Final = 30
CHANNELS: Final = (GRAPHICS, DISPLAY_CONTROL)
"""That viewers' clients are offered."""
"""How often clients that listen hear that we are there; after three missing ones they warn their user."""

FRAMES_PER_CALL: Final = 1
"""PDUs that a connection works through before the shell looks at the clock."""

Authorize = Callable[[Proof], bool]
"""Whether somebody whose password was right may see anything."""


class ConnectionFactory:
    """Makes the server side of connections; everything that can be wrong is found when it is made."""

    def __init__(
        self,
        config: Config,
        *,
        accounts: AccountTable | None = None,
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
        #: for pictures
        self.workers = WorkerPool()
        self.control = AdmissionControl(config.limits, self.schedule)
        self._overrides = VmOverrides()
        self.accounts = AccountsBook(
            config, self._overrides, self.files, GivenAccounts(accounts) if accounts is not None else None
        )
        self.accounts.check_at_start()
        self.desk = LogonDesk(self.control, lambda: self.accounts.source(None))
        self._entropy = entropy
        self._wall_clock = wall_clock
        self._cookies = CookieStores(entropy)
        self._standard = StandardSecurityOptions(key=RsaKey.generate()) if config.security.rdp else None
        self._load_identities = identities
        self._identities = identities(config)
        self.warn_about_certificates()
        self._watchers: list[Callable[[str], None]] = []

    async def prepare(self, config: Config) -> None:
        """What takes time of a :meth:`reload`. Raises ConfigError for what it would not take."""
        await self.accounts.prepare(config)

    def reload(self, config: Config) -> None:
        """Another configuration, and all certificates anew; for connections that are still to come.

        Raises ConfigError, and then everything stays as it was.
        """
        self._identities = self._load_identities(config)
        self.warn_about_certificates()
        if config.security.rdp and self._standard is None:
            self._standard = StandardSecurityOptions(key=RsaKey.generate())
        self.control.configure(config.limits)
        self.accounts.reload(config)
        self.config = config

    def warn_about_certificates(self) -> None:
        """Tell the log of those that are not valid, or not for much longer."""
        warn_about_validity(self._identities.values(), datetime.fromtimestamp(self._wall_clock(), UTC))

    def watch(self, changed: Callable[[str], None]) -> None:
        """Hear the name of each VM whose own accounts have become others."""
        self._watchers.append(changed)

    # -- connections -----------------------------------------------------------------------------

    def connect(self, name: str, size: tuple[int, int], authorize: Authorize) -> ServerConnection:
        """The server side of a new connection to this VM, whose desktop has this size."""
        return self._connection(self.server_config(name, size, authorize))

    def connect_to_any(self, selector: Selector) -> ServerConnection:
        """The same at the gateway: ``selector`` chooses, by :meth:`gateway_config`."""
        config = GatewayConfig(selector=selector, entropy=self._entropy, wall_clock=self._wall_clock)
        return self._connection(config)

    def _connection(self, config: ServerConfig | GatewayConfig) -> ServerConnection:
        connection = ServerConnection(config, asyncio.get_running_loop().time())
        connection.frames_per_call = FRAMES_PER_CALL
        return connection

    def server_config(self, name: str | None, size: tuple[int, int], authorize: Authorize) -> ServerConfig:
        """What a connection to this VM is told."""
        width, height = size
        return ServerConfig(
            width=width,
            height=height,
            security=self.policy(name, authorize),
            entropy=self._entropy,
            wall_clock=self._wall_clock,
            auto_reconnect=self._cookies.of(name),
            heartbeat_seconds=HEARTBEAT_SECONDS,
            channels=CHANNELS,
        )

    def gateway_config(self, name: str | None, size: tuple[int, int], authorize: Authorize) -> ServerConfig:
        """What a connection at the gateway goes on with: to this VM, or to none yet.

        The certificate is the gateway's: one port has one, and it does not tell which VMs there are.
        """
        policy = replace(self.policy(None, authorize), asks_owner=self.config.security.nla)
        return replace(self.server_config(name, size, authorize), security=policy)

    def policy(self, name: str | None, authorize: Authorize | None = None) -> SecurityPolicy:
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
            asks_owner=has_nla,
            min_credssp_version=security.credssp_min_version,
            allow_tls=allow_tls,
            standard=self._standard if security.rdp and not wish else None,
            authorize=authorize,
        )

    # -- who may come in -------------------------------------------------------------------------

    def objection(self, vm: VmIdentity, principal: Principal, ticket: Ticket | None) -> str | None:
        """Why somebody must not see this VM's console, whatever its lists say; None if nothing is against it.

        INVARIANT: every entry to a console asks this.
        """
        if isinstance(principal, Claimed):
            return "it takes a password to see this VM" if self.insists_on_proof(vm.name) else None
        if ticket is None or ticket.principal != principal:
            return "logged on without a ticket"
        if (objection := ticket.objection(vm.serial, self.accounts.in_force(vm))) is not None:
            return objection
        return None if self.accounts.may_have(vm, principal) else "the account is not there any more"

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

    def set_accounts(self, name: str, path: Path | None, uid: int | None = None) -> None:
        """The VM brings these along; what the configuration says of this VM is worth more.

        ``uid``: whose file it must be. Who was proved against others before has to go.
        """
        if self.accounts.set_own(name, path, uid):
            for changed in self._watchers:
                changed(name)
