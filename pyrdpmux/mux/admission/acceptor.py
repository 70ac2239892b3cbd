"""Where connections arrive: a listening port, and who may have how many half-open connections to it."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable
from typing import Final

from pyrdpmux.mux.admission.penalties import FailedLogons
from pyrdpmux.mux.config import LimitSettings
from pyrdpmux.mux.connection_log import ConnectionLog
from pyrdpmux.mux.stage import Stage
from pyrdpmux.mux.viewer import Viewer
from pyrdpmux.net.listener import Listener, listen
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")

GOODBYE_SECONDS: Final = 1.5
"""How long viewers may take to hear why they are disconnected; a stop of the daemon takes 2 s at most."""

_numbers = itertools.count(1)

Receive = Callable[[], tuple[Stage, ServerConnection]]
"""For one new connection: its server side, and where its viewer begins."""


class Acceptor:
    """Accepts connections at one address, which may change, and serves each until it ends."""

    def __init__(
        self, name: str, limits: LimitSettings, receive: Receive, failed_logons: FailedLogons
    ) -> None:
        self.name = name
        self.limits = limits
        self.host = ""
        self.port = 0
        self._receive = receive
        self._failed_logons = failed_logons
        self._listener: Listener | None = None
        self._retired: list[Listener] = []
        self._viewers: set[Viewer] = set()
        self._deserted = asyncio.Event()
        self._deserted.set()

    async def bind(self, host: str, port: int) -> Listener:
        """A listener that :meth:`use` will take; connections to it are served already. Raises OSError."""
        return await listen(host, port, self._on_connection)

    async def use(self, listener: Listener, host: str) -> None:
        """Listen there from now on, and no longer at the old address; who is connected stays."""
        await self.stop_listening()
        self._listener, self.host, self.port = listener, host, listener.port

    async def listen(self, host: str, port: int) -> None:
        """Bind and use. Raises OSError."""
        await self.use(await self.bind(host, port), host)

    async def stop_listening(self) -> None:
        """Accept nobody any more; who is connected stays."""
        if self._listener is not None:
            await self._listener.close()
            self._retired.append(self._listener)
            self._listener, self.host, self.port = None, "", 0

    async def close(self, error_info: ErrorInfo, reason: str, others: Iterable[Viewer] = ()) -> None:
        """Accept nobody any more, tell those who are there, ``others`` too, and see our own off."""
        await self.stop_listening()
        for viewer in {*self._viewers, *others}:
            viewer.disconnect(error_info, reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._deserted.wait()
        for listener in self._retired:
            await listener.cancel_connections()

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The whole life of one TCP connection."""
        peername = writer.get_extra_info("peername")
        address = str(peername[0]) if isinstance(peername, tuple) else ""
        log = ConnectionLog(logger, next(_numbers), self.name)
        if self._failed_logons.is_refused(address):
            log.debug("Refused %s: too many failed logons", address)
            writer.transport.abort()
            return
        if complaint := self._why_not(address):
            log.warning("Refused %s: %s", address, complaint)
            writer.transport.abort()
            return
        stage, connection = self._receive()
        peer = Peer(reader, writer, connection)
        viewer = Viewer(stage, connection, peer, log)
        viewer.on_failed_logon = lambda: self._on_failed_logon(address, log)
        self._viewers.add(viewer)
        self._deserted.clear()
        log.info("Connected from %s", peer.peername)
        try:
            await viewer.run()
        finally:
            self._viewers.discard(viewer)
            if not self._viewers:
                self._deserted.set()

    def _on_failed_logon(self, address: str, log: ConnectionLog) -> None:
        if self._failed_logons.note(address):
            log.warning("%s is refused for a minute: %d failed logons", address, self._failed_logons.limit)

    def _why_not(self, address: str) -> str:
        """Why one more connection from there is too much, or nothing."""
        pending = [viewer for viewer in self._viewers if not (viewer.is_admitted or viewer.has_ended)]
        if len(pending) >= self.limits.pending_per_vm:
            return f"{len(pending)} connections are waiting to log on"
        same = sum(1 for viewer in pending if viewer.address.rpartition(":")[0] == address)
        if same >= self.limits.pending_per_address:
            return f"{same} connections from there are waiting to log on"
        return ""
