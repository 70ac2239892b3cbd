"""A guest's pixels into the daemon's screen, read or mapped: ``python -m bench.framebuffer_read``.

``pread`` is what we do; ``mmap`` is what we do not do, since a guest may shrink the file under a mapping.
Each line is a rectangle of a 1920x1080 framebuffer, in milliseconds: least of several rounds, every pixel
changed.
"""

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY, Framebuffer, Surface
from pyrdpmux.mux.picture.pixel_format import PixelCode, PixelFormat
from pyrdpmux.mux.picture.screen import Screen, bands_of

WIDTH, HEIGHT = 1920, 1080
ROUNDS = 9
RECTANGLES = {
    "full": Rect(0, 0, WIDTH, HEIGHT),
    "window": Rect(100, 100, 800, 600),
    "line of text": Rect(8, 200, 600, 16),
    "scroll bar": Rect(1900, 0, 12, HEIGHT),
}


def least(screen: Screen, put: Callable[[], None]) -> float:
    best = float("inf")
    for number in range(ROUNDS):
        screen.pixels[:] = number  # so that everything differs and is copied
        start = time.perf_counter()
        put()
        best = min(best, time.perf_counter() - start)
    return best * 1e3


def measure(path: Path, code: PixelCode) -> None:
    surface = Surface(PixelFormat(code), WIDTH, HEIGHT)
    path.write_bytes(np.random.default_rng(1).integers(0, 256, surface.size, np.uint8).tobytes())
    framebuffer = Framebuffer.open(path, surface, os.geteuid())
    screen = Screen(WIDTH, HEIGHT)
    with path.open("rb") as file, mmap.mmap(file.fileno(), surface.size, access=mmap.ACCESS_READ) as mapping:
        whole = surface.format.view(memoryview(mapping), WIDTH, HEIGHT, surface.stride)

        for name, rect in RECTANGLES.items():

            def read(rect: Rect = rect) -> None:
                for band in bands_of(rect):
                    framebuffer.put(band, screen.surface.words)

            def mapped(rect: Rect = rect) -> None:
                for band in bands_of(rect):
                    part = np.s_[band.y : band.bottom, band.x : band.right]
                    surface.format.put_bgrx(whole[part], screen.surface.words[part])

            ours = least(screen, read)
            theirs = least(screen, mapped)
            print(f"{code.name.lower():10} {name:14} pread {ours:7.3f}   mmap {theirs:7.3f}")
        # The mapping cannot be closed while an array looks at it.
        whole = np.empty(0, np.uint8)
    framebuffer.close()


def main() -> None:
    path = SHARED_MEMORY / f"bench-{os.getpid()}.rdpmux"
    try:
        for code in (PixelCode.X8R8G8B8, PixelCode.X8B8G8R8, PixelCode.R8G8B8, PixelCode.R5G6B5):
            measure(path, code)
    finally:
        path.unlink()


if __name__ == "__main__":
    main()
