"""A link and a client in a model, in which a pacer is tried: exact, and without a clock.

The link is one server with an endless queue in front and a delay behind; the client decodes one frame after
the other and acknowledges as it is told. The owner sends a frame as soon as there is a change and the pacer
allows it.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pyrdpmux.graphics.pacer import SUSPEND, Pacer

Acknowledging = Callable[["Network", int, float], list[tuple[int, int]]]
"""What a client says at this time, when it has decoded this frame: frame ids and queue depths."""


def at_once(network: "Network", frame_id: int, now: float) -> list[tuple[int, int]]:
    return [(frame_id, 0)]


def never(network: "Network", frame_id: int, now: float) -> list[tuple[int, int]]:
    return []


def late(network: "Network", frame_id: int, now: float) -> list[tuple[int, int]]:
    """QUIRK(mstsc): a frame is acknowledged when the next one has come, and depths are absurd."""
    return [(frame_id - 1, 352_000)]


def later(network: "Network", frame_id: int, now: float) -> list[tuple[int, int]]:
    """The same, two frames later."""
    return [(frame_id - 2, 352_000)]


def suspended(network: "Network", frame_id: int, now: float) -> list[tuple[int, int]]:
    """FreeRDP's /gfx:frame-ack:off."""
    return [(frame_id, SUSPEND)] if frame_id == 0 else []


def withheld(begin: float, end: float) -> Acknowledging:
    def say(network: "Network", frame_id: int, now: float) -> list[tuple[int, int]]:
        return [] if begin <= now < end else [(frame_id, 0)]

    return say


@dataclass
class Sent:
    """A frame on its way."""

    frame_id: int
    size: int
    #: when what it shows changed first
    changed_at: float
    sent_at: float
    #: seconds that it waited behind others
    waited: float
    shown_at: float


@dataclass
class Network:
    """``megabits`` a second, and ``round_trip`` seconds there and back."""

    megabits: float
    round_trip: float
    pacer: Pacer = field(default_factory=Pacer)
    #: seconds from the decision to the frame, and of the client for a frame
    encode: float = 0.003
    decode: float = 0.001
    acknowledging: Acknowledging = at_once
    #: the owner tells the pacer what its socket says
    has_socket: bool = True
    #: seconds between round trips that auto-detect measures while there is output; None: it does not
    auto_detect: float | None = 1.0
    now: float = 0.0

    def __post_init__(self) -> None:
        self.frames: list[Sent] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._free_at = self._decoded_at = 0.0
        #: when TCP knows that it has arrived, and bytes
        self._in_flight: deque[tuple[float, int]] = deque()
        self._pending: tuple[float, int] | None = None
        self._is_encoding = False
        self._wake_at = float("inf")
        self._measured_at = float("-inf")
        if self.auto_detect is not None:
            self.pacer.round_trip(self.round_trip, 0.0)  # as a connection begins

    @property
    def bytes_per_second(self) -> float:
        return self.megabits * 1e6 / 8

    def run(self, seconds: float, changes: Iterator[tuple[float, int]] | None = None) -> list[Sent]:
        """The frames that were sent meanwhile; ``changes``: time and size of the picture of each."""
        end, first = self.now + seconds, len(self.frames)
        self._schedule(changes)
        while self._events and self._events[0][0] <= end:
            at, _, action = heapq.heappop(self._events)
            self.now = max(self.now, at)
            action()
        self.now = end
        return self.frames[first:]

    def _at(self, at: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at, next(self._number), action))

    def _schedule(self, changes: Iterator[tuple[float, int]] | None) -> None:
        change = next(changes, None) if changes is not None else None
        if change is None:
            return
        at, size = change

        def happen() -> None:
            since = self._pending[0] if self._pending is not None else self.now
            self._pending = (since, size)
            self._consider()
            self._schedule(changes)

        self._at(at, happen)

    def _consider(self) -> None:
        if self._pending is None or self._is_encoding:
            return
        if self.has_socket:
            self.pacer.unsent(0, self.now, self._unacknowledged())
        at = self.pacer.ready_at(self.now)
        if at <= self.now:
            self._is_encoding = True
            self._at(self.now + self.encode, self._send)
        elif at < self._wake_at or self._wake_at <= self.now:
            self._wake_at = at
            self._at(at, self._consider)

    def _unacknowledged(self) -> int:
        """Bytes that TCP waits for: it acknowledges as they come."""
        while self._in_flight and self._in_flight[0][0] <= self.now:
            self._in_flight.popleft()
        return sum(min(size, round((at - self.now) * self.bytes_per_second)) for at, size in self._in_flight)

    def _send(self) -> None:
        assert self._pending is not None
        (changed_at, size), self._pending, self._is_encoding = self._pending, None, False
        if self.auto_detect is not None and self.now - self._measured_at >= self.auto_detect:
            self._measured_at = asked_at = self.now
            at = max(self._free_at, self.now) + self.round_trip
            self._at(at, lambda: self._measured(asked_at))
        waited = max(self._free_at - self.now, 0.0)
        self._free_at = self.now + waited + size / self.bytes_per_second
        arrived_at = self._free_at + self.round_trip / 2
        self._decoded_at = shown_at = max(self._decoded_at, arrived_at) + self.decode
        frame = Sent(len(self.frames), size, changed_at, self.now, waited, shown_at)
        self.frames.append(frame)
        self._in_flight.append((arrived_at + self.round_trip / 2, size))
        self.pacer.sent(frame.frame_id, size, self.now)
        self._at(shown_at, lambda: self._acknowledge(frame.frame_id))

    def _measured(self, asked_at: float) -> None:
        self.pacer.round_trip(self.now - asked_at, self.now)
        self._consider()

    def _acknowledge(self, frame_id: int) -> None:
        for acknowledged, depth in self.acknowledging(self, frame_id, self.now):

            def come(acknowledged: int = acknowledged, depth: int = depth) -> None:
                self.pacer.acknowledged(acknowledged, depth, self.now)
                self._consider()

            self._at(self.now + self.round_trip / 2, come)


def steady(rate: float, size: int, start: float = 0.0) -> Iterator[tuple[float, int]]:
    """Changes of one size at a fixed rate, for ever."""
    return ((start + number / rate, size) for number in itertools.count())


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
