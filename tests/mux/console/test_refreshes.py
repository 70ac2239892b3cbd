"""What a client asks for again costs what it may cost, and nothing is lost."""

import asyncio

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.console.refreshes import (
    MAX_REFRESHED,
    REFRESHES_AT_ONCE,
    REFRESHES_PER_SECOND,
    Refreshes,
)
from tests.mux.support.virtual_time import run

SIZE = (1024, 768)
EVERYTHING = Rect(0, 0, *SIZE)
PIECES = [Rect(x, y, 64, 64) for y in range(0, 768, 64) for x in range(0, 1024, 64)]


class Bench:
    def __init__(self) -> None:
        self.answers: list[tuple[Rect, ...]] = []
        self.refreshes = Refreshes(asyncio.get_running_loop())

    def ask(self, *rects: Rect) -> None:
        self.refreshes.ask(rects, SIZE, lambda found: self.answers.append(tuple(found)))

    @property
    def pixels(self) -> int:
        return sum(rect.pixels for answer in self.answers for rect in answer)


def timers() -> int:
    loop = asyncio.get_running_loop()
    return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]


def test_few_are_answered_as_they_are_and_many_as_one() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.ask(Rect(0, 0, 8, 8), Rect(900, 700, 8, 8), Rect(5000, 0, 9, 9), Rect(3, 3, 0, 0))
        assert bench.answers == [(Rect(0, 0, 8, 8), Rect(900, 700, 8, 8))]
        bench.ask(*[Rect(64 * n, 0, 8, 8) for n in range(MAX_REFRESHED + 1)])
        assert bench.answers[1:] == [(Rect(0, 0, 64 * MAX_REFRESHED + 8, 8),)]
        bench.ask(Rect(5000, 0, 9, 9))
        bench.ask()
        assert len(bench.answers) == 2

    run(scenario)


def test_a_flood_costs_a_few_pictures_and_one_timer() -> None:
    async def scenario() -> None:
        bench = Bench()
        before = timers()
        for _ in range(200):
            bench.ask(*PIECES)
        assert bench.pixels == REFRESHES_AT_ONCE * EVERYTHING.pixels
        assert timers() == before + 1
        await asyncio.sleep(1.01 / REFRESHES_PER_SECOND)
        assert bench.pixels == (REFRESHES_AT_ONCE + 1) * EVERYTHING.pixels, "nothing is lost"
        await asyncio.sleep(60)
        assert len(bench.answers) == REFRESHES_AT_ONCE + 1, "nor answered twice"

    run(scenario)


def test_small_ones_are_cheap() -> None:
    async def scenario() -> None:
        bench = Bench()
        for _ in range(200):
            bench.ask(Rect(0, 0, 64, 64))
        assert len(bench.answers) == 200

    run(scenario)


def test_what_is_forgotten_has_been_paid_for() -> None:
    async def scenario() -> None:
        bench = Bench()
        for _ in range(10):
            bench.ask(EVERYTHING)
        bench.refreshes.forget()
        bench.refreshes.forget()
        await asyncio.sleep(0.1)
        answered = len(bench.answers)
        bench.ask(EVERYTHING)
        assert len(bench.answers) == answered
        await asyncio.sleep(60)
        assert len(bench.answers) == answered + 1

    run(scenario)
