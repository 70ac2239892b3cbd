"""Who shares a stream, who leaves it and comes back, and what is left when nobody looks."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any, cast

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.mux.streaming import streams as streams_module
from pyrdpmux.mux.streaming.live_stream import LiveStream
from pyrdpmux.mux.streaming.streams import (
    ALIKE,
    APART_SECONDS,
    GATHER_SECONDS,
    MAX_APART_SECONDS,
    WIDE,
    Streams,
)
from pyrdpmux.mux.streaming.turns import PATIENCE
from tests.mux.streaming.seats import (
    SIZE,
    FakeSeat,
    FakeTarget,
    InlineWorkers,
    paint,
    pixels,
    shown_display,
    stream,
)
from tests.mux.support.virtual_time import run, turns

GATHERED = GATHER_SECONDS + 0.01


class House:
    """A display and its streams."""

    def __init__(self) -> None:
        self.display = shown_display()
        self.workers = InlineWorkers()
        self.streams = Streams(self.display, self.workers.as_pool(), "vm")

    def enter(self, key: str = "", size: tuple[int, int] = SIZE) -> FakeSeat:
        seat = FakeSeat()
        self.streams.enter(seat, stream(key, size))
        return seat

    async def shared(self, count: int = 2) -> list[FakeSeat]:
        """As many seats, in one stream."""
        seats = [self.enter() for _ in range(count)]
        await asyncio.sleep(GATHERED * (count - 1))
        await turns()
        [live] = self.streams.live
        assert set(live.seats) == set(seats)
        self.change(99)
        await turns()
        return seats

    def live(self, seat: FakeSeat) -> LiveStream:
        found = self.streams.stream_of(seat)
        assert found is not None
        return found

    def change(self, seed: int = 1) -> None:
        paint(self.display, Rect(8, 8, 8, 1), seed)


async def tasks() -> list[str]:
    await turns()
    names = [task.get_name() for task in asyncio.all_tasks()]
    return [name for name in names if "vm" in name]


# -- each by itself ----------------------------------------------------------------------------------


def test_everybody_begins_alone_and_is_told_of_changes() -> None:
    async def scenario() -> None:
        house = House()
        one, two = house.enter("a"), house.enter("b")
        await turns()
        assert house.live(one) is not house.live(two)
        house.change()
        await turns()
        assert (len(one.frames), len(two.frames)) == (2, 2)
        house.display.cover("vm", "paused")
        await turns()
        assert (len(one.frames), len(two.frames)) == (3, 3)

    run(scenario)


def test_who_is_not_ready_is_woken() -> None:
    async def scenario() -> None:
        house = House()
        seat = house.enter()
        seat.ready = None
        await asyncio.sleep(1)
        assert seat.frames == []
        seat.ready = 0.0
        house.streams.wake(seat)
        await turns()
        assert len(seat.frames) == 1
        house.streams.wake(FakeSeat())
        house.streams.refresh(FakeSeat(), [Rect(0, 0, 9, 9)])

    run(scenario)


def test_to_enter_again_is_to_begin_anew() -> None:
    async def scenario() -> None:
        house = House()
        seat = house.enter()
        await turns()
        first = house.live(seat)
        house.workers.gate.clear()
        house.change()
        await turns()
        again = stream()
        house.streams.enter(seat, again)
        house.workers.gate.set()
        await turns()
        assert house.live(seat).stream is again
        assert house.live(seat) is not first
        assert len(seat.frames) == 2, "what the old one was computing is not sent"
        assert await tasks() == ["stream of vm"]

    run(scenario)


def test_nothing_is_left_when_nobody_looks() -> None:
    """Neither tasks, nor timers, nor what the display knows: a list of VMs and its streams must go."""

    async def scenario() -> None:
        house = House()
        seats = [house.enter("a"), house.enter("b")]
        await turns()
        assert len(await tasks()) == 2
        for seat in seats:
            house.streams.leave(seat)
            house.streams.leave(seat)
        assert await tasks() == []
        house.change()
        assert house.streams.live == []
        left = [weakref.ref(thing) for thing in (house.streams, house.display, *seats)]
        house.display.close()
        gc.disable()
        try:
            del house, seats, seat
            await turns(2)
            assert [ref() for ref in left] == [None] * 4
        finally:
            gc.enable()

    run(scenario)


def test_memory_is_given_back_when_nobody_looks_any_more() -> None:
    async def scenario() -> None:
        house = House()
        one, two = await house.shared()
        house.streams.leave(one)
        assert house.workers.trims == 0
        house.streams.leave(two)
        house.streams.leave(two)
        assert house.workers.trims == 1

    run(scenario)


def test_what_is_being_computed_when_they_close_is_not_waited_for() -> None:
    """Its task ends all the same: a loop that stops now would complain of it."""

    async def scenario() -> None:
        house = House()
        left, stays = house.enter("a"), house.enter("b")
        await turns()
        house.workers.gate.clear()
        house.change()
        await turns()
        house.streams.leave(left)
        await house.streams.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (len(left.frames), len(stays.frames), stays.errors) == (1, 1, [])
        house.change(2)
        house.streams.leave(stays)

    run(scenario)


def test_who_was_there_and_comes_again_is_told_of_changes() -> None:
    async def scenario() -> None:
        house = House()
        seat = house.enter()
        await turns()
        house.streams.leave(seat)
        await turns()
        house.change()
        house.streams.enter(seat, stream())
        await turns()
        house.change(2)
        await turns()
        assert len(seat.frames) == 3

    run(scenario)


def test_streams_that_nobody_has_entered_keep_nothing() -> None:
    display = Display(Screen(*SIZE))
    streams = Streams(display, cast(Any, None), "vm")
    left = weakref.ref(display), weakref.ref(streams)
    display.close()
    gc.disable()
    try:
        del display, streams
        assert [ref() for ref in left] == [None, None]
    finally:
        gc.enable()


# -- together ----------------------------------------------------------------------------------------


def test_who_is_alike_and_keeps_up_shares_a_stream() -> None:
    async def scenario() -> None:
        house = House()
        seats = await house.shared(4)
        [live] = house.streams.live
        jobs = house.workers.jobs
        house.change()
        await turns()
        assert house.workers.jobs == jobs + 1
        assert len({id(seat.frames[-1]) for seat in seats}) == 1
        assert cast(FakeTarget, live.stream.target).epochs == 2, "two at a time"
        assert await tasks() == ["stream of vm"]
        house.workers.jobs = 0
        await asyncio.sleep(60)
        assert house.workers.jobs == 0, "nothing is gathered any more"

    run(scenario)


@pytest.mark.parametrize(
    "apart",
    [
        lambda house: house.enter("of another kind"),
        lambda house: _with(house.enter(), is_close=False),
        lambda house: _with(house.enter(), ready=None),
        lambda house: house.enter(size=(64, 64)),
    ],
    ids=["another kind", "does not keep up", "has not been sent anything", "another size"],
)
def test_who_is_not_stays_alone(apart: Callable[[House], FakeSeat]) -> None:
    async def scenario() -> None:
        house = House()
        one, other = house.enter(), apart(house)
        await asyncio.sleep(10)
        assert house.live(one) is not house.live(other)
        assert all(len(live.seats) == 1 for live in house.streams.live)

    run(scenario)


def _with(seat: FakeSeat, **changes: object) -> FakeSeat:
    for name, value in changes.items():
        setattr(seat, name, value)
    return seat


def test_who_keeps_up_later_comes_later() -> None:
    async def scenario() -> None:
        house = House()
        one, other = house.enter(), _with(house.enter(), is_close=False)
        await asyncio.sleep(10)
        other.is_close = True
        await asyncio.sleep(GATHERED)
        await turns()
        assert house.live(one) is house.live(other)

    run(scenario)


def test_who_falls_behind_leaves_and_comes_back() -> None:
    async def scenario() -> None:
        house = House()
        quick, slow = await house.shared()
        slow.ready, slow.is_close = None, False
        house.change()
        await asyncio.sleep(PATIENCE)
        await turns()
        assert house.live(quick) is not house.live(slow)
        frames = len(slow.frames)
        for seed in range(2, 9):
            house.change(seed)
            await turns()
        assert len(slow.frames) == frames, "nothing is computed for who cannot be sent it"
        slow.ready, slow.is_close = 0.0, True
        house.streams.wake(slow)
        await turns()
        assert len(slow.frames) == frames + 1
        await asyncio.sleep(APART_SECONDS - 1)
        assert house.live(quick) is not house.live(slow), "each coming costs the others something"
        await asyncio.sleep(1 + GATHERED)
        await turns()
        assert house.live(quick) is house.live(slow)
        assert await tasks() == ["stream of vm"]

    run(scenario)


def test_who_falls_behind_again_stays_away_for_longer() -> None:
    """And begins anew once it has kept up for long."""

    async def scenario() -> None:
        house = House()
        quick, slow = await house.shared()

        async def seconds_apart() -> float:
            slow.ready = None
            house.change()
            await asyncio.sleep(PATIENCE)
            await turns()
            assert house.live(quick) is not house.live(slow)
            slow.ready = 0.0
            house.streams.wake(slow)
            for tenths in range(10 * int(2 * MAX_APART_SECONDS)):
                if house.live(quick) is house.live(slow):
                    return tenths / 10
                await asyncio.sleep(0.1)
            raise AssertionError("does not come back")

        times = [await seconds_apart() for _ in range(6)]
        wanted = [min(APART_SECONDS * 2**number, MAX_APART_SECONDS) for number in range(6)]
        assert times == pytest.approx(wanted, abs=GATHERED + 0.1)
        await asyncio.sleep(MAX_APART_SECONDS)
        assert await seconds_apart() == pytest.approx(APART_SECONDS, abs=GATHERED + 0.1)

    run(scenario)


@pytest.mark.parametrize(
    ("rooms", "shares"),
    [
        ((WIDE, 100 * WIDE), True),
        ((WIDE // ALIKE, WIDE), True),
        ((WIDE // ALIKE - 1, WIDE), False),
        ((10_000, 10_000 * ALIKE), True),
        ((10_000, 10_000 * ALIKE + 1), False),
    ],
)
def test_who_has_a_far_narrower_link_stays_alone(rooms: tuple[int, int], shares: bool) -> None:
    """All are sent no more than the narrowest takes."""

    async def scenario() -> None:
        house = House()
        one, other = (_with(house.enter(), most=room) for room in rooms)
        await asyncio.sleep(10)
        assert (house.live(one) is house.live(other)) == shares

    run(scenario)


def test_streams_that_are_busy_all_the_time_become_one() -> None:
    async def scenario() -> None:
        house = House()
        one, other = house.enter(), house.enter()
        for seed in range(2000):
            house.change(seed)
            await asyncio.sleep(0.001)
        assert house.live(one) is house.live(other)

    run(scenario)


def test_who_asks_again_is_alone_for_a_while() -> None:
    async def scenario() -> None:
        house = House()
        asks, other = await house.shared()
        before = len(other.frames)
        house.streams.refresh(asks, [Rect(0, 0, *SIZE)])
        await turns()
        assert pixels(asks.frames[-1]) == SIZE[0] * SIZE[1]
        assert len(other.frames) == before
        await asyncio.sleep(APART_SECONDS + GATHERED)
        await turns()
        assert house.live(asks) is house.live(other)

    run(scenario)


# -- what may happen while two become one ------------------------------------------------------------


class Meeting(House):
    """Two streams that are about to become one: it is being computed."""

    def __init__(self) -> None:
        super().__init__()
        self.host, self.guest = self.enter(), self.enter()

    async def begin(self) -> None:
        await turns()
        self.workers.gate.clear()
        self.before = len(self.host.frames), len(self.guest.frames)
        await asyncio.sleep(GATHERED)
        await turns()
        # The sort is stable: the first one is the host.
        assert self.live(self.host).lock.locked()
        assert self.live(self.guest).lock.locked()

    async def end(self) -> None:
        self.workers.gate.set()
        await turns()


def test_meanwhile_nothing_else_is_sent() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        meeting.change()
        await turns()
        assert (len(meeting.host.frames), len(meeting.guest.frames)) == meeting.before
        await meeting.end()
        assert meeting.guest.frames[-2].output == "adapted"
        assert meeting.host.frames[-1] is meeting.guest.frames[-1], "the change, to both"
        assert len(meeting.host.frames) == meeting.before[0] + 1

    run(scenario)


def test_meanwhile_the_guest_may_leave() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        meeting.streams.leave(meeting.guest)
        await meeting.end()
        assert meeting.streams.stream_of(meeting.guest) is None
        assert list(meeting.live(meeting.host).seats) == [meeting.host]
        meeting.change()
        await turns()
        assert len(meeting.host.frames) == meeting.before[0] + 1
        assert len(meeting.guest.frames) == meeting.before[1]
        assert await tasks() == ["stream of vm"]

    run(scenario)


def test_meanwhile_the_host_may_leave() -> None:
    """Its stream goes on for who has come."""

    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        host = meeting.live(meeting.host)
        meeting.streams.leave(meeting.host)
        await turns()
        await meeting.end()
        assert meeting.live(meeting.guest) is host
        meeting.change()
        await turns()
        assert meeting.guest.frames[-1].commands
        assert await tasks() == ["stream of vm"]

    run(scenario)


def test_meanwhile_both_may_leave() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        meeting.streams.leave(meeting.host)
        meeting.streams.leave(meeting.guest)
        await meeting.end()
        assert await tasks() == []
        assert meeting.streams.live == []

    run(scenario)


def test_meanwhile_they_may_close() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        await meeting.streams.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (len(meeting.host.frames), len(meeting.guest.frames)) == meeting.before

    run(scenario)


def test_meanwhile_the_guest_may_begin_anew() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        again = stream()
        meeting.streams.enter(meeting.guest, again)
        await meeting.end()
        assert meeting.live(meeting.guest).stream is again
        assert list(meeting.live(meeting.host).seats) == [meeting.host]
        assert "adapted" not in [frame.output for frame in meeting.guest.frames]

    run(scenario)


def test_meanwhile_the_size_may_change() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        meeting.display.screen.resize(64, 64)
        await meeting.end()
        for seat in (meeting.host, meeting.guest):
            meeting.streams.enter(seat, stream(size=(64, 64)))
        await turns()
        assert meeting.host.frames[-1].commands
        assert len(await tasks()) == 2

    run(scenario)


def test_meanwhile_somebody_may_ask_again() -> None:
    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        meeting.streams.refresh(meeting.guest, [Rect(0, 0, *SIZE)])
        await meeting.end()
        assert pixels(meeting.guest.frames[-1]) == 256 * 128

    run(scenario)


def test_a_stream_joins_one_other_at_a_time() -> None:
    """However long that takes."""

    async def scenario() -> None:
        house = House()
        seats = [house.enter() for _ in range(3)]
        await turns()
        house.workers.gate.clear()
        house.change()  # so that the joining has to wait for locks
        await asyncio.sleep(20 * GATHER_SECONDS)
        house.workers.gate.set()
        await asyncio.sleep(4 * GATHER_SECONDS)
        await turns()
        [live] = house.streams.live
        assert set(live.seats) == set(seats)
        assert await tasks() == ["stream of vm"]

    run(scenario)


def test_a_mistake_reaches_all_of_both(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(streams_module, "join", fail)

    async def scenario() -> None:
        meeting = Meeting()
        await meeting.begin()
        await meeting.end()
        assert [str(*seat.errors) for seat in (meeting.host, meeting.guest)] == ["a bug"] * 2
        assert await tasks() == []
        assert meeting.streams.live == []
        meeting.streams.leave(meeting.host)

    run(scenario)
    assert "The streams of vm" in caplog.text
