"""One port for all VMs: every connection begins in a :class:`~.lobby.Lobby` of its own."""

import asyncio
import logging

from pyrdpmux.mux.config import Config
from pyrdpmux.mux.doorkeeper import Doorkeeper
from pyrdpmux.mux.lobby import NAME, Lobby
from pyrdpmux.mux.reception import Reception
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.stage import Stage
from pyrdpmux.net.listener import Listener
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")


class Gateway:
    """Listens where the configuration says, if it does."""

    def __init__(self, registry: Registry, doorkeeper: Doorkeeper, config: Config) -> None:
        self.reception = Reception(NAME, config.limits, self._receive, doorkeeper.failed_logons)
        self._registry = registry
        self._doorkeeper = doorkeeper

    async def prepare(self, config: Config) -> Listener | None:
        """A listener at another address than now, for :meth:`use`. Raises ConfigError."""
        port = config.gateway.port
        if port is None or (config.gateway_bind, port) == (self.reception.host, self.reception.port):
            return None
        try:
            return await self.reception.bind(config.gateway_bind, port)
        except OSError as error:
            complaint = f"cannot listen at {config.gateway_bind}:{port}: {error.strerror or error}"
            raise config.origin.error(("gateway", "port"), complaint) from error

    async def use(self, config: Config, listener: Listener | None) -> None:
        """Take on the configuration; who is connected stays."""
        self.reception.limits = config.limits
        if listener is not None:
            await self.reception.use(listener, config.gateway_bind)
            logger.info("The gateway to all VMs is at %s:%d", config.gateway_bind, self.reception.port)
        elif config.gateway.port is None:
            await self.reception.stop_listening()

    async def close(self, reason: str) -> None:
        await self.reception.close(ErrorInfo.RPC_INITIATED_DISCONNECT, reason)

    def _receive(self) -> tuple[Stage, ServerConnection]:
        lobby = Lobby(self._registry, self._doorkeeper)
        config = self._doorkeeper.entrance_config(lobby, lobby.display)
        return lobby, ServerConnection(config, asyncio.get_running_loop().time())
