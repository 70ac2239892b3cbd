"""The socket to a VNC server.

What comes is decoded and painted in turns of the VM's share of the loop. Until that is done, and for three
times as long again, nothing more is read, so that a server which sends without end has to wait itself.
"""

import asyncio
import contextlib
import logging
import select
import socket
from collections.abc import Iterator
from typing import Final

from pyrdpmux.errors import BackendError, PeerClosed
from pyrdpmux.mux.backend import Vm
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.session import VncSession
from pyrdpmux.mux.vnc.target import VncTarget
from pyrdpmux.net.fair import Turn
from pyrdpmux.rfb.client import WORKED, RfbClient
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.events import Connected, Failed, UpdateFinished

log = logging.getLogger("pyrdpmux.vnc")

CONNECT_SECONDS: Final = 10.0
READ_SIZE: Final = 1 << 18
BUFFER_SIZE: Final = 1 << 18
"""Twice as much is read ahead, at most."""

LOOK_SECONDS: Final = 0.25
"""How often we see whether the server is still there, while we read nothing."""

LAST_TURNS: Final = 8
"""Of the loop, for what a server that has gone has left behind."""

CONGESTED: Final = 1 << 14
MAX_UNSENT: Final = 1 << 20
"""A server that reads none of its input for so long is as good as gone."""

KEEP_ALIVE: Final = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class VncConnection:
    """Runs one connection. :attr:`was_connected` tells whether it ever was one."""

    def __init__(self, target: VncTarget, config: RfbConfig, vm: Vm, input: VncInput) -> None:
        self.was_connected = False
        self._target = target
        self._vm = vm
        self._input = input
        self._client = RfbClient(config)
        self._writer: asyncio.StreamWriter | None = None
        self._last_turns: int | None = None

    async def run(self) -> None:
        """Until the server ends it. Raises PeerError, BackendError, OSError."""
        reader, self._writer = await self._open()
        try:
            session = VncSession(self._vm, self._input, self._client, self._now())
            data: bytes | None = None
            while True:
                await self._decode(session, data)
                session.handle_timeout(self._now())
                self.flush()
                data = await self._receive(reader, session)
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

    async def _receive(self, reader: asyncio.StreamReader, session: VncSession) -> bytes | None:
        """What has come; None if it was time for something before. Empty at the end."""
        try:
            async with asyncio.timeout_at(session.next_deadline()):
                return await reader.read(READ_SIZE)
        except TimeoutError:
            return None

    # -- decoding ----------------------------------------------------------------------------------

    async def _decode(self, session: VncSession, data: bytes | None) -> None:
        """All that is there, with a rest after each update, and after so much else as fills a turn."""
        steps = self._steps(session, data)
        share = self._vm.loop_share
        has_more = True
        while has_more:
            before = share.worked
            async with share.turn() as turn:
                has_more = _take(steps, turn)
            session.worked(share.worked - before, self._now())
            self.flush()
            self._look_for_the_end()
            if not self._client.is_updating:
                await self._rest(session)
                session.handle_timeout(self._now())
                self.flush()

    def _steps(self, session: VncSession, data: bytes | None) -> Iterator[bool]:
        """Decode and paint; a yield after each step, True after the last of an update."""
        if data is not None:
            self._feed(data)
            yield False
        while (event := self._client.step()) is not None:
            yield False
            if event is WORKED:
                continue
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Connected):
                self.was_connected = True
                self._input.connect(self._client, self)
            for _ in session.handle(event):
                yield False
            yield isinstance(event, UpdateFinished)

    def _feed(self, data: bytes) -> None:
        if data:
            self._client.receive_data(data)
        else:
            self._client.receive_eof()

    async def _rest(self, session: VncSession) -> None:
        """While the server sends, it sends to itself."""
        while (seconds := session.rest_seconds(self._now())) > 0:
            await asyncio.sleep(min(seconds, LOOK_SECONDS))
            if seconds > LOOK_SECONDS:
                self._look_for_the_end()

    def _look_for_the_end(self) -> None:
        """PeerClosed soon after the server has hung up, however much of what it sent is not decoded yet.

        Before the handshake is done all of that counts: it may be the reason why.
        """
        if not self.was_connected or (self._last_turns is None and not self._has_hung_up()):
            return
        self._last_turns = LAST_TURNS if self._last_turns is None else self._last_turns - 1
        if self._last_turns <= 0:
            raise PeerClosed(f"RFB {self._client.phase_name}")

    def _has_hung_up(self) -> bool:
        """The kernel knows before we have read what came in front of it."""
        assert self._writer is not None
        descriptor = self._writer.get_extra_info("socket").fileno()
        if descriptor < 0:
            return True
        poll = select.poll()
        poll.register(descriptor, select.POLLRDHUP)
        return bool(poll.poll(0))

    # ----------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what is queued; see :class:`~pyrdpmux.mux.vnc.input.Sender`."""
        if self._writer is None:
            return
        if data := self._client.data_to_send():
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


def _take(steps: Iterator[bool], turn: Turn) -> bool:
    """As many as the turn has time for, not beyond the end of an update. False if there are no more."""
    return any(is_end or turn.is_over for is_end in steps)
