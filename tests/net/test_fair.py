"""Shares of the loop: by the order of turns and the seconds charged, on a clock that only work moves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest

from pyrdpmux.net.fair import CREDIT_SECONDS, SLICE_SECONDS, FairSchedule, Kind, LoopShare


class Clock:
    """Time passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def run(scenario: Callable[[FairSchedule, Clock], Awaitable[None]]) -> None:
    async def bounded() -> None:
        clock = Clock()
        async with asyncio.timeout(10):
            await scenario(FairSchedule(clock), clock)

    asyncio.run(bounded())


def steps(clock: Clock, seconds: float, count: int, log: list[str], name: str) -> Iterator[None]:
    for _ in range(count):
        clock.now += seconds
        log.append(name)
        yield


def test_a_slice_ends_and_another_source_is_next() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        log: list[str] = []
        one, two = schedule.share(Kind.GUEST, "one"), schedule.share(Kind.GUEST, "two")
        half = SLICE_SECONDS / 2
        await asyncio.gather(
            one.work(steps(clock, half, 8, log, "1")), two.work(steps(clock, half, 8, log, "2"))
        )
        assert "".join(log) == "1122" * 4

    run(scenario)


def test_work_that_nobody_waits_for_is_done_at_once() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        log: list[str] = []
        one, two = schedule.share(Kind.GUEST, "one"), schedule.share(Kind.VIEWER, "two")
        half = SLICE_SECONDS / 2
        assert one.work_at_once(steps(clock, 0.8 * half, 2, log, "1"))
        assert log == ["1", "1"]
        assert one.worked == pytest.approx(1.6 * half)
        assert not two.work_at_once(steps(clock, half, 1, log, "2")), "the loop polls before the next turn"
        await asyncio.sleep(0)
        rest = steps(clock, half, 5, log, "2")
        assert not two.work_at_once(rest)
        assert log[2:] == ["2", "2"], "a slice, and no more"
        await asyncio.gather(two.work(rest), one.work(steps(clock, half, 1, log, "1")))
        assert log.count("2") == 5

    run(scenario)


def test_nobody_works_at_once_while_others_wait_or_work() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        log: list[str] = []
        one, two = schedule.share(Kind.GUEST, "one"), schedule.share(Kind.GUEST, "two")
        async with one.turn():
            assert not two.work_at_once(steps(clock, 1.0, 1, log, "2"))
            waiting = asyncio.get_running_loop().create_task(one.work(steps(clock, 1.0, 1, log, "1")))
            await asyncio.sleep(0)
        assert not two.work_at_once(steps(clock, 1.0, 1, log, "2"))
        await waiting
        assert log == ["1"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        two.work_at_once(steps(clock, 1.0, 1, log, "2"))
        assert log == ["1", "2"], "when all is done"

    run(scenario)


def test_a_step_that_is_too_long_is_paid_for() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        log: list[str] = []
        slow, quick = schedule.share(Kind.GUEST, "slow"), schedule.share(Kind.GUEST, "quick")
        await asyncio.gather(
            slow.work(steps(clock, 5 * SLICE_SECONDS, 4, log, "S")),
            quick.work(steps(clock, SLICE_SECONDS, 20, log, "q")),
        )
        text = "".join(log)
        assert text.startswith("Sqqqq"), "five times as long: five turns of the other"
        assert abs(slow.worked - quick.worked) < 1e-9
        assert slow.longest == pytest.approx(5 * SLICE_SECONDS)

    run(scenario)


def test_many_sources_of_a_kind_weigh_no_more_than_one() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        log: list[str] = []
        strangers = [schedule.share(Kind.STRANGER, f"network {n}") for n in range(50)]
        viewer = schedule.share(Kind.VIEWER, "alice")
        work = [stranger.work(steps(clock, SLICE_SECONDS, 20, log, "s")) for stranger in strangers]
        await asyncio.gather(*work, viewer.work(steps(clock, SLICE_SECONDS, 40, log, "V")))
        until_done = log[: len(log) - log[::-1].index("V")]
        share = until_done.count("V") / len(until_done)
        assert share > 0.75, f"the viewer had {share:.0%}, four fifths are its weight"

    run(scenario)


def test_who_rests_is_served_at_once_but_saves_nothing_up() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        log: list[str] = []
        busy, idle = schedule.share(Kind.GUEST, "busy"), schedule.share(Kind.GUEST, "idle")
        await busy.work(steps(clock, SLICE_SECONDS, 100, log, "b"))
        log.clear()
        await asyncio.gather(
            busy.work(steps(clock, SLICE_SECONDS, 30, log, "b")),
            idle.work(steps(clock, SLICE_SECONDS, 30, log, "i")),
        )
        head = "".join(log[:10])
        burst = int(CREDIT_SECONDS / SLICE_SECONDS) + 2
        assert "i" in head[:2]
        assert "i" * (burst + 1) not in head, head

    run(scenario)


def test_the_loop_is_polled_between_turns() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        log: list[str] = []
        source = schedule.share(Kind.VIEWER, "v")
        task = loop.create_task(source.work(steps(clock, SLICE_SECONDS, 50, log, "w")))

        def other() -> None:
            log.append(".")
            if not task.done():
                loop.call_soon(other)

        loop.call_soon(other)
        await task
        assert "www" not in "".join(log)

    run(scenario)


def test_a_waiter_that_is_cancelled_hands_its_turn_on() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        log: list[str] = []
        one, two = schedule.share(Kind.GUEST, "one"), schedule.share(Kind.GUEST, "two")
        async with one.turn():
            waits = loop.create_task(two.work(steps(clock, 0.0, 1, log, "x")))
            other = loop.create_task(one.work(steps(clock, 0.0, 1, log, "y")))
            await asyncio.sleep(0)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        await other
        assert log[-1] == "y"

    run(scenario)


def test_a_turn_that_fails_is_charged_and_ends() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        source = schedule.share(Kind.BUS, "caller")

        def fails() -> Iterator[None]:
            clock.now += 1
            yield
            raise ValueError

        with pytest.raises(ValueError):
            await source.work(fails())
        assert source.worked == 1
        async with source.turn() as turn:
            assert not turn.is_over

    run(scenario)


def test_figures() -> None:
    async def scenario(schedule: FairSchedule, clock: Clock) -> None:
        def source(name: str) -> LoopShare:
            return schedule.share(Kind.GUEST, name)

        first, second = source("first"), source("second")
        async with first.turn():
            clock.now += 1
        async with second.turn():
            clock.now += 2
        first.close()
        first.close()
        second.close()
        third = source("third")
        async with third.turn():
            clock.now += 4
        told = {figures.name: figures for figures in schedule.snapshot()}
        assert (told["(ended)"].worked, told["(ended)"].turns, told["(ended)"].longest) == (3, 2, 2)
        assert (told["third"].kind, told["third"].worked, told["third"].waiting) == ("guest", 4, 0)

    run(scenario)
