"""What is set aside from the garbage collector is not lost from sight."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from pyrdpmux.mux import collector


class Ring:
    """Freed by the collector only."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def is_seen(thing: object) -> bool:
    return any(other is thing for other in gc.get_objects())


def test_what_is_set_aside_is_seen_only_by_who_looks_at_everything() -> None:
    before = Ring()
    collector.set_aside()
    after = Ring()
    assert (is_seen(before), is_seen(after)) == (False, True)
    for _ in range(2):
        with collector.looking_at_everything():
            assert is_seen(before)
            assert is_seen(after)
        assert not is_seen(before)


def test_what_has_become_garbage_meanwhile_is_freed_by_who_looks_at_everything() -> None:
    ring = Ring()
    gone = weakref.ref(ring)
    collector.set_aside()
    del ring
    gc.collect()
    assert gone() is not None
    with collector.looking_at_everything():
        assert gone() is None


def test_nothing_is_set_aside_by_looking() -> None:
    with collector.looking_at_everything():
        pass
    assert gc.get_freeze_count() == 0
