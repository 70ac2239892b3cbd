"""What a viewer's user does: nothing lost, joined where only the last counts, within budget and turns."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from pyrdpmux.mux.console.viewer_input import (
    BATCH,
    EVENTS_AT_ONCE,
    EVENTS_PER_SECOND,
    TOLD_AT_ONCE,
    TOLD_PER_SECOND,
    ViewerInput,
)
from pyrdpmux.net.fair import SLICE_SECONDS, Turn
from pyrdpmux.rdp.pdu.input import (
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    PointerFlags,
    SynchronizeEvent,
    ToggleFlags,
)

MOVE = PointerFlags.MOVE
CLICK = PointerFlags.BUTTON1 | PointerFlags.DOWN


class Machine:
    """A clock that only work and sleep move, and who was told what in which turn."""

    def __init__(self, seconds_per_batch: float = 0.0) -> None:
        self.now = 50.0
        self.turns: list[list[InputEvent]] = []
        self.slept = 0.0
        self.input = ViewerInput(lambda: self.now, self.sleep)
        self._seconds = seconds_per_batch

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        self.turns.append([])
        yield Turn(lambda: self.now)

    def apply(self, events: Sequence[InputEvent]) -> None:
        self.now += self._seconds
        self.turns[-1] += events

    async def work_off(self) -> None:
        await self.input.work_off(self.turn, self.apply)

    @property
    def told(self) -> list[InputEvent]:
        return [event for turn in self.turns for event in turn]


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 10))


def keys(count: int) -> list[InputEvent]:
    return [KeyboardEvent(KeyboardFlags.RELEASE if n % 2 else KeyboardFlags(0), 0x1E) for n in range(count)]


def test_motion_and_locks_are_joined_and_nothing_else() -> None:
    async def scenario() -> None:
        made = Machine()
        made.input.add(
            [
                *[MouseEvent(MOVE, n, n) for n in range(500)],
                MouseEvent(CLICK, 499, 499),
                MouseEvent(MOVE, 1, 1),
                *keys(4),
                *[SynchronizeEvent(ToggleFlags(n & 7)) for n in range(300)],
            ]
        )
        made.input.add([SynchronizeEvent(ToggleFlags.CAPS_LOCK)])
        await made.work_off()
        assert made.told == [
            MouseEvent(MOVE, 0, 0),  # against which a guest without a tablet is told of motion
            MouseEvent(MOVE, 499, 499),
            MouseEvent(CLICK, 499, 499),
            MouseEvent(MOVE, 1, 1),
            *keys(4),
            SynchronizeEvent(ToggleFlags.CAPS_LOCK),
        ]

    run(scenario)


def test_a_burst_is_handed_on_in_turns() -> None:
    """Each turn ends when its time is used up, after one batch at most."""

    async def scenario() -> None:
        made = Machine(SLICE_SECONDS)
        events = keys(200)
        made.input.add(events)
        await made.work_off()
        assert made.told == events
        assert max(len(turn) for turn in made.turns) <= BATCH

    run(scenario)


def test_beyond_its_budget_a_viewer_waits_and_loses_nothing() -> None:
    async def scenario() -> None:
        made = Machine()
        events = keys(int(EVENTS_AT_ONCE) + 3000)
        made.input.add(events)
        await made.work_off()
        assert made.told == events
        assert abs(made.slept - 3000 / EVENTS_PER_SECOND) < 0.1
        assert len(made.input) == 0

    run(scenario)


def test_what_is_joined_or_dropped_has_been_read_all_the_same() -> None:
    async def scenario() -> None:
        made = Machine()
        for _ in range(100):
            made.input.charge(1000)
            made.input.add([MouseEvent(MOVE, n, n) for n in range(1000)])
            await made.work_off()
        assert abs(made.slept - (100_000 - TOLD_AT_ONCE) / TOLD_PER_SECOND) < 0.1
        assert made.input.is_slowed

    run(scenario)


def test_what_was_meant_for_another_vm_is_forgotten() -> None:
    async def scenario() -> None:
        made = Machine()
        made.input.add(keys(5))
        made.input.clear()
        await made.work_off()
        assert made.turns == []

    run(scenario)
