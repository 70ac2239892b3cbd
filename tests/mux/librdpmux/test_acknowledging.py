"""Acknowledgements that no picture is shown for, with time handed in."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.mux.librdpmux.acknowledging import (
    KEEP_ALIVE,
    QUEUED_WITHIN,
    REPEAT_AFTER,
    UNWATCHED_BEAT,
    AcknowledgementTimer,
    UnwatchedBeat,
)


@pytest.mark.parametrize(("is_watched", "after"), [(True, REPEAT_AFTER), (False, KEEP_ALIVE)])
def test_a_silent_guest_is_reminded_soon_if_somebody_looks(is_watched: bool, after: float) -> None:
    timer = AcknowledgementTimer(100.0)
    timer.heard(101.0, is_watched=is_watched)
    assert timer.deadline == 101 + after
    assert not timer.is_due(timer.deadline - 0.001)
    now = timer.deadline
    assert timer.is_due(now)
    assert not timer.is_due(now)
    assert timer.deadline == now + KEEP_ALIVE


def test_who_asks_after_a_while_is_answered_at_the_beat() -> None:
    beat = UnwatchedBeat(100.0)
    assert beat.deadline is None
    assert not beat.is_due(101.0)
    assert not beat.is_due(101.1), "which another update does not put off"
    now = 101 + UNWATCHED_BEAT
    assert beat.deadline == now
    assert beat.is_due(now)
    beat.answered(now)
    assert beat.deadline is None


def test_who_has_more_to_say_is_answered_at_once() -> None:
    beat = UnwatchedBeat(100.0)
    beat.answered(101.0)
    assert beat.is_due(101 + QUEUED_WITHIN - 0.001)
    assert not beat.is_due(101 + QUEUED_WITHIN)


@given(st.integers(10, 1000), st.integers(0, 20))
def test_the_queue_of_a_library_stays_short(refresh: int, delay: int) -> None:
    """Milliseconds between its refreshes, and from an answer to the next update. It sends one at a time."""
    beat = UnwatchedBeat(0.0)
    queue: deque[int] = deque()
    sent_at: int | None = None  # it waits for the answer
    free_at = 0
    longest = 0
    for now in range(20_000):
        if now % refresh == 0:
            queue.append(now)
        if sent_at is None and queue and now >= free_at:
            queue.popleft()
            sent_at = now
        if sent_at is not None and beat.is_due(now / 1000):
            beat.answered(now / 1000)
            sent_at, free_at = None, now + min(delay, refresh // 2)
        longest = max(longest, len(queue))
    assert longest <= UNWATCHED_BEAT * 1000 / refresh + 1
