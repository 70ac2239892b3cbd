"""One socket and its connection: read, feed, act on events, write, wait, close. Nothing else.

What a peer sends is worked through in turns of its share of the loop, a few frames at a time, and no more
is read before it is done: a peer that sends faster than it is served waits, and nobody else does.
"""

import asyncio
import contextlib
import select
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from pyrdpmux.net import tcp
from pyrdpmux.net.budget import TokenBucket
from pyrdpmux.net.fair import LoopShare, Turn
from pyrdpmux.rdp.connection.events import Event
from pyrdpmux.rdp.connection.machine import Connection

READ_SIZE: Final = 65536

FEED_SIZE: Final = 16 * 1024
"""Bytes that a connection is given in one turn: what is TLS among them is decrypted in one go."""

BYTES_PER_SECOND: Final = 8 << 20
BYTES_AT_ONCE: Final = 8 << 20
"""What a peer with a share may send: who sends more is read from more slowly."""

#: above this many bytes in the transport ``drained`` waits; a stalled viewer costs this and a batch at most
HIGH_WATER = 64 * 1024
LOW_WATER = HIGH_WATER // 4

#: what may wait on a slow link: seconds of it, and bytes at least
BUFFERED_SECONDS = 0.05
MIN_HIGH_WATER = 8 * 1024

#: a peer that makes us answer but reads nothing is cut off here
MAX_UNSENT = 32 * 1024 * 1024

#: how long the last words may take, and the peer to close its side
LINGER = 1.0

#: bytes that a peer may still send while it is told goodbye
MAX_LATE = 256 * 1024


class _NoTurn(Turn):
    """Where nobody else has to be asked."""

    def __init__(self) -> None:
        pass

    @property
    def is_over(self) -> bool:
        return False


class Peer:
    """Drives a connection with a pair of asyncio streams."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: Connection,
        share: LoopShare | None = None,
    ) -> None:
        """``share``: of the loop; without one, what arrives is worked through at once."""
        self.connection = connection
        #: may become another one at any time
        self.share = share
        #: on the wire, so far
        self.bytes_received = self.bytes_sent = 0
        #: of these, when the kernel was last found to have none
        self._arrived = 0
        self._budget = TokenBucket(BYTES_PER_SECOND, BYTES_AT_ONCE)
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = asyncio.Event()
        #: the connection waits for nothing that its owner has to say
        self._answered = asyncio.Event()
        #: the loop has to turn before more is written, and does so up to this
        self._held: asyncio.Handle | None = None
        self._unreported: deque[Event] = deque()
        self._is_telling = False
        self._failure: Exception | None = None
        self._on_event: Callable[[Event], None] | None = None
        self._settle: Callable[[], Awaitable[None]] | None = None
        peername = writer.get_extra_info("peername")
        self.peername = f"{peername[0]}:{peername[1]}" if isinstance(peername, tuple) else str(peername)
        writer.transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        self._raw: socket.socket | None = writer.get_extra_info("socket")
        if self._raw is not None:
            tcp.tune(self._raw)

    async def run(
        self, on_event: Callable[[Event], None], settle: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Until the connection ends, by whichever side; the socket is closed on return.

        ``settle`` is awaited after every few frames, before more is worked through or read: the owner's
        chance to catch up. What ``on_event`` or ``settle`` raises is raised here, too, and ends the
        connection.
        """
        self._on_event, self._settle = on_event, settle
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
            self._on_event = self._settle = self._failure = None
            self._set_timer(None)
            if self._held is not None:
                self._held.cancel()
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
            if (error := self._reader.exception()) is not None:
                # The stream keeps it; the frames that it came through keep us, and we the stream.
                error.__traceback__ = None

    def flush(self) -> None:
        """Hand on what the connection has queued: bytes to the transport, events to the owner.

        Call it after every action on the connection, also from within ``on_event``: events keep their order.
        """
        self._collect()
        if self._on_event is not None and not self._is_telling:
            self._tell(self._on_event)
        if self.buffered_bytes > MAX_UNSENT:
            self.abort()
        if self.connection.should_close:
            self._closing.set()
        if self.connection.awaits_answer:
            self._answered.clear()
        else:
            self._answered.set()
        self._set_timer(self.connection.next_deadline())

    def _collect(self) -> None:
        if self._held is None:
            self._write()
            if self.connection.has_more_to_send:
                self._held = self._loop.call_soon(self._release)
        self._unreported.extend(self.connection.events())

    def _write(self) -> None:
        data = self.connection.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)
            self.bytes_sent += len(data)

    def _release(self) -> None:
        """The loop has turned, and the kernel has what was written before."""
        self._held = None
        self._flush_alone()

    def _tell(self, on_event: Callable[[Event], None]) -> None:
        """INVARIANT: one event at a time, the oldest first, whatever the owner does when told."""
        self._is_telling = True
        try:
            while self._unreported:
                on_event(self._unreported.popleft())
                self._collect()
        finally:
            self._is_telling = False

    def abort(self) -> None:
        """Drop the socket with whatever is unsent."""
        self._writer.transport.abort()
        self._closing.set()

    @property
    def outstanding_bytes(self) -> tuple[int, int]:
        """:attr:`unsent_bytes` and :attr:`in_flight_bytes`: asked of the kernel only if it can have any."""
        buffered = self.buffered_bytes
        handed_on = self.bytes_sent - buffered
        if self._raw is None or handed_on == self._arrived:
            return buffered, 0
        unsent, in_flight = tcp.outstanding(self._raw)
        if not unsent and not in_flight:
            self._arrived = handed_on
        return buffered + unsent, in_flight

    @property
    def unsent_bytes(self) -> int:
        """What waits on our side because the link takes no more: in the transport and in the kernel."""
        return self.outstanding_bytes[0]

    @property
    def in_flight_bytes(self) -> int:
        """What has left us, and the peer's kernel has not acknowledged."""
        return self.outstanding_bytes[1]

    @property
    def buffered_bytes(self) -> int:
        """What waits in the transport: all that :meth:`drained` may wait for."""
        return self._writer.transport.get_write_buffer_size()

    @property
    def round_trip(self) -> float | None:
        """Seconds between the kernels, smoothed; None where there is no TCP."""
        return tcp.round_trip(self._raw) if self._raw is not None else None

    @property
    def delivery_rate(self) -> int | None:
        """Bytes a second that TCP has brought to the peer's kernel; None where nobody says."""
        return tcp.delivery_rate(self._raw) if self._raw is not None else None

    def size_buffers(self, bits_per_second: float) -> None:
        """Let little more wait on our side than such a link takes in BUFFERED_SECONDS."""
        size = round(min(max(bits_per_second / 8 * BUFFERED_SECONDS, MIN_HIGH_WATER), HIGH_WATER))
        self._writer.transport.set_write_buffer_limits(size, size // 4)
        if self._raw is not None and self._raw.fileno() >= 0:
            tcp.limit_unsent(self._raw, min(size, tcp.NOT_SENT))

    @property
    def has_hung_up(self) -> bool:
        """The peer has closed its side, perhaps behind much that has not been read yet."""
        if self._raw is None or self._raw.fileno() < 0:
            return True
        poll = select.poll()
        poll.register(self._raw.fileno(), select.POLLRDHUP)
        return bool(poll.poll(0))

    async def drained(self) -> None:
        """Wait until the peer has taken enough that new output will not be stale when it arrives.

        Raises ConnectionError when the socket is gone.
        """
        await self._writer.drain()

    def turn(self) -> contextlib.AbstractAsyncContextManager[Turn]:
        """To work for this peer: a turn of its share."""
        return self.share.turn() if self.share is not None else contextlib.nullcontext(_NoTurn())

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
            self.bytes_received += len(data)
            if self.share is not None:
                self._budget.take(len(data), self._loop.time())
                if (seconds := self._budget.wait(self._loop.time())) > 0:
                    await asyncio.sleep(seconds)
            for at in range(0, len(data), FEED_SIZE):
                await self._feed(data[at : at + FEED_SIZE])
            if not data:
                await self._feed(b"")
                self._closing.set()

    async def _feed(self, data: bytes) -> None:
        """INVARIANT: what is not worked through by now is bounded by FEED_SIZE and one unfinished frame."""
        async with self.turn() as turn:
            if data:
                self.connection.receive_data(data, self._loop.time())
            else:
                self.connection.receive_eof(self._loop.time())
            self.flush()
            self._proceed(turn)
        while not self._closing.is_set():
            await self._answered.wait()
            if self._settle is not None:
                await self._settle()
            if not self.connection.has_more:
                return
            async with self.turn() as turn:
                self._proceed(turn)

    def _proceed(self, turn: Turn) -> None:
        while self.connection.has_more and not turn.is_over and not self.connection.awaits_answer:
            self.connection.proceed(self._loop.time())
            self.flush()

    async def _say_goodbye(self) -> None:
        """Let the last PDUs arrive: closing with unread input would make the kernel discard them."""
        while self.connection.has_more_to_send:
            self._write()
        late = 0
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LINGER):
                await self._writer.drain()
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while late < MAX_LATE and (data := await self._reader.read(READ_SIZE)):
                    late += len(data)
        if self.buffered_bytes or late >= MAX_LATE:
            self._writer.transport.abort()

    def _set_timer(self, deadline: float | None) -> None:
        if self._timer is not None:
            if deadline is not None and self._timer.when() <= deadline and not self._closing.is_set():
                return  # too early does no harm, and a new timer with each message costs
            self._timer.cancel()
            self._timer = None
        if deadline is not None and not self._closing.is_set():
            self._timer = self._loop.call_at(deadline, self._expire)

    def _expire(self) -> None:
        self._timer = None
        self.connection.handle_timeout(self._loop.time())
        self._flush_alone()

    def _flush_alone(self) -> None:
        """Flush where there is nobody to raise the owner's failure to: a callback of the loop."""
        try:
            self.flush()
        except Exception as error:
            self._failure = error
            self.abort()
