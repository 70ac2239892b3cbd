"""One port for all VMs: every connection begins in a :class:`~.session.GatewaySession` of its own."""

import logging

from pyrdpmux.mux.admission.acceptor import Acceptor, Arrival
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.viewer import Viewer
from pyrdpmux.mux.gateway.session import NAME, GatewaySession, PickerViewers
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.net.listener import Listener
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")


class Gateway:
    """Listens where the configuration says, if it does."""

    def __init__(self, registry: Registry, factory: ConnectionFactory, config: Config) -> None:
        self.acceptor = Acceptor(NAME, factory.control, self._receive)
        self._registry = registry
        self._factory = factory
        self._picker_viewers = PickerViewers()

    async def prepare(self, config: Config) -> Listener | None:
        """A listener at another address than now, for :meth:`use`. Raises ConfigError."""
        port = config.gateway.port
        if port is None or (config.gateway_bind, port) == (self.acceptor.host, self.acceptor.port):
            return None
        try:
            return await self.acceptor.bind(config.gateway_bind, port)
        except OSError as error:
            complaint = f"cannot listen at {config.gateway_bind}:{port}: {error.strerror or error}"
            raise config.origin.error(("gateway", "port"), complaint) from error

    async def use(self, config: Config, listener: Listener | None) -> None:
        """Take on the configuration; who is connected stays."""
        if listener is not None:
            await self.acceptor.use(listener, config.gateway_bind)
            logger.info("The gateway to all VMs is at %s:%d", config.gateway_bind, self.acceptor.port)
        elif config.gateway.port is None:
            await self.acceptor.stop_listening()

    async def close(self, reason: str, error_info: ErrorInfo = ErrorInfo.RPC_INITIATED_DISCONNECT) -> None:
        await self.acceptor.close(error_info, reason)

    def _receive(self, arrival: Arrival) -> Viewer:
        session = GatewaySession(self._registry, self._factory, self._picker_viewers)
        return Viewer(session, self._factory.connect_to_any(session), arrival, self._factory.desk)
