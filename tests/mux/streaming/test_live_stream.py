"""One stream at work: when a frame is made, of what, and who gets it."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any, Final, cast

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import Abilities, Exact, Lossy
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.surface import WHOLE_SECONDS
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.streaming.live_stream import SPARE_SECONDS, LiveStream
from pyrdpmux.mux.streaming.seat import Seat
from pyrdpmux.mux.streaming.turns import BURDEN, PATIENCE, SLACK
from tests.graphics.drawings import photo
from tests.mux.streaming.seats import (
    SIZE,
    FakeSeat,
    FakeTarget,
    InlineWorkers,
    exact,
    paint,
    pixels,
    shown_display,
    stream,
)
from tests.mux.support.virtual_time import VirtualLoop, run, turns

EVERYTHING = Rect(0, 0, *SIZE)

PREPARING: Final = 1
"""Jobs of a stream behind its first picture that are no frames."""


class Bench:
    """A stream with its seats, at work."""

    def __init__(self, *seats: FakeSeat, made: Stream[Any] | None = None) -> None:
        self.display = shown_display()
        self.workers = InlineWorkers()
        self.alone = alone = list[tuple[Seat, Stream[Any]]]()

        def goes_alone(live: LiveStream, seat: Seat, copied: Stream[Any]) -> None:
            del live.seats[seat]
            alone.append((seat, copied))

        self.live = LiveStream(self.display, made or stream(), self.workers.as_pool(), "vm", goes_alone)
        self.live.seats |= dict.fromkeys(seats)
        self._loop = asyncio.get_running_loop()
        self.task = self._loop.create_task(self.live.run())

    def change(self, seed: int = 1) -> None:
        """Eight pixels in a row."""
        paint(self.display, Rect(8, 8, 8, 1), seed)
        self.live.changed()

    async def end(self) -> None:
        self.live.seats.clear()
        self.live.left()
        await turns()
        assert self.task.done()
        self.task.result()


def test_there_is_one_frame_per_change_and_none_without() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        await turns()
        assert len(seat.frames) == 1, "the first picture"
        await asyncio.sleep(10)
        assert len(seat.frames) == 1
        assert bench.workers.jobs == 1 + PREPARING
        for seed in range(1, 5):
            bench.change(seed)
            await turns()
            assert exact(seat.frames[-1]) == [Rect(8, 8, 8, 1)]
        assert len(seat.frames) == 5
        bench.live.changed()
        await turns()
        assert len(seat.frames) == 5, "nothing looks different"
        await bench.end()

    run(scenario)


def test_changes_that_come_while_nobody_can_be_sent_anything_are_one_frame() -> None:
    """And nothing is computed meanwhile."""

    async def scenario() -> None:
        seat = FakeSeat(ready=None)
        bench = Bench(seat)
        for seed in range(1, 9):
            bench.change(seed)
            await asyncio.sleep(0.1)
        assert bench.workers.jobs == 0
        seat.ready = 0.0
        bench.live.wake()
        await turns()
        assert bench.workers.jobs - PREPARING == len(seat.frames) == 1
        await bench.end()

    run(scenario)


def test_what_takes_long_the_first_time_is_done_behind_the_first_picture() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        target = cast(FakeTarget, bench.live.stream.target)
        while not seat.frames:
            assert not target.is_prepared
            await asyncio.sleep(0)
        await turns()
        assert target.is_prepared
        await bench.end()

    run(scenario)


def test_a_frame_is_sent_when_its_seat_is_ready_and_not_before() -> None:
    async def scenario() -> None:
        seat = FakeSeat(ready=100.75)
        bench = Bench(seat)
        await asyncio.sleep(1)
        assert seat.times == [pytest.approx(100.75)]
        await bench.end()

    run(scenario)


def test_an_acknowledgement_costs_nothing_while_there_is_nothing_to_send() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        await turns()
        asked = seat.asked
        for _ in range(5):
            bench.live.wake()
            await turns()
        assert seat.asked == asked
        seat.ready = None
        bench.change()
        await turns()
        asked = seat.asked
        bench.live.wake()
        await turns()
        assert seat.asked > asked, "now there is"
        await bench.end()

    run(scenario)


def test_an_acknowledgement_wakes() -> None:
    """It may have become ready sooner than it has said."""

    async def scenario() -> None:
        seat = FakeSeat(ready=107.0)
        bench = Bench(seat)
        await asyncio.sleep(0.25)
        seat.ready = 0.0
        bench.live.wake()
        await turns()
        assert seat.times == [pytest.approx(100.25)]
        await bench.end()

    run(scenario)


def test_what_changes_while_a_frame_is_computed_comes_with_the_next() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        bench.workers.gate.clear()
        await turns()
        bench.live.changed()
        bench.workers.gate.set()
        await turns()
        assert (bench.workers.jobs - PREPARING, len(seat.frames)) == (2, 1)
        await bench.end()

    run(scenario)


def test_who_is_painting_is_waited_for_a_little() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        await turns()
        loop, surface = asyncio.get_running_loop(), bench.display.surface
        surface.is_being_painted = True
        began = loop.time()
        bench.change()
        await asyncio.sleep(WHOLE_SECONDS / 2)
        assert len(seat.frames) == 1, "the first picture"
        surface.is_being_painted = False
        bench.change(2)
        await turns()
        assert seat.times[1:] == [began + WHOLE_SECONDS / 2], "as soon as it is told"
        surface.is_being_painted = True
        began = loop.time()
        for seed in range(3, 60):
            bench.change(seed)
            await asyncio.sleep(WHOLE_SECONDS / 30)
        assert seat.times[2] == pytest.approx(began + WHOLE_SECONDS), "no longer, however much is painted"
        seat.ready = None
        bench.change(60)
        await asyncio.sleep(1)
        seat.ready, began = 0.0, loop.time()
        bench.live.wake()
        await asyncio.sleep(1)
        assert seat.times[-1] == pytest.approx(began + WHOLE_SECONDS), "from when it could be sent"
        await bench.end()

    run(scenario)


def test_a_painter_is_told_until_the_picture_is_taken_over() -> None:
    """Also before a thread begins; whatever comes of it."""

    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        surface = bench.display.surface
        bench.workers.gate.clear()
        await turns()
        assert surface.readers == {bench.live.stream.planner}
        bench.workers.gate.set()
        await turns()
        assert len(seat.frames) == 1
        assert not surface.readers
        bench.workers.error = ZeroDivisionError()
        bench.change()
        await turns()
        assert seat.errors
        assert not surface.readers

    run(scenario)


# -- several seats -----------------------------------------------------------------------------------


def test_the_ready_wait_for_the_others_a_little() -> None:
    async def scenario() -> None:
        quick, slow = FakeSeat(), FakeSeat(ready=100 + PATIENCE / 2)
        bench = Bench(quick, slow)
        await asyncio.sleep(1)
        assert quick.times == slow.times == [pytest.approx(100 + PATIENCE / 2)]
        await bench.end()

    run(scenario)


class Full(FakeSeat):
    """Its socket is full: it says again and again that it will be ready soon."""

    def ready_at(self, now: float) -> float | None:
        return now + 0.005


@pytest.mark.parametrize(
    ("make", "frames"),
    [(lambda: FakeSeat(None), 0), (lambda: FakeSeat(200.0), BURDEN), (Full, BURDEN)],
    ids=["not Active", "not soon", "full"],
)
def test_the_ready_do_not_wait_longer_than_that(make: Callable[[], FakeSeat], frames: int) -> None:
    """Who holds up the others again and again goes alone, also while changes go on, each due at once."""

    async def scenario() -> None:
        quick, slow = FakeSeat(), make()
        bench = Bench(quick, slow)
        for seed in range(1, 1001):
            bench.change(seed)
            await asyncio.sleep(0.001)
        assert 100 + PATIENCE <= quick.times[0] <= 100.001 + SLACK
        assert [seat for seat, _ in bench.alone] == [slow]
        assert len(slow.frames) == frames, "whoever has a seat gets every message"
        alone = quick.times[frames:]
        assert len(alone) == pytest.approx(1000 * (101 - alone[0]), abs=3)
        await bench.end()

    run(scenario)


def test_who_is_far_behind_goes_on_with_a_copy() -> None:
    async def scenario() -> None:
        quick, slow = FakeSeat(), FakeSeat()
        bench = Bench(quick, slow)
        await turns()
        slow.ready = None
        bench.change()
        await asyncio.sleep(PATIENCE)
        await turns()
        [(seat, copied)] = bench.alone
        assert seat is slow
        assert copied is not bench.live.stream
        assert (copied.planner.main.words == bench.display.surface.words & 0xFFFFFF).sum() == 256 * 128 - 8
        assert (len(quick.frames), len(slow.frames)) == (2, 1), "the copy has what it was sent, and no more"
        bench.change(2)
        await turns()
        assert len(quick.frames) == 3, "without patience"
        await bench.end()

    run(scenario)


def test_who_is_left_is_shown_it_however_long_the_copy_takes() -> None:
    """Whoever is ready is not late, although it has been for long."""

    async def scenario() -> None:
        quick, slow = FakeSeat(), FakeSeat()
        bench = Bench(quick, slow)
        await turns()
        slow.ready = None
        bench.change()
        bench.workers.gate.clear()
        await asyncio.sleep(10 * SLACK)
        bench.workers.gate.set()
        await turns()
        assert [seat for seat, _ in bench.alone] == [slow]
        assert len(quick.frames) == 2
        await bench.end()

    run(scenario)


def test_the_last_one_is_not_sent_away() -> None:
    async def scenario() -> None:
        seats = [FakeSeat(), FakeSeat(ready=None), FakeSeat(ready=None)]
        bench = Bench(*seats)
        await asyncio.sleep(1)
        assert len(bench.alone) == 2
        assert len(bench.live.seats) == 1
        await bench.end()

    run(scenario)


class Impatient(FakeSeat):
    """Is not asked again and again."""

    def ready_at(self, now: float) -> float | None:
        self.spare -= 1
        assert self.spare > 0, "the loop is never let go of"
        return super().ready_at(now)


def test_who_stays_goes_on_however_long_the_copy_has_taken() -> None:
    async def scenario() -> None:
        quick, slow = Impatient(), FakeSeat()
        bench = Bench(quick, slow)
        await turns()
        slow.ready = None
        quick.spare = 100
        bench.workers.gate.clear()
        bench.change()
        await asyncio.sleep(PATIENCE + 2 * SLACK)
        bench.workers.gate.set()
        await turns(40)
        assert [seat for seat, _ in bench.alone] == [slow]
        assert (len(quick.frames), quick.errors) == (2, [])
        await bench.end()

    run(scenario)


def test_who_leaves_while_a_frame_is_computed_is_not_sent_it() -> None:
    async def scenario() -> None:
        stays, leaves = FakeSeat(), FakeSeat()
        bench = Bench(stays, leaves)
        bench.workers.gate.clear()
        await turns()
        del bench.live.seats[leaves]
        bench.workers.gate.set()
        await turns()
        assert (len(stays.frames), leaves.frames) == (1, [])
        await bench.end()

    run(scenario)


@pytest.mark.parametrize("takes_time", [True, False])
def test_who_leaves_while_another_is_sent_the_frame_is_not_sent_it(takes_time: bool) -> None:
    """It may have a seat in another stream by then."""

    async def scenario() -> None:
        first, second = FakeSeat(), FakeSeat()
        first.takes_time = takes_time
        bench = Bench(first, second)
        first.on_send = lambda: bench.live.seats.pop(second, None)
        await turns()
        assert (len(first.frames), second.frames) == (1, [])
        await bench.end()

    run(scenario)


@pytest.mark.parametrize("takes_time", [True, False])
def test_nobody_waits_until_another_has_been_sent_the_frame(takes_time: bool) -> None:
    async def scenario() -> None:
        slow, quick = FakeSeat(), FakeSeat()
        quick.takes_time = takes_time
        slow.gate = asyncio.Event()
        bench = Bench(slow, quick)
        await turns()
        assert (slow.frames, len(quick.frames)) == ([], 1)
        slow.gate.set()
        await turns()
        assert len(slow.frames) == 1
        await bench.end()

    run(scenario)


# -- again, and better -------------------------------------------------------------------------------


def test_what_somebody_alone_asks_for_is_sent_again() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        await turns()
        bench.live.refresh(seat, [Rect(16, 16, 32, 32)])
        await turns()
        assert exact(seat.frames[-1]) == [Rect(16, 16, 32, 32)]
        await bench.end()

    run(scenario)


def test_what_is_asked_for_while_a_frame_is_computed_comes_with_the_next() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        await turns()
        bench.workers.gate.clear()
        bench.change()
        await turns()
        bench.live.refresh(seat, [EVERYTHING])
        bench.workers.gate.set()
        await turns()
        first, change, again = seat.frames
        assert exact(change) == [Rect(8, 8, 8, 1)]
        assert pixels(again) == pixels(first) == EVERYTHING.pixels
        await bench.end()

    run(scenario)


def test_who_asks_again_does_not_bother_the_others() -> None:
    async def scenario() -> None:
        asks, other = FakeSeat(), FakeSeat()
        bench = Bench(asks, other)
        await turns()
        bench.live.refresh(asks, [Rect(0, 0, 64, 64)])
        await turns()
        [(seat, copied)] = bench.alone
        assert seat is asks
        frame = copied.render(bench.display.surface, 101.0)
        assert frame is not None
        assert exact(frame) == [Rect(0, 0, 64, 64)]
        assert len(other.frames) == 1
        await bench.end()

    run(scenario)


def lossy_stream() -> Stream[Any]:
    return stream(abilities=Abilities(has_lossy=True))


def resting_photo(bench: Bench) -> None:
    bench.display.screen.surface.words[...] = photo(*SIZE)
    bench.display.screen.surface.touch([EVERYTHING])
    bench.live.changed()


def test_what_rests_is_made_exact_as_links_have_it_to_spare() -> None:
    """No sooner; and without turning idly meanwhile."""

    async def scenario() -> None:
        rich, poor = FakeSeat(), FakeSeat()
        poor.spare = 0
        bench = Bench(rich, poor, made=lossy_stream())
        await turns()
        resting_photo(bench)
        await turns()
        assert any(isinstance(command, Lossy) for command in poor.frames[-1].commands)
        assert not poor.frames[-1].is_refinement
        jobs, frames = bench.workers.jobs, len(poor.frames)
        await asyncio.sleep(5)
        assert (bench.workers.jobs, len(poor.frames)) == (jobs, frames)
        poor.spare = 4096
        await asyncio.sleep(SPARE_SECONDS * 2)
        refined = poor.frames[frames:]
        assert refined
        assert all(frame.is_refinement for frame in refined)
        assert all(isinstance(command, Exact) for frame in refined for command in frame.commands)
        await asyncio.sleep(5)
        assert not bench.live.stream.planner.main.has_lossy
        await bench.end()

    run(scenario)


def test_links_are_not_asked_for_what_they_have_to_spare_where_nothing_rests() -> None:
    """A letter that is typed has nothing to be made exact beside it."""

    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat, made=lossy_stream())
        await turns()
        for seed in range(1, 9):
            bench.change(seed)
            await asyncio.sleep(0.1)
        assert len(seat.frames) > 8
        assert seat.asked_to_spare == 0
        resting_photo(bench)
        await asyncio.sleep(5)
        assert seat.asked_to_spare > 0
        await bench.end()

    run(scenario)


def test_who_takes_nothing_does_not_keep_others_from_what_is_made_exact() -> None:
    """It leaves, although nothing changes any more."""

    async def scenario() -> None:
        quick, stalled = FakeSeat(), FakeSeat()
        bench = Bench(quick, stalled, made=lossy_stream())
        await turns()
        stalled.spare = 0
        resting_photo(bench)
        await turns()
        stalled.ready = 1000.0
        await asyncio.sleep(5)
        assert [seat for seat, _ in bench.alone] == [stalled]
        assert not bench.live.stream.planner.main.has_lossy
        await bench.end()

    run(scenario)


# -- other pictures ----------------------------------------------------------------------------------


def test_another_size_is_not_shown_and_costs_nothing() -> None:
    """Also while something rests that is due: viewers come again, each with a stream of the new size."""

    async def scenario() -> None:
        seat = FakeSeat()
        seat.spare = 0
        bench = Bench(seat, made=lossy_stream())
        await turns()
        resting_photo(bench)
        await asyncio.sleep(5)
        seat.spare = 1 << 16
        jobs = bench.workers.jobs
        bench.display.screen.resize(300, 200)
        bench.live.changed()
        await asyncio.sleep(5)
        assert bench.workers.jobs == jobs
        bench.display.screen.resize(*SIZE)
        bench.live.changed()
        await turns()
        assert bench.workers.jobs == jobs + 1
        await bench.end()

    run(scenario)


def test_a_card_over_the_picture_is_shown_and_taken_away() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)

        def is_shown(display: Display) -> bool:
            return bool((bench.live.stream.planner.main.words == display.surface.words & 0xFFFFFF).all())

        await turns()
        bench.display.cover("vm", "paused")
        bench.live.changed()
        await turns()
        assert is_shown(bench.display)
        bench.change(5)
        bench.display.uncover()
        bench.live.changed()
        await turns()
        assert is_shown(bench.display)
        await bench.end()

    run(scenario)


# -- ends --------------------------------------------------------------------------------------------


def test_a_mistake_reaches_all(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        seats = [FakeSeat(), FakeSeat()]
        bench = Bench(*seats)
        bench.workers.error = ZeroDivisionError("a bug")
        await turns()
        assert bench.task.done()
        bench.task.result()
        assert [seat.errors for seat in seats] == [[bench.workers.error]] * 2
        assert not bench.live.seats

    run(scenario)
    assert "The picture of vm" in caplog.text


def test_it_ends_with_its_last_seat_and_nothing_is_kept() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        bench = Bench(seat)
        await turns()
        bench.change()
        bench.workers.gate.clear()
        await turns()
        bench.live.seats.clear()
        bench.live.wake()
        bench.workers.gate.set()
        await turns()
        assert bench.task.done()
        left = [weakref.ref(thing) for thing in (bench.live, bench.live.stream, seat, bench.display)]
        bench.display.close()
        gc.disable()
        try:
            del bench, seat
            await turns(2)
            assert [ref() for ref in left] == [None] * 4
        finally:
            gc.enable()

    run(scenario)


def test_it_knows_what_it_has_cost() -> None:
    async def scenario() -> None:
        bench = Bench(FakeSeat(), FakeSeat())
        await turns()
        bench.change()
        await turns()
        figures = bench.live.figures
        assert (figures.viewers, figures.work.frames, figures.way) == (2, 2, "fake")
        assert figures.work.steps["find"].count == 2
        assert figures.work.bytes >= 2
        assert figures.work.seconds == figures.latest_seconds == 0.0, "by the loop's clock, which stood still"
        await bench.end()

    run(scenario)


def test_what_a_link_does_not_take_at_once_comes_with_the_next_frames() -> None:
    """Of all that share a stream, the slowest link decides."""

    async def scenario() -> None:
        slow, fast = FakeSeat(), FakeSeat()
        slow.most = 10_000
        bench = Bench(slow, fast)
        await turns(200)
        assert len(slow.frames) > 4
        assert [frame.frame_id for frame in slow.frames] == [frame.frame_id for frame in fast.frames]
        assert not bench.live.stream.is_behind
        painted = [rect for frame in slow.frames for rect in exact(frame)]
        assert sum(rect.pixels for rect in painted) == EVERYTHING.pixels
        jobs = bench.workers.jobs
        await asyncio.sleep(10)
        assert bench.workers.jobs == jobs, "then nothing is left to do"
        await bench.end()

    run(scenario)


def test_frames_that_take_long_to_compute_may_be_as_long_on_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        made = stream()
        bench = Bench(seat, made=made)
        await turns()
        assert seat.apart == 0.0
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        render = made.render

        def slowly(*arguments: Any) -> Frame[Any] | None:
            loop.pass_by(0.5)
            return render(*arguments)

        monkeypatch.setattr(made, "render", slowly)
        for seed in range(20):
            bench.change(seed)
            await turns()
        assert seat.apart == pytest.approx(0.5, rel=0.05)
        await bench.end()

    run(scenario)


def test_what_is_left_waits_until_it_can_be_sent() -> None:
    async def scenario() -> None:
        seat = FakeSeat()
        seat.most = 10_000
        bench = Bench(seat)

        def full() -> None:
            seat.ready = None

        seat.on_send = full
        await turns(50)
        assert len(seat.frames) == 1
        assert bench.live.stream.is_behind
        jobs = bench.workers.jobs
        await asyncio.sleep(10)
        assert bench.workers.jobs == jobs
        seat.ready = 0.0
        bench.live.wake()
        await turns(50)
        assert len(seat.frames) == 2
        await bench.end()

    run(scenario)
