"""Stacks as flame graphs are made of them."""

import asyncio
import sys

from bench.glass.profiler import hottest, stack_of


def test_a_stack_begins_outside_and_ends_with_a_line() -> None:
    def inner() -> list[str]:
        return stack_of(sys._getframe())

    *outer, last = inner()
    name, _, line = last.rpartition(":")
    assert name.endswith("test_a_stack_begins_outside_and_ends_with_a_line.<locals>.inner")
    assert int(line) > 0
    assert outer[-1].endswith("test_a_stack_begins_outside_and_ends_with_a_line")
    assert ":" not in "".join(outer)


def test_nothing_runs() -> None:
    assert stack_of(None) == []


def test_how_the_loop_was_reached_is_left_out() -> None:
    async def inside() -> list[str]:
        return stack_of(sys._getframe())

    stack = asyncio.run(inside())
    assert stack[0].startswith("asyncio.events.")
    assert "inside" in stack[-1]


def test_hottest() -> None:
    folded = "a;b;c:1 60\na;c:1 15\na;d:2 25\n"
    assert hottest(folded, 2) == [(75.0, "c:1"), (25.0, "d:2")]
    assert hottest("", 2) == []
