"""One port for all VMs: every connection begins in a :class:`~.session.GatewaySession` of its own."""

import asyncio
import contextlib
import errno
import logging
from typing import Final

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.admission.acceptor import Acceptor, Arrival
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.viewer import Viewer
from pyrdpmux.mux.gateway.session import NAME, GatewaySession, PickerViewers
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.net.listener import Listener
from pyrdpmux.net.tasks import TaskSet
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")

RETRY_SECONDS: Final = 5.0
"""Until a port that is in use is tried again."""


class Gateway:
    """Listens where the configuration says, if it does."""

    def __init__(self, registry: Registry, factory: ConnectionFactory, config: Config) -> None:
        self.acceptor = Acceptor(NAME, factory.control, self._receive)
        self._registry = registry
        self._factory = factory
        self._picker_viewers = PickerViewers()
        self._config = config
        #: where it is to listen as soon as the port is free
        self._awaited: tuple[str, int] | None = None
        self._waiting = TaskSet()

    async def start(self) -> None:
        """Listen as configured; for a port that is in use we wait. Raises ConfigError for other reasons."""
        try:
            await self.use(self._config, await self.prepare(self._config))
        except ConfigError as error:
            port = self._config.gateway.port
            if port is None or not _is_in_use(error):
                raise
            logger.error("%s; tried again every %g s", error, RETRY_SECONDS)
            self._awaited = self._config.gateway_bind, port
            self._waiting.create(self._wait_for_port(), "port of the gateway")

    async def _wait_for_port(self) -> None:
        while self._awaited is not None:
            await asyncio.sleep(RETRY_SECONDS)
            if self._awaited is None:
                return
            host, port = self._awaited
            with contextlib.suppress(OSError):
                await self._take(await self.acceptor.bind(host, port), host)

    async def _take(self, listener: Listener, host: str) -> None:
        self._awaited = None
        await self.acceptor.use(listener, host)
        logger.info("The gateway to all VMs is at %s:%d", host, self.acceptor.port)

    async def prepare(self, config: Config) -> Listener | None:
        """A listener at another address than now, for :meth:`use`. Raises ConfigError."""
        port = config.gateway.port
        if port is None:
            return None
        if (config.gateway_bind, port) in ((self.acceptor.host, self.acceptor.port), self._awaited):
            return None
        try:
            return await self.acceptor.bind(config.gateway_bind, port)
        except OSError as error:
            complaint = f"cannot listen at {config.gateway_bind}:{port}: {error.strerror or error}"
            raise config.origin.error(("gateway", "port"), complaint) from error

    async def use(self, config: Config, listener: Listener | None) -> None:
        """Take on the configuration; who is connected stays."""
        self._config = config
        if listener is not None:
            await self._take(listener, config.gateway_bind)
        elif config.gateway.port is None:
            self._awaited = None
            await self.acceptor.stop_listening()

    async def close(self, reason: str, error_info: ErrorInfo = ErrorInfo.RPC_INITIATED_DISCONNECT) -> None:
        self._awaited = None
        await self._waiting.cancel_all()
        await self.acceptor.close(error_info, reason)

    def _receive(self, arrival: Arrival) -> Viewer:
        session = GatewaySession(self._registry, self._factory, self._picker_viewers)
        return Viewer(session, self._factory.connect_to_any(session), arrival, self._factory.desk)


def _is_in_use(error: ConfigError) -> bool:
    return isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.EADDRINUSE
