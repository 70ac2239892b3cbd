import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from pyrdpmux.net.descriptors import RESERVE, has_room_for, limit, raise_limit, reserved


@contextmanager
def soft_limit(value: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (value, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize(("value", "kept"), [(400, 100), (1024, RESERVE), (4096, RESERVE)])
def test_a_part_is_kept(value: int, kept: int) -> None:
    with soft_limit(value):
        assert (limit(), reserved()) == (value, kept)


def test_room_is_what_is_below_the_reserve() -> None:
    with ExitStack() as stack:
        stack.enter_context(soft_limit(400))
        before = len(os.listdir("/proc/self/fd"))
        assert has_room_for(50)
        assert not has_room_for(300)
        while has_room_for(1):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        in_use = len(os.listdir("/proc/self/fd")) - 1
        assert 290 <= in_use <= 300, "all below the line"
        for _ in range(99):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        assert not has_room_for(1)
        stack.pop_all().close()
    assert len(os.listdir("/proc/self/fd")) == before, "and it leaves nothing open"


def test_the_limit_is_raised_as_far_as_allowed() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with soft_limit(min(512, hard)):
        assert raise_limit() == hard
