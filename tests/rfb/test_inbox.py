"""Received bytes: in order, whatever is put in and taken out in between."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.rfb.inbox import CAPACITY, Inbox

SIZES = st.integers(0, 3 * CAPACITY // 2)


def numbered(start: int, size: int) -> bytes:
    """Bytes that tell where they are, in a cycle that fits nothing."""
    cycle = bytes(range(251))
    return (cycle * (size // 251 + 2))[start % 251 :][:size]


@given(st.lists(st.tuples(SIZES, SIZES), max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_queue(turns: list[tuple[int, int]]) -> None:
    inbox = Inbox()
    put = taken = 0
    for size, wanted in turns:
        room = inbox.room(size + 10)
        assert len(room) == size + 10
        room[:size] = numbered(put, size)
        inbox.filled(size)
        put += size
        assert len(inbox) == put - taken
        wanted = min(wanted, len(inbox))
        assert inbox.take(wanted) == numbered(taken, wanted)
        taken += wanted
    assert inbox.clear() == numbered(taken, put - taken)


def test_what_is_lent_is_not_copied() -> None:
    inbox = Inbox()
    inbox.append(b"abcdef")
    lent, taken = inbox.lend(3), inbox.take(3)
    inbox.append(b"ghijkl")
    assert bytes(lent) == b"ghi", "the place is used again"
    assert taken == b"def"


@pytest.mark.parametrize("rest", [0, 5])
def test_memory_is_given_back_if_nothing_lies_in_it(rest: int) -> None:
    inbox = Inbox()
    inbox.append(bytes(4 * CAPACITY) + b"x" * rest)
    inbox.take(4 * CAPACITY)
    inbox.shrink()
    assert len(inbox._memory) == (CAPACITY if not rest else 4 * CAPACITY + rest)
    assert inbox.clear() == b"x" * rest


def test_memory_grows_by_what_is_waited_for() -> None:
    """Many small reads do not copy what has come each time."""
    inbox = Inbox()
    memories = set()
    for _ in range(1000):
        inbox.append(bytes(1000))
        memories.add(len(inbox._memory))
    assert len(memories) < 10
    assert len(inbox) == 1_000_000
