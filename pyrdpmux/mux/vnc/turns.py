"""How much threads that decode may work: few at a time, each for a moment, and none more than its share.

They share the interpreter with the event loop. So whoever has worked for :data:`SLICE_SECONDS` lets go of it,
only :data:`SLOTS` of all threads work at a time, in the order in which they came, and a thread that works all
the time does so for half of it (:data:`THREAD_SHARE`).
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pyrdpmux.mux.resting import REST_FACTOR

SLICE_SECONDS: Final = 0.001

LET_GO_SECONDS: Final = 20e-6
"""Asleep between two slices: a thread that waits for the interpreter gets it then, and only then."""

SLOTS: Final = max(1, min(2, (os.cpu_count() or 1) // 2))
"""The loop waits for the interpreter behind so many slices; and there are others who want the processors."""

THREAD_SHARE: Final = 0.5
"""Of a processor's time."""

BURST_SECONDS: Final = 0.2
"""What a thread that has rested may work beyond its share: a picture or two that come at once."""

LOOP_COST: Final = (1 + REST_FACTOR) * THREAD_SHARE
"""A second of the event loop's costs as much as so many of the thread's: a quarter of it at most."""


class Slots:
    """Places for those who work; who comes first gets the next."""

    def __init__(self, count: int = SLOTS) -> None:
        self._free = count
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    def enter(self) -> None:
        """Wait for a place."""
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def leave(self) -> None:
        """Hand the place on."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


DECODERS: Final = Slots()
"""Of the process: one interpreter has one of them."""


class Slice:
    """A moment in which to work; :attr:`is_over` says when to end it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._end = clock() + SLICE_SECONDS

    @property
    def is_over(self) -> bool:
        return self._clock() >= self._end


class ThreadTurns:
    """The claim of one thread."""

    def __init__(
        self,
        slots: Slots = DECODERS,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self.clock = clock
        #: seconds of a processor that were worked
        self.worked = 0.0
        self._slots = slots
        self._cpu = cpu
        self._paid_until = -BURST_SECONDS / THREAD_SHARE

    @contextmanager
    def slice(self) -> Iterator[Slice]:
        """Wait for a place, and work."""
        self._slots.enter()
        began = self._cpu()
        try:
            yield Slice(self.clock)
        finally:
            self._slots.leave()
            seconds = self._cpu() - began
            self.worked += seconds
            self.charge(seconds)

    def charge(self, seconds: float) -> None:
        """So much was worked."""
        start = max(self._paid_until, self.clock() - BURST_SECONDS / THREAD_SHARE)
        self._paid_until = start + seconds / THREAD_SHARE

    def charge_loop(self, seconds: float) -> None:
        """The event loop has worked so much for us."""
        self.charge(seconds * LOOP_COST)

    @property
    def is_tired(self) -> bool:
        """More than its share was worked."""
        return self._paid_until > self.clock()

    @property
    def rest_seconds(self) -> float:
        """How long to rest before the next slice."""
        return max(LET_GO_SECONDS, self._paid_until - self.clock())
