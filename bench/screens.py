"""Pictures for benchmarks and tests, synthesised from fixed seeds: (h, w, 4) uint8 BGRX.

``text`` and ``gray_text`` are antialiased terminals, ``console`` a two-color VGA text screen, ``desktop`` a
photo with a window of text and a taskbar over it; ``photo`` has several scales of detail and grain.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

CELL_WIDTH: Final = 8
CELL_HEIGHT: Final = 16
_GLYPHS: Final = 96
_COLORS: Final = np.array(
    [[204, 204, 204], [78, 154, 6], [196, 160, 0], [52, 101, 164], [204, 0, 0], [117, 80, 123], [6, 152, 154]]
)


def _glyphs(rng: np.random.Generator) -> NDArray[np.float64]:
    """(96, 16, 8) coverage 0..1: a few strokes each, drawn four times larger and averaged."""
    large = np.zeros((_GLYPHS, CELL_HEIGHT * 4, CELL_WIDTH * 4), np.bool_)
    for glyph in large[1:]:
        for _ in range(rng.integers(2, 5)):
            ends = rng.integers([4, 14], [28, 52], (2, 2)).astype(float)
            kind = rng.integers(0, 3)
            if kind < 2:  # most strokes of letters are upright or level
                ends[1, kind] = ends[0, kind]
            for t in np.linspace(0, 1, 60):
                x, y = (ends[0] + t * (ends[1] - ends[0])).astype(int)
                glyph[y - 2 : y + 3, x - 2 : x + 3] = True
    cells = large.reshape(_GLYPHS, CELL_HEIGHT, 4, CELL_WIDTH, 4)
    coverage: NDArray[np.float64] = cells.mean((2, 4))
    return coverage


def _page(
    height: int, width: int, seed: int, background: NDArray[np.int64], colors: NDArray[np.int64], sharp: bool
) -> Pixels:
    rng = np.random.default_rng(seed)
    glyphs = _glyphs(rng)
    if sharp:
        glyphs = (glyphs > 0.5).astype(float)
    rows, columns = -(-height // CELL_HEIGHT), -(-width // CELL_WIDTH)
    characters = np.zeros((rows, columns), int)
    ink = np.zeros((rows, columns), int)
    for row in range(rows):
        length = int(rng.integers(0, columns)) if rng.random() < 0.85 else 0
        words = rng.integers(1, _GLYPHS, length)
        words[rng.random(length) < 0.16] = 0
        characters[row, :length] = words
        ink[row, :length] = np.repeat(rng.integers(0, len(colors), length // 7 + 1), 7)[:length]
    coverage = glyphs[characters].transpose(0, 2, 1, 3).reshape(rows * CELL_HEIGHT, columns * CELL_WIDTH)
    color = colors[ink].repeat(CELL_HEIGHT, 0).repeat(CELL_WIDTH, 1)
    bgr = background + (color - background) * coverage[..., None]
    return _opaque(bgr[:height, :width])


def _opaque(bgr: NDArray[np.floating] | NDArray[np.integer]) -> Pixels:
    result = np.full((*bgr.shape[:2], 4), 255, np.uint8)
    result[..., :3] = np.clip(bgr, 0, 255)
    return result


def _kept(draw: Callable[[int, int], Pixels]) -> Callable[..., Pixels]:
    """A copy of what was drawn before, if it was of that size: some take seconds."""
    drawn = lru_cache(maxsize=8)(draw)

    @wraps(draw)
    def copied(height: int = 1080, width: int = 1920) -> Pixels:
        return drawn(height, width).copy()

    return copied


@_kept
def text(height: int = 1080, width: int = 1920) -> Pixels:
    """A terminal in seven colors on dark violet."""
    return _page(height, width, 1, np.array([36, 10, 48]), _COLORS[:, ::-1], sharp=False)


@_kept
def gray_text(height: int = 1080, width: int = 1920) -> Pixels:
    """A terminal in black on white."""
    return _page(height, width, 2, np.array([255, 255, 255]), np.zeros((1, 3), int), sharp=False)


@_kept
def console(height: int = 1080, width: int = 1920) -> Pixels:
    """A text console without antialiasing, light gray on black."""
    return _page(height, width, 3, np.zeros(3, int), np.full((1, 3), 170), sharp=True)


@_kept
def photo(height: int = 1080, width: int = 1920) -> Pixels:
    """Seven octaves of colored noise and the grain of a sensor."""
    rng = np.random.default_rng(4)
    total = np.full((height, width, 3), 110.0)
    for octave in range(7):
        step = 256 >> octave
        grid = rng.normal(0, 55 / 1.7**octave, (height // step + 3, width // step + 3, 3))
        y, x = np.arange(height) / step, np.arange(width) / step
        iy, ix = y.astype(int), x.astype(int)
        fy, fx = (y - iy)[:, None, None], (x - ix)[None, :, None]
        upper = grid[iy][:, ix] * (1 - fx) + grid[iy][:, ix + 1] * fx
        lower = grid[iy + 1][:, ix] * (1 - fx) + grid[iy + 1][:, ix + 1] * fx
        total += upper * (1 - fy) + lower * fy
    total += rng.normal(0, 1.2, (height, width, 1))
    return _opaque(total)


@_kept
def desktop(height: int = 1080, width: int = 1920) -> Pixels:
    """A photo as wallpaper, a window of text over a third of it, a taskbar."""
    result = photo(height, width)
    top, left, bottom, right = height // 10, width // 8, height * 7 // 10, width * 5 // 8
    result[top : top + 28, left:right, :3] = [80, 60, 50]
    page = gray_text(height, width)
    result[top + 28 : bottom, left:right] = page[: bottom - top - 28, : right - left]
    result[height - 40 :, :, :3] = [48, 44, 40]
    for icon in range(8):
        x = 12 + icon * 48
        result[height - 34 : height - 6, x : x + 28, :3] = [30 * icon, 255 - 25 * icon, 128]
    return result


def gradient(height: int = 1080, width: int = 1920) -> Pixels:
    """A different slope in each channel."""
    y, x = np.mgrid[0:height, 0:width]
    return _opaque(np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], 2))


def noise(height: int = 1080, width: int = 1920) -> Pixels:
    """What nothing compresses."""
    return _opaque(np.random.default_rng(5).integers(0, 256, (height, width, 3)))


SCREENS: Final[dict[str, Callable[[int, int], Pixels]]] = {
    "text": text,
    "gray text": gray_text,
    "console": console,
    "desktop": desktop,
    "photo": photo,
    "gradient": gradient,
    "noise": noise,
}
