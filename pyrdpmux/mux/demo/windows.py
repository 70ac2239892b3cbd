"""What a desktop is busy with: a video, and a log that scrolls. Frame by frame the same on every run."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.demo.paint import GRAY, NIGHT, SLATE, WHITE, Words, cell_size, draw_line, fill

MAX_VIDEO: Final = (256, 192)
"""Pixels; in a larger window it is in the middle, with black around it: each costs time 30 times a second."""

NOISE: Final = 8
"""Levels of each channel, at most, as a camera in a dark room has them: no frame compresses to nothing."""

LOG_FRAMES: Final = 5
"""Between two lines: six lines a second."""

EARLIER: Final = 1000
"""Lines that were there before frame 0: more than any screen shows."""

_LOG_LINES: Final = (
    "eth0: link is up, 1000 Mbit/s",
    "disk: 4096 blocks written",
    "cron: (root) CMD (run-parts /etc/cron.hourly)",
    "sshd: connection closed by 192.0.2.7",
    "cache: 17 of 23 entries were still in use",
    "backup: /home, 3 files changed",
    "fan1: 1480 rpm, 41 C",
)


class Video:
    """Colors that flow into each other."""

    def __init__(self, target: Words, area: Rect) -> None:
        fill(target, area, 0)
        width, height = min(area.width, MAX_VIDEO[0]), min(area.height, MAX_VIDEO[1])
        left, top = area.x + (area.width - width) // 2, area.y + (area.height - height) // 2
        self._area = Rect(left, top, width, height)
        self._pixels = target[top : top + height, left : left + width]
        y, x = np.mgrid[0:height, 0:width]
        self._slopes = (_phase(x / 19 + y / 31), _phase(np.hypot(x - width / 3, y - height / 2) / 13))
        self._noise = _noise(height + NOISE, width + NOISE)

    def paint(self, frame: int) -> list[Rect]:
        """Returns what changed: all of it."""
        if not self._area.is_empty:
            one, other = self._slopes
            shift, back = np.uint8(frame * 3 % 256), np.uint8(frame * 5 % 256)
            level = _WAVE[one + shift] // 2 + _WAVE[other - back] // 2
            height, width = level.shape
            down, right = frame * 5 % NOISE, frame * 3 % NOISE
            np.add(
                _PALETTE[level], self._noise[down : down + height, right : right + width], out=self._pixels
            )
        return [] if self._area.is_empty else [self._area]


class Log:
    """Lines that come at the bottom and go at the top."""

    def __init__(self, target: Words, area: Rect, scale: int, frame: int = 0) -> None:
        """As if it had been there before ``frame``."""
        self._scale = scale
        self._target = target
        self._line = cell_size(scale)[1]
        title = Rect(area.x, area.y, area.width, min(self._line + 4, area.height))
        rows = max(0, area.height - title.height) // self._line
        self._area = Rect(area.x, title.bottom, area.width, rows * self._line)
        self._columns = area.width // cell_size(scale)[0]
        fill(target, area, NIGHT)
        fill(target, title, SLATE)
        if title.height > self._line:
            draw_line(target, title.x, title.y + 2, " log"[: self._columns], WHITE, SLATE, scale)
        following = -(-frame // LOG_FRAMES)
        for number in range(following - rows, following):
            self._write(number)

    def paint(self, frame: int) -> list[Rect]:
        """Returns what changed."""
        if frame % LOG_FRAMES or self._area.is_empty or not self._columns:
            return []
        self._write(frame // LOG_FRAMES)
        return [self._area]

    def _write(self, number: int) -> None:
        area = self._area
        if area.is_empty or not self._columns:
            return
        columns = np.s_[area.x : area.right]
        rows = self._target[area.y : area.bottom, columns]
        rows[: -self._line] = rows[self._line :].copy()
        text = f" {(number + EARLIER) % 100000:05} {_LOG_LINES[number * 5 % len(_LOG_LINES)]}"
        text = text.ljust(self._columns)[: self._columns]
        draw_line(self._target, area.x, area.bottom - self._line, text, GRAY, NIGHT, self._scale)


def _phase(turns: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Of a wave, 256 to a turn."""
    return (turns * (128 / np.pi)).astype(np.int64).astype(np.uint8)


def _noise(height: int, width: int) -> Words:
    levels = np.random.default_rng(1).integers(0, NOISE, (height, width, 3), np.uint32)
    noise: Words = levels[..., 0] << np.uint32(16) | levels[..., 1] << np.uint32(8) | levels[..., 2]
    return noise


def _palette() -> Words:
    """Three waves, one a channel; there is room for the noise."""
    turns = np.arange(256) * (2 * np.pi / 256)
    red, green, blue = (
        (124 + 120 * np.sin(turns * speed + shift)).astype(np.uint32)
        for speed, shift in ((1, 0.0), (2, 2.0), (1, 4.0))
    )
    palette: Words = red << np.uint32(16) | green << np.uint32(8) | blue
    return palette


_WAVE: Final = (127.5 + 127.5 * np.sin(np.arange(256) * (2 * np.pi / 256))).astype(np.uint8)
_PALETTE: Final = _palette()
