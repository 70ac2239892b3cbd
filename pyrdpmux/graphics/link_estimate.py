"""What is known of the way to a viewer, from what was sent and acknowledged: its least round trip, what it
delivers, what has lately gone over it. Seconds and bytes; ``now`` is handed in, and never goes back.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

LEAST_WINDOW: Final = 10.0
"""Seconds after which a round trip no longer counts as the least one: routes change."""

BUCKETS_PER_SECOND: Final = 2
"""Of the samples of a bucket only the least is kept: 20 of them at most."""

MAX_KNOWN: Final = 4
"""Bandwidths for which the least round trip is remembered."""

TRAFFIC_WINDOW: Final = 2.0
"""Seconds that figures for people are taken over."""

MAX_TRAFFIC: Final = 512
"""Frames that are remembered for them."""

LEAST_BANDWIDTH: Final = 1000.0
MOST_BANDWIDTH: Final = 12.5e9
"""Bytes a second that are believed: 8 kbit/s to 100 Gbit/s."""


class LeastRoundTrip:
    """The windowed minimum of round trips: what remains when nothing waits.

    A round trip is as long as its frame takes to be transferred; :meth:`seconds` takes that off where the
    bandwidth is known. The last samples never expire, however old: nothing better is known then.
    """

    def __init__(self) -> None:
        #: bucket number, seconds, bytes; oldest first
        self._samples: deque[tuple[int, float, int]] = deque()
        #: what was asked of these samples, at which bandwidth: a pacer asks a dozen times for a frame
        self._known: dict[float | None, float | None] = {}

    def add(self, seconds: float, size: int, now: float) -> bool:
        """The acknowledgement of ``size`` bytes came after ``seconds``, whether they had to wait or not.

        False if that says nothing new.
        """
        bucket = int(now * BUCKETS_PER_SECOND)
        is_same = bool(self._samples) and self._samples[-1][0] >= bucket
        if is_same and seconds >= self._samples[-1][1]:
            return False
        self._known.clear()
        while self._samples and self._samples[0][0] < bucket - LEAST_WINDOW * BUCKETS_PER_SECOND:
            self._samples.popleft()
        if is_same:
            self._samples.pop()
        self._samples.append((bucket, seconds, size))
        return True

    def seconds(self, bytes_per_second: float | None = None) -> float | None:
        """The least; without its transfer where ``bytes_per_second`` says how long that took."""
        if bytes_per_second not in self._known:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[bytes_per_second] = self._least(bytes_per_second)
        return self._known[bytes_per_second]

    def _least(self, bytes_per_second: float | None) -> float | None:
        if bytes_per_second is None:
            return min([seconds for _, seconds, _ in self._samples], default=None)
        return min(
            [max(seconds - size / bytes_per_second, 0.0) for _, seconds, size in self._samples], default=None
        )


class DeliveryRate:
    """Bytes a second that arrive: the largest of the latest samples, as in BBR.

    A sample from when the link was not busy all the time says only that it delivers *at least* so much: it
    may raise the estimate, never lower it.
    """

    def __init__(self) -> None:
        self.bytes_per_second: float | None = None
        #: comes from a busy link, or was told: no longer a guess from below
        self.is_confirmed = False
        #: time and rate, rates falling
        self._samples: deque[tuple[float, float]] = deque()

    def add(self, rate: float, now: float, window: float, *, was_busy: bool) -> None:
        """``window``: seconds until better samples of before are forgotten."""
        rate = min(max(rate, LEAST_BANDWIDTH), MOST_BANDWIDTH)
        if not was_busy:
            if self.bytes_per_second is not None and rate <= self.bytes_per_second:
                return
        else:
            self.is_confirmed = True
        while self._samples and self._samples[0][0] < now - window:
            self._samples.popleft()
        while self._samples and self._samples[-1][1] <= rate:
            self._samples.pop()
        self._samples.append((now, rate))
        self.bytes_per_second = self._samples[0][1]

    def seconds(self, size: float) -> float:
        """How long ``size`` bytes take; 0 while nothing is known."""
        return 0.0 if self.bytes_per_second is None else size / self.bytes_per_second


class Rhythm:
    """At most ``rate`` a second, whenever they are due: not a timer, which would beat against the content.

    After a rest two may go right after each other: a change often comes in two parts, and a source of the
    same rate is never held up by its own jitter. In the long run it is ``rate`` (ATM Forum's GCRA).
    """

    def __init__(self, rate: float) -> None:
        self._interval = 1.0 / rate
        self._theoretical = -math.inf

    def next_at(self) -> float:
        """When the next one may go."""
        return self._theoretical - self._interval

    def gone(self, now: float) -> None:
        self._theoretical = max(self._theoretical, now) + self._interval


class Traffic:
    """Frames and bytes of the last seconds, for display."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, int]] = deque(maxlen=MAX_TRAFFIC)

    def add(self, size: int, now: float) -> None:
        self._frames.append((now, size))

    def per_second(self, now: float) -> tuple[float, float]:
        """Frames and bytes."""
        while self._frames and self._frames[0][0] <= now - TRAFFIC_WINDOW:
            self._frames.popleft()
        return len(self._frames) / TRAFFIC_WINDOW, sum(size for _, size in self._frames) / TRAFFIC_WINDOW
