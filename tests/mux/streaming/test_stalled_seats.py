"""Who does not read is waited for no longer than a moment, whatever its pacer promises."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.graphics.targets.choice import target_for
from pyrdpmux.mux.streaming.live_stream import LiveStream
from pyrdpmux.net.workers import WorkerPool
from tests.graphics.bitmap_session import output_format

SIZE = (64, 64)


class Display:
    def __init__(self) -> None:
        self.surface = Surface(*SIZE)


class Workers:
    async def run(self, owner: str, job: Callable[[], Any]) -> Any:
        return job()


class FakeSeat:
    """``ready``: seconds from whenever it is asked until it can be sent something; None: nobody knows."""

    def __init__(self, ready: float | None) -> None:
        self.ready = ready
        self.frames = 0
        self.sent = asyncio.Event()

    def ready_at(self, now: float) -> float | None:
        return None if self.ready is None else now + self.ready

    def must_leave(self, now: float) -> bool:
        return False

    def keeps_up(self, now: float) -> bool:
        return True

    def fine_pixels(self, now: float) -> int:
        return 0

    async def send(self, frame: Frame[Any]) -> None:
        self.frames += 1
        self.sent.set()

    def failed(self, error: Exception) -> None:
        raise error


async def shown(*seats: FakeSeat) -> list[FakeSeat]:
    """Until the first of them is sent a frame: those that fell behind until then."""
    fallen: list[FakeSeat] = []
    display = Display()
    display.surface.words[...] = np.uint32(0x123456)
    display.surface.touch([display.surface.rect])

    def fell_behind(live: LiveStream, seat: Any) -> None:
        fallen.append(seat)
        del live.seats[seat]

    stream: Stream[Any] = Stream(*SIZE, target_for(output_format(*SIZE)))
    live = LiveStream(cast(Any, display), stream, cast(WorkerPool, Workers()), "vm", fell_behind)
    for seat in seats:
        live.seats[seat] = None
    task = asyncio.get_running_loop().create_task(live.run())
    await asyncio.wait_for(seats[0].sent.wait(), 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return fallen


def test_all_that_can_be_sent_a_frame_are() -> None:
    async def scenario() -> None:
        seats = FakeSeat(0.0), FakeSeat(0.0)
        fallen = await shown(*seats)
        assert fallen == []
        assert [seat.frames for seat in seats] == [1, 1]

    asyncio.run(scenario())


def test_who_is_always_about_to_be_ready_falls_behind() -> None:
    """What waits for a viewer that does not read is thought to be gone in 10 ms, each time."""

    async def scenario() -> None:
        stalled = FakeSeat(0.01)
        fallen = await shown(FakeSeat(0.0), stalled)
        assert fallen == [stalled]
        assert stalled.frames == 0

    asyncio.run(scenario())


def test_who_takes_long_is_waited_for_a_little() -> None:
    async def scenario() -> None:
        for ready in (None, 1.0):
            slow = FakeSeat(ready)
            fallen = await shown(FakeSeat(0.0), slow)
            assert fallen == [slow]

    asyncio.run(scenario())
