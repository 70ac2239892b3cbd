"""The machinery under both sides: buffers, TLS, dispatch, deadlines, and the end of a connection.

A connection is always in one :class:`Phase`. Bytes come in through :meth:`Machine.receive_data`, are
decrypted where TLS is up, cut into frames by the phase, decoded by the phase, and handed to the method that
the phase's ``HANDLERS`` names for the type of the PDU; a type that is not there is a SequenceError.

INVARIANT: nothing leaves ``receive_data``, ``receive_eof``, ``proceed`` or ``handle_timeout`` as an
exception. A peer's mistake ends the connection with a ``Disconnected`` event; what tells the peer is queued
before that.

INVARIANT: a connection that has ended is in no reference cycle, nor is any of its events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, Protocol

from pyrdpmux.errors import PeerClosed, PeerError, PeerTimeout, SequenceError, TlsFailed
from pyrdpmux.rdp.connection.envelope import wrap
from pyrdpmux.rdp.connection.events import Disconnected, Event
from pyrdpmux.rdp.connection.framer import take_frame
from pyrdpmux.rdp.connection.trace import NullTracer, Tracer
from pyrdpmux.rdp.mcs.domain import DomainPdu
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.tpdu import Tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode

CUT: Final = b""
"""Among frames to send: what is in front of it leaves in a write of its own."""


class Connection(Protocol):
    """What drives a connection of either side; docs/driving-the-core.md has the whole contract."""

    frames_per_call: int | None

    def receive_data(self, data: bytes, now: float) -> None: ...

    def receive_eof(self, now: float) -> None: ...

    def proceed(self, now: float) -> None: ...

    def handle_timeout(self, now: float) -> None: ...

    def events(self) -> list[Event]: ...

    def data_to_send(self) -> bytes: ...

    def next_deadline(self) -> float | None: ...

    @property
    def has_more_to_send(self) -> bool: ...

    @property
    def now(self) -> float: ...

    @property
    def has_more(self) -> bool: ...

    @property
    def awaits_answer(self) -> bool: ...

    @property
    def buffered_bytes(self) -> int: ...

    @property
    def should_close(self) -> bool: ...

    @property
    def phase_name(self) -> str: ...


class Phase:
    """One phase of MS-RDPBCGR 1.3.1.1. Subclasses say how its frames decode and what may come."""

    #: decoded type -> unbound method ``(self, pdu) -> Phase``; looked up by exact type
    HANDLERS: ClassVar[dict[type, Callable[[Any, Any], Phase]]] = {}

    @property
    def name(self) -> str:
        return type(self).__name__

    def seconds(self) -> float | None:
        """How long the peer may stay in this phase without getting on; None for ever."""
        return None

    def until(self, now: float) -> float | None:
        """When the time for a phase that begins ``now`` is over."""
        seconds = self.seconds()
        return None if seconds is None else now + seconds

    def take_frame(self, buffer: bytearray) -> bytes | None:
        """Remove one frame from ``buffer``, or return None while it is incomplete."""
        return take_frame(buffer)

    def decode(self, frame: bytes) -> object:
        """The value of one frame. Raises PeerError."""
        raise NotImplementedError

    def accept(self, pdu: object) -> Phase:
        """Hand ``pdu`` to its handler; the phase to be in afterwards. Raises SequenceError without one."""
        handler = self.HANDLERS.get(type(pdu))
        if handler is None:
            expected = tuple(kind.__name__ for kind in self.HANDLERS)
            raise SequenceError(self.name, type(pdu).__name__, expected)
        return handler(self, pdu)

    def on_tls_begun(self) -> Phase:
        """The peer's first TLS message has come whole, and ours that answers it is queued."""
        return self

    def on_tls_established(self) -> Phase:
        """The TLS handshake finished while in this phase."""
        raise NotImplementedError

    def on_timeout(self, seconds: float) -> Phase:
        """The deadline passed: an error, unless the phase knows better."""
        raise PeerTimeout(self.name, seconds)

    def on_eof(self) -> Phase:
        """The peer closed its side at a frame boundary."""
        raise PeerClosed(self.name)

    def explain(self, error: PeerError) -> None:
        """Queue what tells the peer why it is dropped, where the protocol has a way to say it."""


class Ended(Phase):
    """The connection is over; whatever still arrives is dropped with the socket."""


class Machine:
    """One connection's bytes, phase and clock. Server and client connections build on it."""

    def __init__(self, now: float, tracer: Tracer | None = None) -> None:
        self.now = now
        self.tracer: Tracer = tracer or NullTracer()
        self._incoming = bytearray()
        self._outgoing: list[bytes] = []
        self._events: list[Event] = []
        self._tls: TlsEndpoint | None = None
        self._tls_begun = False
        self._tls_reported = False
        self._phase: Phase = Ended()
        self._deadline: float | None = None
        #: how much is worked off in one call, so that an owner of many can give others their turn; None: all
        self.frames_per_call: int | None = None
        self._has_more = False
        # what ends the stream, once the frames before it have been worked off
        self._is_eof = False
        self._fault: PeerError | None = None

    # -- the owner's side ------------------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes from the socket. Never raises for what the peer did; see the module's invariant."""
        self._guarded(now, lambda: self._accept(data))

    def receive_eof(self, now: float) -> None:
        """The peer closed its side of the socket."""
        self._is_eof = True
        self._close_stream(now)

    def receive_fault(self, error: PeerError, now: float) -> None:
        """What carries the stream broke behind what was received: an end, but not one in order."""
        self._fault = error
        self._close_stream(now)

    def proceed(self, now: float) -> None:
        """Go on with what ``frames_per_call`` has left over; harmless when there is nothing."""
        if self._has_more:
            self._guarded(now, self._advance)

    def handle_timeout(self, now: float) -> None:
        """Call when ``next_deadline()`` has passed; harmless when called early."""

        def expire() -> None:
            if self._deadline is not None and now >= self._deadline:
                seconds = self._phase.seconds() or 0.0
                self._deadline = now + seconds  # a phase that stays ticks on
                self._enter(self._phase.on_timeout(seconds))
                self._advance()

        self._guarded(now, expire)

    def events(self) -> list[Event]:
        """What happened since the last call."""
        events, self._events = self._events, []
        return events

    def data_to_send(self) -> bytes:
        """Bytes for one write to the socket. Drain after every call into the connection, also its last."""
        self._collect_records()
        if not self._outgoing:
            return b""
        end = self._outgoing.index(CUT) if CUT in self._outgoing else len(self._outgoing)
        data = b"".join(self._outgoing[:end])
        del self._outgoing[: end + 1]
        return data

    @property
    def has_more_to_send(self) -> bool:
        """``data_to_send`` left something for another write: let the event loop turn, and call it again."""
        return bool(self._outgoing) or (self._tls is not None and self._tls.has_data_to_send)

    def next_deadline(self) -> float | None:
        """When ``handle_timeout`` wants to be called, on the clock of ``now``; None for never."""
        return self._deadline

    @property
    def has_more(self) -> bool:
        """``frames_per_call`` was reached: there may be more to do without more bytes; see ``proceed``."""
        return self._has_more and not self.should_close

    @property
    def awaits_answer(self) -> bool:
        """Nothing is worked off until the owner has answered a question; it need not read until then."""
        return False

    @property
    def buffered_bytes(self) -> int:
        """Input that waits here, mostly for the rest of its frame."""
        return len(self._incoming)

    @property
    def should_close(self) -> bool:
        """True when the socket is to be closed once ``data_to_send`` is written."""
        return isinstance(self._phase, Ended)

    @property
    def phase_name(self) -> str:
        """The phase, by its name in MS-RDPBCGR 1.3.1.1."""
        return self._phase.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.phase_name}>"

    # -- the phases' side ------------------------------------------------------------------------

    def emit(self, event: Event) -> None:
        self._events.append(event)

    def send_frame(self, frame: bytes, pdu: object) -> None:
        """Queue one frame; under TLS it becomes one record (QUIRK(mstsc): Windows servers do so too).

        INVARIANT: once TLS has been started, nothing leaves in plain text: what TLS cannot carry is dropped.
        """
        if self._transmit(frame):
            self.tracer.sent(self.phase_name, pdu)
        else:
            self.note(f"{type(pdu).__name__} dropped: TLS is down")

    def cut_output(self) -> None:
        """What is queued by now leaves in a write of its own, and what comes behind it in another one."""
        self._collect_records()
        if self._outgoing and self._outgoing[-1] != CUT:
            self._outgoing.append(CUT)

    def _collect_records(self) -> None:
        """What TLS has made of the frames so far; it keeps them together until somebody asks."""
        if self._tls is not None:
            self._queue(self._tls.data_to_send())

    def _queue(self, data: bytes) -> None:
        if data:
            self._outgoing.append(data)

    def _transmit(self, frame: bytes) -> bool:
        """Queue one frame; False where TLS cannot carry it any more."""
        if self._tls is None:
            self._outgoing.append(frame)
        elif self._tls.is_writable:
            self._tls.write(frame)
        else:
            return False
        return True

    def send_tpdu(self, tpdu: Tpdu) -> None:
        self.send_frame(encode(Tpkt(encode(tpdu))), tpdu)

    def send_domain(self, pdu: DomainPdu) -> None:
        self.send_frame(wrap(pdu), pdu)

    def note(self, text: str) -> None:
        """Tell the tracer about something ignored on purpose."""
        self.tracer.note(self.phase_name, text)

    def start_tls(self, endpoint: TlsEndpoint) -> None:
        """From here on the stream is TLS; bytes that already arrived belong to its handshake."""
        self._tls = endpoint
        early, self._incoming = bytes(self._incoming), bytearray()
        endpoint.receive_data(early)

    @property
    def tls(self) -> TlsEndpoint | None:
        return self._tls

    def end(self, reason: str, *, by_peer: bool, error: PeerError | None = None) -> Phase:
        """Report the end, once; the phase to go to."""
        if not isinstance(self._phase, Ended):
            self.emit(Disconnected(reason, by_peer, error))
            if self._tls is not None:
                self._tls.close()
        return Ended()

    # -- inside ----------------------------------------------------------------------------------

    def _enter(self, phase: Phase) -> None:
        if phase is self._phase:
            return
        self._phase = phase
        self._deadline = phase.until(self.now)

    def _guarded(self, now: float, action: Callable[[], None]) -> None:
        if isinstance(self._phase, Ended):
            return
        self.now = now
        try:
            action()
        except PeerError as error:
            self._fail(error)

    def _fail(self, error: PeerError) -> None:
        forget_frames(error)
        self._phase.explain(error)
        self._enter(self.end(str(error), by_peer=isinstance(error, PeerClosed), error=error))
        self._incoming.clear()

    def _accept(self, data: bytes) -> None:
        if self._tls is None:
            self._incoming += data
        else:
            try:
                self._tls.receive_data(data)
            except TlsFailed as error:
                self._fault = error  # what came before it counts, however the bytes were cut
                forget_frames(error)
        self._advance()

    def _close_stream(self, now: float) -> None:
        if not self._has_more:  # otherwise it has its turn behind what is left
            self._guarded(now, self._advance)

    def _advance(self) -> None:
        """Work through everything that is complete, or as much of it as one call may."""
        self._has_more = False
        taken = 0
        while not isinstance(self._phase, Ended):
            if self._tls is not None:
                self._collect_tls(self._tls)
            if taken == self.frames_per_call and self._incoming:
                self._has_more = True
                return
            frame = self._phase.take_frame(self._incoming)
            if frame is None:
                self._conclude()
                return
            taken += 1
            self._dispatch(self._phase.decode(frame))

    def _conclude(self) -> None:
        """All that was complete is done: what ended the stream behind it counts now."""
        if self._fault is not None:
            self._fail(self._fault)
        elif self.is_eof:
            if self._incoming:
                raise PeerClosed(self.phase_name)
            self._enter(self._phase.on_eof())

    @property
    def is_eof(self) -> bool:
        """Nothing comes behind what has been received: the socket is closed, or TLS in order."""
        return self._is_eof or (self._tls is not None and self._tls.is_eof)

    def _collect_tls(self, tls: TlsEndpoint) -> None:
        if tls.has_answered and not self._tls_begun:
            self._tls_begun = True
            self._enter(self._phase.on_tls_begun())
        if not tls.is_handshake_done:
            return
        if not self._tls_reported:
            self._tls_reported = True
            self._queue(tls.data_to_send())
            self._enter(self._phase.on_tls_established())
        self._incoming += tls.read()

    def _dispatch(self, pdu: object) -> None:
        self.tracer.received(self.phase_name, pdu)
        self._enter(self._phase.accept(pdu))


def forget_frames(error: PeerError) -> None:
    """Drop the traceback of an exception that is kept: its frames would keep the connection alive."""
    error.__traceback__ = error.__cause__ = error.__context__ = None
