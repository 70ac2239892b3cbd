"""A VM in one file: draws with the mouse, over librdpmux, for any server that owns org.RDPMux.RDPMux.

pyrdpmux serve --bus session &
python examples/python_vm.py session
"""

import asyncio
import sys

from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.guest import Guest, GuestInput, PixelCode, Rect, pixel_format

WIDTH, HEIGHT = 800, 600
WHITE, RED = (255, 255, 255, 0), (0, 0, 255, 0)  # blue, green, red, unused
ESCAPE = 0x01


class Easel(GuestInput):
    """Draws while the left button is down; Escape ends."""

    def __init__(self) -> None:
        self.guest: Guest | None = None
        self.is_drawing = False
        self.finished = asyncio.Event()

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        if scancode == ESCAPE and down:
            self.finished.set()

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        if button is Button.LEFT:
            self.is_drawing = down
            self.pointer(x, y)

    def pointer(self, x: int, y: int) -> None:
        if self.is_drawing and self.guest is not None:
            dot = Rect(x - 3, y - 3, 6, 6).clip(WIDTH, HEIGHT)
            self.guest.pixels[dot.y : dot.bottom, dot.x : dot.right] = RED
            self.guest.update(dot)


async def main(bus: str) -> None:
    easel = Easel()
    async with await Guest.register(bus, easel) as guest:
        guest.switch(pixel_format(PixelCode.X8R8G8B8), WIDTH, HEIGHT)
        guest.pixels[:] = WHITE
        easel.guest = guest
        await easel.finished.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "system"))
