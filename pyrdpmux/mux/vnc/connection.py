"""The socket to a VNC server."""

import asyncio
import contextlib
import logging
import socket
from typing import Final

from pyrdpmux.errors import BackendError, PeerError
from pyrdpmux.mux.backend import Vm
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.session import VncSession
from pyrdpmux.mux.vnc.target import VncTarget
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.events import Connected

log = logging.getLogger("pyrdpmux.vnc")

CONNECT_SECONDS: Final = 10.0
READ_SIZE: Final = 1 << 18
BUFFER_SIZE: Final = 1 << 20

SLICE: Final = 0.01
"""Seconds of decoding after which others get their turn."""

CONGESTED: Final = 1 << 14
MAX_UNSENT: Final = 1 << 20
"""A server that reads none of its input for so long is as good as gone."""

KEEP_ALIVE: Final = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class VncConnection:
    """Runs one connection. :attr:`was_connected` tells whether it ever was one."""

    def __init__(self, target: VncTarget, vm: Vm, input: VncInput) -> None:
        self.was_connected = False
        self._target = target
        self._vm = vm
        self._input = input
        self._client = RfbClient(target.rfb_config())
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Until the server ends it. Raises PeerError, BackendError, OSError."""
        reader, self._writer = await self._open()
        try:
            session = VncSession(self._vm, self._input, self._client, self._now())
            while True:
                await self._tell_events(session)
                self.flush()
                await self._receive(reader, session)
        finally:
            self._input.disconnect()
            with contextlib.suppress(OSError):
                self.flush()
            self._writer.transport.abort()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        target = self._target
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if target.path is not None:
                    return await asyncio.open_unix_connection(target.path, limit=BUFFER_SIZE)
                reader, writer = await asyncio.open_connection(target.host, target.port, limit=BUFFER_SIZE)
        except TimeoutError:
            raise BackendError(f"{target}: no answer within {CONNECT_SECONDS:g} s") from None
        plug: socket.socket = writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE:
            plug.setsockopt(socket.IPPROTO_TCP, option, value)
        return reader, writer

    async def _receive(self, reader: asyncio.StreamReader, session: VncSession) -> None:
        try:
            async with asyncio.timeout_at(session.next_deadline()):
                data = await reader.read(READ_SIZE)
        except TimeoutError:
            session.handle_timeout(self._now())
            return
        if data:
            self._client.receive_data(data)
        else:
            self._client.receive_eof()

    async def _tell_events(self, session: VncSession) -> None:
        """All of them, with pauses: a server may send more in a second than we can decode in one."""
        started = self._now()
        while (event := self._client.next_event()) is not None:
            if isinstance(event, Connected):
                self.was_connected = True
                self._input.connect(self._client, self)
            session.handle(event, self._now())
            if self._now() - started > SLICE:
                self.flush()
                await asyncio.sleep(0)
                started = self._now()

    def flush(self) -> None:
        """Send what is queued; see :class:`~pyrdpmux.mux.vnc.input.Sender`."""
        if self._writer is None:
            return
        try:
            data = self._client.data_to_send()
        except PeerError as error:  # of TLS; whoever reads will find the end of the connection
            log.warning("%s: %s", self._vm.name, error)
            self._writer.transport.abort()
            return
        if data:
            self._writer.write(data)
        if self._unsent > MAX_UNSENT:
            log.warning("%s: %s does not read what it is sent", self._vm.name, self._target)
            self._writer.transport.abort()

    @property
    def is_congested(self) -> bool:
        return self._unsent > CONGESTED

    @property
    def _unsent(self) -> int:
        return self._writer.transport.get_write_buffer_size() if self._writer is not None else 0

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
