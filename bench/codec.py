"""Time and size of the codecs, next to libfreerdp's: ``python -m bench.codec [screen ...]``.

A frame of 1920x1080 is 510 tiles of up to 64x64 (libfreerdp is called once per tile, through ctypes; that
costs about a microsecond). Small batches are the first tiles of the window's or page's middle. Times are the
least of several rounds, in milliseconds; ratio is ours to theirs, below 1 is faster.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from bench.screens import SCREENS, Pixels
from pyrdpmux.codec.bitmap import encode_rectangles, padded_width
from pyrdpmux.codec.compare import TILE, changed_tiles
from pyrdpmux.geometry import Rect
from tests.codec.reference import libfreerdp

HEIGHT, WIDTH = 1080, 1920
ROUNDS = 7


def least(*works: Callable[[], Any], rounds: int = ROUNDS) -> list[float]:
    """Milliseconds of the quickest of several calls of each, in turns, so that all meet the same weather."""
    best = [float("inf")] * len(works)
    for _ in range(rounds):
        for index, work in enumerate(works):
            start = time.perf_counter()
            work()
            best[index] = min(best[index], time.perf_counter() - start)
    return [seconds * 1e3 for seconds in best]


def grid(height: int, width: int) -> list[Rect]:
    """All tiles of a frame."""
    return [
        Rect(x, y, min(TILE, width - x), min(TILE, height - y))
        for y in range(0, height, TILE)
        for x in range(0, width, TILE)
    ]


def theirs(frame: Pixels, rectangles: list[Rect], depth: int) -> Callable[[], int]:
    """A call that encodes with libfreerdp and returns the size."""
    codec = libfreerdp.Planar(TILE, TILE) if depth == 32 else libfreerdp.Interleaved(depth)
    tiles = [frame[y : y + h, x : x + padded_width(w)] for x, y, w, h in rectangles]
    return lambda: sum([len(codec.encode(tile)) for tile in tiles])


def compare_encoders(frame: Pixels, depth: int) -> None:
    tiles = grid(HEIGHT, WIDTH)
    middle = 7 * 30 + 8
    for label, rectangles in (
        ("1", tiles[middle : middle + 1]),
        ("8", tiles[middle : middle + 8]),
        ("510", tiles),
    ):
        rounds = ROUNDS if len(rectangles) > 8 else ROUNDS * 20

        ours = partial(total_size, frame, rectangles, depth)
        line = f"  {depth:2} bpp {label:>3} tiles: "
        if libfreerdp.library() is None or depth == 8:
            print(line + f"{least(ours, rounds=rounds)[0]:7.2f} ms {ours():9,} bytes")
            continue
        other = theirs(frame, rectangles, depth)
        mine, c = least(ours, other, rounds=rounds)
        line += f"{mine:7.2f} ms {ours():9,} bytes | C {c:7.2f} ms {other():9,} bytes"
        print(line + f" | ratio {mine / c:5.2f}, size {ours() / other():5.3f}")


def total_size(frame: Pixels, rectangles: list[Rect], depth: int) -> int:
    return sum([len(bitmap.data) for bitmap in encode_rectangles(frame, rectangles, depth)])


def main(names: list[str]) -> None:
    for name in names or list(SCREENS):
        print(name)
        frame = SCREENS[name](HEIGHT, WIDTH)
        for depth in (32, 24, 16, 15, 8):
            compare_encoders(frame, depth)
    compare_frames(SCREENS["text"](HEIGHT, WIDTH))


def compare_frames(before: Pixels) -> None:
    for label, changed in (("nothing", 0), ("one line", 1), ("every pixel", HEIGHT)):
        after = before.copy()
        after[:changed] ^= np.uint8(1)
        [exact] = least(partial(changed_tiles, before, after))
        print(f"compare, {label} changed: tiles and bounds {exact:.2f} ms")


if __name__ == "__main__":
    main(sys.argv[1:])
