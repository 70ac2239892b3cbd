"""One socket and its connection: read, feed, act on events, write, wait, close. Nothing else."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable

from pyrdpmux.rdp.connection.events import Event
from pyrdpmux.rdp.connection.machine import Machine

READ_SIZE = 65536

#: above this many unsent bytes ``drained`` waits; a stalled viewer costs no more than this and one batch
HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024

#: what the kernel may hold of our output: enough for a fast link, little enough that a frame on a slow
#: one is not stale before it arrives
SEND_BUFFER = 256 * 1024

#: a peer that makes us answer but reads nothing is cut off here
MAX_UNSENT = 32 * 1024 * 1024

#: a viewer whose cable is cut is gone after about a minute, whether we have something to send or not
KEEPALIVE = (
    (socket.TCP_KEEPIDLE, 30),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
    (socket.TCP_USER_TIMEOUT, 60_000),
)

#: how long the last words may take, and the peer to close its side
LINGER = 1.0


class Peer:
    """Drives a connection with a pair of asyncio streams."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: Machine
    ) -> None:
        self.connection = connection
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = asyncio.Event()
        self._untold: deque[Event] = deque()
        self._is_telling = False
        self._failure: Exception | None = None
        self._on_event: Callable[[Event], None] | None = None
        peername = writer.get_extra_info("peername")
        self.peername = f"{peername[0]}:{peername[1]}" if isinstance(peername, tuple) else str(peername)
        writer.transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        raw = writer.get_extra_info("socket")
        if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE:
                raw.setsockopt(socket.IPPROTO_TCP, option, value)

    async def run(self, on_event: Callable[[Event], None]) -> None:
        """Until the connection ends, by whichever side; the socket is closed on return.

        What ``on_event`` raises is raised here, too, and ends the connection.
        """
        self._on_event = on_event
        try:
            self.flush()
            await self._read_until_closing()
            if self._failure is not None:
                raise self._failure
            await self._say_goodbye()
        except BaseException:
            # Cancelled, or the owner has failed: nobody waits for a peer that does not read.
            self._writer.transport.abort()
            raise
        finally:
            self._set_timer(None)
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def flush(self) -> None:
        """Hand on what the connection has queued: bytes to the transport, events to the owner.

        Call it after every action on the connection, also from within ``on_event``: events keep their order.
        """
        self._collect()
        if self._on_event is not None and not self._is_telling:
            self._tell(self._on_event)
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            self.abort()
        if self.connection.should_close:
            self._closing.set()
        self._set_timer(self.connection.next_deadline())

    def _collect(self) -> None:
        data = self.connection.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)
        self._untold.extend(self.connection.events())

    def _tell(self, on_event: Callable[[Event], None]) -> None:
        """INVARIANT: one event at a time, the oldest first, whatever the owner does when told."""
        self._is_telling = True
        try:
            while self._untold:
                on_event(self._untold.popleft())
                self._collect()
        finally:
            self._is_telling = False

    def abort(self) -> None:
        """Drop the socket with whatever is unsent."""
        self._writer.transport.abort()
        self._closing.set()

    @property
    def unsent_bytes(self) -> int:
        """What waits in the transport because the peer does not read."""
        return self._writer.transport.get_write_buffer_size()

    async def drained(self) -> None:
        """Wait until the peer has taken enough that new output will not be stale when it arrives.

        Raises ConnectionError when the socket is gone.
        """
        await self._writer.drain()

    # -- inside ----------------------------------------------------------------------------------

    async def _read_until_closing(self) -> None:
        """Read until the connection wants to end; a read that waits then is given up."""
        tasks = [self._loop.create_task(self._read()), self._loop.create_task(self._closing.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if tasks[0].done():
                tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while not self._closing.is_set():
            try:
                data = await self._reader.read(READ_SIZE)
            except OSError:
                data = b""
            self._take(data)

    def _take(self, data: bytes) -> None:
        now = self._loop.time()
        if data:
            self.connection.receive_data(data, now)
        else:
            self.connection.receive_eof(now)
            self._closing.set()
        self.flush()

    async def _say_goodbye(self) -> None:
        """Let the last PDUs arrive: closing with unread input would make the kernel discard them."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._writer.drain()
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(READ_SIZE):
                    pass
        if self.unsent_bytes:
            self._writer.transport.abort()

    def _set_timer(self, deadline: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline is not None and not self._closing.is_set():
            self._timer = self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self.connection.handle_timeout(self._loop.time())
        try:
            self.flush()
        except Exception as error:  # the owner's: a timer has nobody to raise it to
            self._failure = error
            self.abort()
