"""Text, photos and video for the workloads, synthesized from seeds: no picture of anybody's is needed."""

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.glass.frames import Pixels

CELL_WIDTH: Final = 8
CELL_HEIGHT: Final = 16
GLYPHS: Final = 96
_SCALE: Final = 4
"""Glyphs are drawn this much larger and averaged, which makes their edges gray."""

LINE_OF_TEXT: Final = 0.85
"""How many lines are not empty."""
LONGEST_LINE: Final = 0.55
"""Of the width: a wide terminal is not full. A line further, a twelfth of its pixels are others."""

SPACES: Final = 0.16
WORD: Final = 7

PHOTO_OCTAVES: Final = 7
FIRST_OCTAVE: Final = 256
"""Pixels between the knots of the coarsest noise; each octave halves it."""
OCTAVE_SIGMA: Final = 55.0
OCTAVE_DECAY: Final = 1.7
GRAIN_SIGMA: Final = 1.2
SATURATION: Final = 0.5
"""Of three independent channels; in real photos they go together."""

VIDEO_SIGMA: Final = 4.0
"""Of a video's noise, in each of its frames anew."""
VIDEO_PAN: Final = 40
"""Pixels that its camera moves to each side."""
VIDEO_BALLS: Final = 4


@functools.lru_cache(maxsize=1)
def _glyphs() -> NDArray[np.float32]:
    """(96, 16, 8) coverage 0..1 of made-up letters of a few strokes; the first is a space."""
    rng = np.random.default_rng(96)
    large = np.zeros((GLYPHS, CELL_HEIGHT * _SCALE, CELL_WIDTH * _SCALE), np.float32)
    for glyph in large[1:]:
        for _ in range(rng.integers(2, 5)):
            ends = rng.integers([4, 14], [28, 52], (2, 2)).astype(float)
            kind = rng.integers(0, 3)
            if kind < 2:  # most strokes of letters are upright or level
                ends[1, kind] = ends[0, kind]
            for part in np.linspace(0, 1, 60):
                x, y = (ends[0] + part * (ends[1] - ends[0])).astype(int)
                glyph[y - 2 : y + 3, x - 2 : x + 3] = 1
    cells = large.reshape(GLYPHS, CELL_HEIGHT, _SCALE, CELL_WIDTH, _SCALE)
    coverage: NDArray[np.float32] = cells.mean((2, 4))
    return coverage


class Font:
    """Letters in some colors on one background, ready to be put side by side."""

    def __init__(self, background: tuple[int, int, int], *colors: tuple[int, int, int]) -> None:
        """Colors are blue, green, red."""
        paper = np.array(background, np.float32)
        inks = np.array(colors, np.float32)
        blended = paper + (inks[:, None, None, None] - paper) * _glyphs()[None, ..., None]
        self.cells = np.full((len(colors), GLYPHS, CELL_HEIGHT, CELL_WIDTH, 4), 255, np.uint8)
        self.cells[..., :3] = blended
        """(colors, 96, 16, 8, 4)."""

    def line(self, rng: np.random.Generator, columns: int) -> Pixels:
        """(16, 8 * columns, 4): words up to somewhere, or nothing."""
        characters = np.zeros(columns, int)
        inks = np.zeros(columns, int)
        is_empty = rng.random() >= LINE_OF_TEXT
        length = 0 if is_empty else int(rng.integers(columns // 20, int(columns * LONGEST_LINE)))
        words = rng.integers(1, GLYPHS, length)
        words[rng.random(length) < SPACES] = 0
        characters[:length] = words
        inks[:length] = np.repeat(rng.integers(0, len(self.cells), length // WORD + 1), WORD)[:length]
        cells = self.cells[inks, characters]
        return cells.transpose(1, 0, 2, 3).reshape(CELL_HEIGHT, columns * CELL_WIDTH, 4)

    def page(self, seed: int, height: int, width: int, filled: float = 1.0) -> Pixels:
        """(height, width, 4) of lines; only the upper part, where ``filled`` is below 1."""
        rng = np.random.default_rng(seed)
        columns, rows = -(-width // CELL_WIDTH), -(-height // CELL_HEIGHT)
        page = np.empty((rows * CELL_HEIGHT, columns * CELL_WIDTH, 4), np.uint8)
        page[:] = self.cells[0, 0, 0, 0]
        for row in range(int(rows * filled)):
            page[row * CELL_HEIGHT : (row + 1) * CELL_HEIGHT] = self.line(rng, columns)
        return np.ascontiguousarray(page[:height, :width])


@functools.lru_cache(maxsize=1)
def paper() -> Font:
    """Black on white."""
    return Font((255, 255, 255), (0, 0, 0))


@functools.lru_cache(maxsize=1)
def terminal() -> Font:
    """Seven colors on dark violet."""
    return Font(
        (48, 10, 36),
        (204, 204, 204),
        (6, 154, 78),
        (0, 160, 196),
        (164, 101, 52),
        (0, 0, 204),
        (123, 80, 117),
        (154, 152, 6),
    )


def _knots(size: int, step: int) -> NDArray[np.float32]:
    """(size, knots): how much of each knot is in each pixel, linearly."""
    at = np.arange(size, dtype=np.float32) / step
    first = at.astype(int)
    weights = np.zeros((size, size // step + 2), np.float32)
    weights[np.arange(size), first] = 1 - (at - first)
    weights[np.arange(size), first + 1] = at - first
    return weights


def photo(seed: int, height: int, width: int) -> Pixels:
    """(height, width, 4): colored noise of seven scales, and the grain of a sensor."""
    rng = np.random.default_rng(seed)
    total = np.full((3, height, width), 110, np.float32)
    for octave in range(PHOTO_OCTAVES):
        step = FIRST_OCTAVE >> octave
        rows, columns = _knots(height, step), _knots(width, step)
        sigma = OCTAVE_SIGMA / OCTAVE_DECAY**octave
        grid = rng.standard_normal((3, rows.shape[1], columns.shape[1]), np.float32) * np.float32(sigma)
        total += rows @ grid @ columns.T
    gray = total.mean(0)
    total = gray + (total - gray) * np.float32(SATURATION)
    total += rng.standard_normal((height, width), np.float32) * np.float32(GRAIN_SIGMA)
    return opaque(total.transpose(1, 2, 0))


def opaque(bgr: NDArray[np.floating]) -> Pixels:
    """(height, width, 4) of (height, width, 3) within 0..255 or a little outside."""
    result = np.full((*bgr.shape[:2], 4), 255, np.uint8)
    result[..., :3] = np.clip(bgr, 0, 255)
    return result


def video(seed: int, height: int, width: int, frames: int) -> list[Pixels]:
    """A loop: a camera that pans in a circle, things that move before it, and a sensor's noise."""
    rng = np.random.default_rng(seed)
    scene = photo(seed, height + 2 * VIDEO_PAN, width + 2 * VIDEO_PAN)[..., :3].astype(np.float32)
    colors = rng.integers(30, 226, (VIDEO_BALLS, 3))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    loop = []
    for number in range(frames):
        turn = 2 * np.pi * number / frames
        left = round(VIDEO_PAN * (1 + np.cos(turn)))
        top = round(VIDEO_PAN * (1 + np.sin(turn)))
        picture = scene[top : top + height, left : left + width].copy()
        for ball, color in enumerate(colors):
            around = turn * (ball + 1) + ball
            center_x = width * (0.5 + 0.4 * np.cos(around))
            center_y = height * (0.5 + 0.35 * np.sin(around + ball))
            inside = (x - center_x) ** 2 + (y - center_y) ** 2 < (height / 9) ** 2
            picture[inside] = 0.75 * color + 0.25 * picture[inside]
        picture += rng.standard_normal((height, width, 1), np.float32) * np.float32(VIDEO_SIGMA)
        loop.append(opaque(picture))
    return loop
