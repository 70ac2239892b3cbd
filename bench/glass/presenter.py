"""Draws a workload frame by frame, in a process of its own, and says when it drew which.

    python -m bench.glass.presenter x :5 typing 1920x1080 300
    python -m bench.glass.presenter guest unix:path=/run/bus typing 1920x1080 300

``x``: into an X display. ``guest``: as a virtual machine that registers on a bus, in librdpmux's protocol 5
through ``pyrdpmux.mux.guest``. It says ``ready`` when frame 0 is shown, draws the others after ``go``, and
then says in one line of JSON when (seconds of the monotonic clock, taken before it began to draw) and what
CPU time that took.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

from bench.glass.frames import Frame, Patch, apply
from bench.glass.workloads import WORKLOADS, Scene
from bench.glass.xlib import XCanvas, XDisplay
from pyrdpmux.mux.guest import Guest, GuestInput, PixelCode, pixel_format

NAME: Final = "glass"
LEAD_SECONDS: Final = 0.2
"""From ``go`` to the first frame."""

SETTLE_SECONDS: Final = 20.0


class Canvas(Protocol):
    """Where a workload is drawn."""

    def show(self, frame: Frame) -> None: ...


class GuestCanvas:
    """A virtual machine's screen."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest

    def show(self, frame: Frame) -> None:
        """Announced in the loop's next turn; frames become one while the server has not answered."""
        apply(frame, self._guest.pixels)
        for move in frame.moves:
            self._guest.update(move.target)
        for patch in frame.patches:
            self._guest.update(patch.rect)


@asynccontextmanager
async def open_canvas(kind: str, address: str, width: int, height: int) -> AsyncIterator[Canvas]:
    if kind == "x":
        with XDisplay(address) as display:
            yield XCanvas(display, width, height)
        return
    async with await Guest.register(address, GuestInput(), name=NAME, versions=[5]) as guest:
        guest.switch(pixel_format(PixelCode.X8R8G8B8), width, height)
        yield GuestCanvas(guest)
        # What is drawn last is still to be handed over.
        async with asyncio.timeout(SETTLE_SECONDS):
            while not guest.is_settled:  # noqa: ASYNC110  the guest has no event for it
                await asyncio.sleep(0.01)


async def present(canvas: Canvas, scene: Scene, rate: int, frames: int) -> list[float]:
    """When each was drawn; one that is late is drawn at once, none is left out."""
    loop = asyncio.get_running_loop()
    start = loop.time() + LEAD_SECONDS
    times = []
    for number in range(1, frames + 1):
        frame = scene.step(number)
        # At least one turn of the loop, which is when a guest announces what it has drawn.
        await asyncio.sleep(max(0.0, start + number / rate - loop.time()))
        times.append(time.monotonic())
        canvas.show(frame)
    return times


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def main(kind: str, address: str, name: str, size: str, count: str) -> None:
    width, height = (int(part) for part in size.split("x"))
    workload = WORKLOADS[name]
    scene = workload.scene(width, height)
    loop = asyncio.get_running_loop()
    async with open_canvas(kind, address, width, height) as canvas:
        canvas.show(Frame((), (Patch(0, 0, scene.first),)))
        print("ready", flush=True)
        while (command := await loop.run_in_executor(None, sys.stdin.readline)) == "go\n":
            before = cpu_seconds()
            times = await present(canvas, scene, workload.rate, int(count))
            await asyncio.sleep(0)
            print(json.dumps({"times": times, "cpu": cpu_seconds() - before}), flush=True)
        assert not command, f"{command!r} is no command"


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
