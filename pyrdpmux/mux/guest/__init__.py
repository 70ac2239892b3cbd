"""The hypervisor's end of librdpmux, protocols 1 to 5: what a VM written in Python uses to get a console.

    class Input(GuestInput):
        def key(self, scancode, *, extended, extended1, down): ...

    async with await Guest.register("system", Input()) as guest:
        guest.switch(pixel_format(PixelCode.X8R8G8B8), 800, 600)
        guest.pixels[...] = picture
        guest.update(Rect(0, 0, 800, 600))

The bytes are those of the C library, so the server may be ours or the original.
"""

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.guest.guest import Guest, GuestInput
from pyrdpmux.mux.picture.pixel_format import PixelCode, PixelFormat, pixel_format

__all__ = ["Guest", "GuestInput", "PixelCode", "PixelFormat", "Rect", "pixel_format"]
