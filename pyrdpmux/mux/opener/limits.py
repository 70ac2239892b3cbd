"""How much the daemon may ask, and how much the opener says about it."""

import sys
import time
from typing import Final

REQUESTS_PER_SECOND: Final = 200.0
BURST: Final = 4000.0
"""A daemon that starts meets a thousand VMs at once, each with a framebuffer and perhaps a SAM file."""

LINES_PER_SECOND: Final = 1.0
LINES_BURST: Final = 20.0

MAX_LINE: Final = 400

WARNING: Final = "<4>"
"""What systemd takes a line's level from (sd-daemon(3))."""


class RateLimit:
    """A bucket that fills with time, and from which each request takes one."""

    def __init__(self, rate: float = REQUESTS_PER_SECOND, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._filled_at = 0.0

    def has_one(self, now: float) -> bool:
        """Whether :meth:`take` would succeed."""
        if self._filled_at:
            self._left = min(self._burst, self._left + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return self._left >= 1

    def take(self, now: float) -> bool:
        """False: not now."""
        if not self.has_one(now):
            return False
        self._left -= 1
        return True


class Notes:
    """Lines for the journal, of which nobody can cause many; what was left out is counted."""

    def __init__(self) -> None:
        self._rate = RateLimit(LINES_PER_SECOND, LINES_BURST)
        self._left_out = 0

    def add(self, text: str) -> None:
        if self.may_add(time.monotonic()):
            self.write(text)

    def has_room(self, now: float) -> bool:
        """Whether a line would be written: what a child is told, which has no count of its own."""
        return self._rate.has_one(now)

    def may_add(self, now: float) -> bool:
        """Takes one line's turn, also for a child that has written it."""
        if not self._rate.take(now):
            self._left_out += 1
            return False
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            self.write(f"{left_out} lines left out")
        return True

    def write(self, text: str) -> None:
        sys.stderr.write(f"{WARNING}{text[:MAX_LINE]}\n")
        sys.stderr.flush()
