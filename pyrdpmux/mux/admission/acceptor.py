"""Where connections arrive: a listening port, whose newcomers wait their turn and are served to their end."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from pyrdpmux.errors import PeerError
from pyrdpmux.mux.admission.control import AdmissionControl, failure_of
from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.penalties import Failure
from pyrdpmux.mux.admission.pending import Pending
from pyrdpmux.mux.log.connection_log import ConnectionEvents, ConnectionLog
from pyrdpmux.net.fair import Kind, LoopShare
from pyrdpmux.net.listener import Listener, listen
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.machine import Connection
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")

GOODBYE_SECONDS: Final = 1.5
"""How long viewers may take to hear why they are disconnected; a stop of the daemon takes 2 s at most."""

_numbers = itertools.count(1)


class Disconnectable(Protocol):
    """A connection that can be ended."""

    def disconnect(self, error_info: ErrorInfo, reason: str) -> None:
        """Ask the client to go, and tell it why."""


class Visitor(Disconnectable, Protocol):
    """One connection, from its first byte to its end."""

    async def run(self) -> None:
        """Until it has ended; the socket is closed on return."""


class Arrival:
    """A connection that has been accepted, as its :class:`Visitor` knows it."""

    def __init__(
        self,
        control: AdmissionControl,
        place: Pending,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        log: ConnectionLog,
        level: int,
    ) -> None:
        self.log = log
        self.events = ConnectionEvents(log, level, asyncio.get_running_loop().time(), control.may_warn)
        #: of what is logged before the logon
        self.level = level
        self.is_admitted = False
        self._control = control
        self._place = place
        self._streams = streams
        self._share: LoopShare = control.take_share(place.origin)
        self._peer: Peer | None = None

    async def work(self, steps: Iterable[object]) -> None:
        """Take these steps in turns of the connection's share."""
        await self._share.work(steps)

    def evict(self) -> None:
        """Another needs its place: it ends now, whatever it waits for, a turn or an answer."""
        if self._peer is not None:
            self._peer.abort()

    @property
    def origin(self) -> Origin:
        return self._place.origin

    @property
    def is_exempt(self) -> bool:
        """The administrator vouches for its network."""
        return self._place.is_exempt

    def peer(self, connection: Connection) -> Peer:
        """The socket, for the server side of this connection; it works in its network's share of the loop."""
        self._peer = Peer(*self._streams, connection, self._share)
        return self._peer

    def admit(self, name: str) -> None:
        """It has logged on and may stay: it is pending no longer, and has a share of its own from now on."""
        if self.is_admitted or self._peer is None:
            return
        self.is_admitted = True
        self._control.pending.leave(self._place)
        self._control.give_back_share(self.origin)
        self._share = self._peer.share = self._control.schedule.share(Kind.VIEWER, name)

    def ended(self, error: PeerError | None) -> None:
        """The connection is over; before its logon, its network may pay for that."""
        failure = failure_of(error)
        if failure is not None and not self.is_admitted:
            self.failed(failure)

    def failed(self, failure: Failure) -> None:
        if not self._place.is_exempt and self._control.penalties.note(self.origin, failure):
            logger.warning("%s keeps failing: its connections wait from now on", self.origin.narrow)

    def close(self) -> None:
        """Its socket is closed."""
        if self.is_admitted:
            self._share.close()
        else:
            self._control.give_back_share(self.origin)


Receive = Callable[[Arrival], Visitor]
"""Makes the visitor of one new connection."""


class Acceptor:
    """Accepts connections at one address, which may change, and serves each until it ends."""

    def __init__(self, name: str, control: AdmissionControl, receive: Receive) -> None:
        self.name = name
        self.host = ""
        self.port = 0
        self._control = control
        self._receive = receive
        self._listener: Listener | None = None
        self._retired: list[Listener] = []
        self._visitors: set[Visitor] = set()
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

    async def close(self, error_info: ErrorInfo, reason: str, others: Iterable[Disconnectable] = ()) -> None:
        """Accept nobody any more, tell those who are there, ``others`` too, and see our own off."""
        await self.stop_listening()
        for visitor in {*self._visitors, *others}:
            visitor.disconnect(error_info, reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._deserted.wait()
        for listener in self._retired:
            await listener.cancel_connections()

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """INVARIANT: a connection holds its place until its socket is closed, or it has logged on."""
        peername = writer.get_extra_info("peername")
        address = str(peername[0]) if isinstance(peername, tuple) else ""
        origin, is_exempt = Origin.of(address), address in self._control.exempt
        evicted = asyncio.Event()
        arrival: Arrival | None = None

        def evict() -> None:
            evicted.set()
            writer.transport.abort()
            if arrival is not None:
                arrival.evict()

        place = self._control.pending.enter(origin, evict, is_exempt=is_exempt)
        try:
            wait = 0.0 if is_exempt else self._control.penalties.attempt(origin)
            if wait and await _is_set_within(evicted, wait):
                self._control.penalties.withdraw(origin)
                return
            level = logging.DEBUG if wait or not self._control.may_log() else logging.INFO
            log = ConnectionLog(logger, next(_numbers), self.name, address)
            arrival = Arrival(self._control, place, (reader, writer), log, level)
            await self._serve(arrival)
            if evicted.is_set():
                arrival.failed(Failure.SILENCE)
        finally:
            arrival = None  # which has the place, whose ``evict`` has it
            self._control.pending.leave(place)

    async def _serve(self, arrival: Arrival) -> None:
        try:
            visitor = self._receive(arrival)
            self._visitors.add(visitor)
            self._deserted.clear()
            arrival.events.connected()
            try:
                await visitor.run()
            finally:
                self._visitors.discard(visitor)
                if not self._visitors:
                    self._deserted.set()
        finally:
            arrival.close()


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
