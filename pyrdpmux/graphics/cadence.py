"""How soon the next change of a picture is to be expected, so that what can wait fits in before it.

What rests is made exact at the cost of the same processor that shows what moves: 65,536 pixels of a
photograph take longer than a frame of a window that is dragged at 60 Hz.
"""

from typing import Final

RESTED: Final = 0.1
"""Seconds without a change, after which none is waited for."""

MARGIN: Final = 0.003
"""Seconds that changes come early, and threads late."""

SHARE: Final = 0.5
"""Of the time that is left, for what only is made better: others have work, too."""

LEAST_PIXELS: Final = 4096
"""That are made exact with each change, however busy: a tile, or what is lossy would stay so for long."""

PIXEL_SECONDS: Final = 0.3e-6
"""To make a pixel exact, until it was measured."""

_WEIGHT: Final = 0.2
"""Of the latest in an average."""


class Cadence:
    """Of one stream, in seconds of any clock."""

    def __init__(self) -> None:
        self._changed_at = -RESTED
        #: between changes, whether they could be shown or not
        self._interval = RESTED
        #: that a change takes, on average, without what is made exact beside it
        self.change_seconds = 0.0
        self._pixel_seconds = PIXEL_SECONDS

    def changed(self, now: float) -> None:
        """There is something else to show."""
        gap = now - self._changed_at
        if gap < RESTED:  # how long it has rested says nothing about the next change
            self._interval = gap if self._interval >= RESTED else _average(self._interval, gap)
        self._changed_at = now

    def showed(self, seconds: float, fine_pixels: int, *, is_change: bool) -> None:
        """A frame took so long, with as many pixels made exact."""
        if is_change:
            own = max(0.0, seconds - fine_pixels * self._pixel_seconds)
            self.change_seconds = _average(self.change_seconds, own)
        elif fine_pixels:
            self._pixel_seconds = _average(self._pixel_seconds, seconds / fine_pixels)

    def fine_pixels(self, now: float, most: int, *, is_changed: bool) -> int:
        """Up to ``most`` that can be made exact until the next change; ``is_changed``: beside one."""
        since = 0.0 if is_changed else now - self._changed_at
        if self._interval >= RESTED or since >= RESTED:
            return most
        spare = self._interval - MARGIN - (self.change_seconds if is_changed else since)
        pixels = int(SHARE * spare / self._pixel_seconds)
        if pixels < LEAST_PIXELS:
            pixels = LEAST_PIXELS if is_changed else 0
        return min(pixels, most)


def _average(before: float, latest: float) -> float:
    return before + _WEIGHT * (latest - before)
