"""A viewer that stops reading at the worst time costs the others of its stream a moment."""

import asyncio

import pytest

from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from tests.breakages.scene import picture, witness
from tests.mux.serving import run, served, show

SIZE = (640, 480)


@pytest.mark.parametrize("attempt", range(3))
def test_who_stalls_as_the_picture_comes_to_rest_does_not_leave_the_others_blurred(
    factory: ConnectionFactory, attempt: int
) -> None:
    """Two frames are unacknowledged, and there is no new one that would make it leave. Whether it leaves for
    what it was late with is chance: so there are some attempts."""

    async def scenario() -> None:
        async with (
            served(factory) as console,
            witness(console.port) as stalled,
            witness(console.port) as other,
        ):
            while len(console.streams.live) != 1 or len(console.streams.live[0].seats) != 2:
                show(console, picture(*SIZE, 1))
                await asyncio.sleep(1 / 30)
                show(console, picture(*SIZE, 2))
                await asyncio.sleep(1 / 30)
            stalled.stop_reading()
            for seed in (3, 4):
                show(console, picture(*SIZE, seed))
                await asyncio.sleep(1 / 50)
            await other.until(lambda: other.shows(console), within=20.0, what="the picture at rest")

    run(scenario)
