"""What a viewer costs the event loop for each frame: ``python -m bench.viewers [--profile FILE]``.

Ten viewers of one console, over TLS; their clients are a process of their own and draw nothing. Each frame is
one message for all of them, as if they shared a stream: their pacers are asked whether it may go, it is sent
to each, each acknowledges it, and the pacers are asked again. Nothing is encoded, and nothing waits for a
pacer. What counts is the CPU time of the loop's thread, in microseconds for one viewer and frame: the mean of
ten frames, the least and the median of many of them. ``--profile`` writes where the time goes (cProfile).
"""

import argparse
import asyncio
import cProfile
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Final

from bench.glass.helper import Helper
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import Fill
from pyrdpmux.graphics.stream import Frame
from pyrdpmux.graphics.targets.pipeline import NOTHING
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.mux.streaming.seat import Seat
from pyrdpmux.mux.streaming.turns import Turns
from pyrdpmux.rdp.channels.graphics.drawing import CodecId, WireToSurface1
from pyrdpmux.rdp.channels.graphics.frames import EndFrame, StartFrame
from pyrdpmux.rdp.channels.graphics.pdu import encode_graphics
from pyrdpmux.rdp.channels.graphics.segments import segmented
from tests.mux.serving import served

VIEWERS: Final = 10
SIZE: Final = "640x480"
BYTES: Final = 650
"""Of a picture in a message."""

ROUNDS: Final = 40
FRAMES: Final = 10
"""Of a round."""

FRAME_SECONDS: Final = 0.025
SETTLE_SECONDS: Final = 4.0
"""Until nothing is sent to the viewers but what is measured."""

PATIENCE: Final = 60.0


def frame(number: int) -> Frame[bytes]:
    """With a picture whose codec nobody knows."""
    place = Rect(number % 64, number % 48, 16, 16)
    picture = WireToSurface1(0, CodecId(0x7FFF), place, bytes([number % 256]) * BYTES)
    message = encode_graphics([StartFrame(number), picture, EndFrame(number)])
    return Frame(number, segmented(message), (Fill(0, (place,)),), NOTHING)


@asynccontextmanager
async def seats(folder: Path) -> AsyncIterator[list[Seat]]:
    """Of so many viewers; nothing changes before their eyes."""
    loop = asyncio.get_running_loop()
    config = Config(state_dir=folder, security=SecuritySettings(nla=False, tls=True))
    async with served(ConnectionFactory(config)) as console:
        place = ("127.0.0.1", str(console.port), SIZE, "egfx", str(VIEWERS))
        helper = Helper(folder / "onlookers.log", "bench.glass.onlookers", *place)
        try:
            await loop.run_in_executor(None, helper.hear, PATIENCE)
            await asyncio.sleep(SETTLE_SECONDS)
            yield [seat for live in console.streams.live for seat in live.seats]
        finally:
            await loop.run_in_executor(None, helper.__exit__, None, None, None)


async def play(viewers: list[Seat], frames: Sequence[Frame[bytes]]) -> float:
    """Seconds of the loop's thread, for each viewer and frame."""
    loop, turns = asyncio.get_running_loop(), Turns()
    before = time.thread_time()
    for shown in frames:
        turns.frame_at(viewers, loop.time(), loop.time())
        for seat in viewers:
            assert seat.send_at_once(shown)
        await asyncio.sleep(FRAME_SECONDS)
        turns.frame_at(viewers, loop.time(), loop.time())
    return (time.thread_time() - before) / len(frames) / len(viewers)


async def main(folder: Path, profile: Path | None) -> None:
    async with seats(folder) as viewers:
        numbers = itertools.count(1_000_000)
        rounds = [[frame(next(numbers)) for _ in range(FRAMES)] for _ in range(ROUNDS)]
        with cProfile.Profile() if profile is not None else nullcontext() as profiler:
            times = [1e6 * await play(viewers, frames) for frames in rounds]
        least, median = min(times), statistics.median(times)
        print(f"{len(viewers)} viewers, each   least {least:6.0f} us   median {median:6.0f} us")
        if profile is not None and profiler is not None:
            profiler.dump_stats(profile)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="CPU time of the event loop for a viewer and a frame.")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="write cProfile's data there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pyrdpmux-viewers-") as directory:
        asyncio.run(main(Path(directory), options.profile))
