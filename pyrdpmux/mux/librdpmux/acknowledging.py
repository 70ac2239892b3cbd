"""When a guest is sent acknowledgements that nobody has a picture to show for.

Without a clock: ``now`` is handed in, in seconds.
"""

from typing import Final

REPEAT_AFTER: Final = 0.2
"""Silence after which the last acknowledgement is repeated. The library signals its waiting thread without a
lock: one that comes before the thread sleeps is lost, and the display stands still for good."""

KEEP_ALIVE: Final = 2.0
"""Acknowledgements of a silent guest: ten seconds without any message make the library abort its process."""

UNWATCHED_BEAT: Final = 0.4
"""Until an update is acknowledged that nobody looks at: less than the half second our own guests wait."""

QUEUED_WITHIN: Final = 0.05
"""After an acknowledgement: an update that comes sooner was waiting for it, or is of a guest that refreshes
its display so often (QEMU does every 0.03 s)."""

MERGED: Final = 2
"""Updates that come together from a guest which joins what it has painted while it waited."""

MAX_BEATS: Final = 5
"""Without a look at whether such a guest has begun to queue."""


class AcknowledgementTimer:
    """When to acknowledge without having been asked."""

    def __init__(self, now: float) -> None:
        self.deadline = now + REPEAT_AFTER

    def heard(self, now: float, *, is_watched: bool) -> None:
        """The guest sent something: it may be waiting now. What stands still unseen does no harm."""
        self.deadline = now + (REPEAT_AFTER if is_watched else KEEP_ALIVE)

    def is_due(self, now: float) -> bool:
        """Asked at or after the deadline, says so once and plans the next."""
        if now < self.deadline:
            return False
        self.deadline = now + KEEP_ALIVE
        return True


class UnwatchedBeat:
    """When to acknowledge what nobody looks at, for libraries that cannot be told a rate (version 1 and 2).

    A guest that joins what it paints until it is answered may wait, beat after beat. The C library queues its
    rectangles instead, without bound, and sends the next as soon as one is acknowledged: after a beat, what
    comes that soon is answered at once, until the queue is empty. Who has had no queue gets more beats until
    the next such look. So a queue holds what is painted in :data:`MAX_BEATS` at most.
    """

    def __init__(self, now: float) -> None:
        #: of what was not answered yet
        self.deadline: float | None = None
        self._answered_at = now
        #: since there was nothing that had waited, and how many there may be
        self._beats = 0
        self._patience = 0
        #: what had waited, and was answered at once
        self._queued = MERGED + 1

    def is_due(self, now: float) -> bool:
        """Asked as long as there is something to answer; if not now, then at the deadline."""
        if self.deadline is None:
            if now >= self._answered_at + QUEUED_WITHIN:
                self._patience = MAX_BEATS if self._queued <= MERGED else 1
                self._beats = self._queued = 0
            elif self._beats >= self._patience:
                self._queued += 1
                return True
            self._beats += 1
            self.deadline = now + UNWATCHED_BEAT
        return now >= self.deadline

    def answered(self, now: float) -> None:
        """All of it."""
        self._answered_at = now
        self.deadline = None
