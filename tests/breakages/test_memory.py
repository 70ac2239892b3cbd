"""A viewer that stalls while a video plays costs a bounded amount, and has all of it afterwards."""

import asyncio
import ctypes
import gc
import statistics
from typing import Final

import pytest

from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.control.diagnostics import PROCESS, memory
from pyrdpmux.net import heap
from tests.breakages.scene import CHANNELS, Witness, picture, witness
from tests.mux.serving import served, show

SECONDS: Final = 3.0
LONG_STALLS: Final = 20
LONG_SECONDS: Final = 30.0
"""Ten minutes, in which the viewer reads now and then: who reads nothing for a minute is taken for gone."""

SIZE: Final = (640, 480)
PICTURES: Final = [picture(*SIZE, seed) for seed in range(6)]
LAST: Final = [picture(*SIZE, seed) for seed in range(6, 8)]
"""What no client has seen before it stalls."""

MAX_UNSENT: Final = 3 << 20
"""Bytes in our own socket: what pacing leaves there, and a few frames that were on their way."""

MAX_GROWTH: Final = 24 << 20
"""Bytes in use more than before the first stall, of this process: the daemon and both clients. Alone, the
stalled viewer has a stream and a video encoder of its own, and its client another decoder: that is 17 MB."""

MAX_RESIDENT_GROWTH: Final = 48 << 20
"""The same with what lies between, in pages that are used in part: of a heap that other tests have left."""

WARM: Final = 4
"""Stalls after which everything is there that is kept."""

MAX_LEAK: Final = 4 << 20
"""Bytes in use more in the second half of the stalls than in the first: the median, since what is in use at
one time is now and then 14 MB less (the two streams have just become one)."""


class _MallInfo2(ctypes.Structure):
    """mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "free_chunks", "fast_chunks", "mappings", "mapped"),
            *("_", "fast_free", "used", "free", "trimmable"),
        )
    ]


def resident() -> int:
    gc.collect()
    heap.trim()
    return memory(PROCESS)["now"]


def in_use() -> int:
    """Bytes that are allocated, in the heaps of all threads and beside them."""
    gc.collect()
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _MallInfo2
    info = ask()
    return int(info.used + info.mapped)


def leak(used: list[int]) -> int:
    """What has been added, by figures at equal times."""
    half = len(used) // 2
    return int(statistics.median(used[half:]) - statistics.median(used[:half]))


async def _play(
    factory: ConnectionFactory, channels: tuple[str, ...], seconds: float, stalls: int = 1
) -> None:
    settings = {"dynamic_channels": channels or None}
    async with (
        served(factory) as console,
        witness(console.port, **settings) as stalled,
        witness(console.port, **settings) as other,
    ):

        async def one_round() -> None:
            for item in PICTURES:
                show(console, item)
                await asyncio.sleep(1 / 30)
                for client in (stalled, other):
                    client.noted.clear()
                    client.bitmaps.clear()

        async def rest(client: Witness) -> None:
            await client.until(lambda: client.shows(console), what="the picture at rest")

        for _ in range(5):
            await one_round()
        await rest(stalled)
        await rest(other)
        before, most, used = (in_use(), resident()), 0, list[int]()
        for number in range(stalls):
            stalled.stop_reading()
            end = asyncio.get_running_loop().time() + seconds
            while asyncio.get_running_loop().time() < end:
                await one_round()
                most = max(most, *[viewer.picture_figures.unsent_bytes for viewer in console.viewers])
                assert most < MAX_UNSENT
            assert in_use() - before[0] < MAX_GROWTH
            assert resident() - before[1] < MAX_RESIDENT_GROWTH
            show(console, LAST[number % 2])
            await rest(other)
            stalled.read_again()
            await rest(stalled)
            used.append(in_use())
        if stalls > WARM:
            assert leak(used[WARM:]) < MAX_LEAK


@pytest.mark.parametrize("channels", [CHANNELS, ()], ids=["pipeline", "bitmaps"])
def test_a_stalled_viewer_costs_little(factory: ConnectionFactory, channels: tuple[str, ...]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(SECONDS + 180):
            await _play(factory, channels, SECONDS)

    asyncio.run(bounded())


@pytest.mark.long
@pytest.mark.parametrize("channels", [CHANNELS, ()], ids=["pipeline", "bitmaps"])
def test_for_ten_minutes_too(factory: ConnectionFactory, channels: tuple[str, ...]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(3 * LONG_STALLS * LONG_SECONDS):
            await _play(factory, channels, LONG_SECONDS, LONG_STALLS)

    asyncio.run(bounded())
