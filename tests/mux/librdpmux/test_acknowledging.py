"""Acknowledgements that no picture is shown for, with time handed in."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.mux.librdpmux.acknowledging import (
    KEEP_ALIVE,
    MAX_BEATS,
    MERGED,
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


def test_who_has_a_queue_is_answered_at_once_after_a_beat() -> None:
    beat = UnwatchedBeat(100.0)
    now = 101.0
    for _ in range(3):
        assert not beat.is_due(now)
        now += UNWATCHED_BEAT
        beat.answered(now)
        for _ in range(MERGED + 1):
            now += QUEUED_WITHIN / 2
            assert beat.is_due(now)
            beat.answered(now)
        now += QUEUED_WITHIN


def test_who_has_none_waits_for_some_beats_until_the_next_look() -> None:
    beat = UnwatchedBeat(100.0)
    now = 101.0
    for beats in (1, MAX_BEATS, MAX_BEATS):
        for _ in range(beats):
            assert not beat.is_due(now), beats
            now += UNWATCHED_BEAT
            beat.answered(now)
            now += QUEUED_WITHIN / 2
        for _ in range(MERGED):
            assert beat.is_due(now)
            beat.answered(now)
        now += 2 * QUEUED_WITHIN


def longest_queue(refreshes: Callable[[int], bool], delay: int) -> int:
    """Of a C library, which sends an update at a time, so many milliseconds after an answer."""
    beat = UnwatchedBeat(0.0)
    is_waiting = False
    queue = free_at = longest = 0
    for now in range(20_000):
        queue += refreshes(now)
        if not is_waiting and queue and now >= free_at:
            queue -= 1
            is_waiting = True
        if is_waiting and beat.is_due(now / 1000):
            beat.answered(now / 1000)
            is_waiting, free_at = False, now + delay
        longest = max(longest, queue)
    return longest


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 1000), st.integers(0, 10))
def test_the_queue_of_a_library_stays_short(interval: int, delay: int) -> None:
    longest = longest_queue(lambda now: now % interval == 0, delay)
    assert longest <= max(UNWATCHED_BEAT * 1000 / interval, MAX_BEATS * MERGED) + 1


def test_also_if_it_begins_to_paint_more() -> None:
    longest = longest_queue(lambda now: now % (1000 if now < 8200 else 30) == 0, 1)
    assert longest <= MAX_BEATS * UNWATCHED_BEAT * 1000 / 30 + 1
