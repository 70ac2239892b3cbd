"""The part of the demo's picture that moves by itself, and a still ramp of every color channel."""

from typing import Final

import numpy as np

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.demo.paint import AMBER, BLACK, WHITE, Words, draw_line, fill

BARS: Final = (0xFFFFFF, 0xFFFF00, 0x00FFFF, 0x00FF00, 0xFF00FF, 0xFF0000, 0x0000FF, 0x000000)
BOX: Final = 28
STEP: Final = 2


class TestCard:
    """Color bars with a box that bounces in front of them; below, the time and the frame's number."""

    __test__ = False  # whatever pytest makes of the name

    def __init__(self, target: Words, area: Rect, scale: int) -> None:
        self._target = target
        self._scale = scale
        text_height = 10 * scale + 4
        self._bars = Rect(area.x, area.y, area.width, max(BOX, area.height - text_height))
        self._text = Rect(area.x, self._bars.bottom, area.width, text_height)
        self._background = _bars(self._bars.width, self._bars.height)
        self._box: Rect | None = None
        self._put(self._bars)
        fill(target, self._text, BLACK)

    def paint(self, frame: int, uptime: float) -> list[Rect]:
        """Frame by frame the same on every run; returns what changed."""
        changed = [self._box] if self._box is not None else []
        for rect in changed:
            self._put(rect)
        self._box = Rect(
            self._bars.x + _bounce(frame * STEP, self._bars.width - BOX),
            self._bars.y + _bounce(frame * STEP // 2, self._bars.height - BOX),
            BOX,
            BOX,
        )
        fill(self._target, self._box, BLACK)
        inner = Rect(self._box.x + 3, self._box.y + 3, BOX - 6, BOX - 6)
        fill(self._target, inner, AMBER)
        text = f" {_clock(uptime)} {frame}"
        columns = self._text.width // (6 * self._scale)
        line = draw_line(
            self._target,
            self._text.x,
            self._text.y + 2,
            text.ljust(columns)[:columns],
            WHITE,
            BLACK,
            self._scale,
        )
        return [*changed, self._box, line]

    def _put(self, rect: Rect) -> None:
        """The bars as they are without the box."""
        left, top = rect.x - self._bars.x, rect.y - self._bars.y
        part = self._background[top : top + rect.height, left : left + rect.width]
        self._target[rect.y : rect.bottom, rect.x : rect.right] = part


def draw_ramps(target: Words, area: Rect) -> None:
    """Red, green, blue and gray from dark to light, one above the other."""
    if area.is_empty:
        return
    level = np.linspace(0, 255, area.width).astype(np.uint32)
    rows = [level << np.uint32(16), level << np.uint32(8), level, level * np.uint32(0x010101)]
    heights = np.linspace(0, area.height, len(rows) + 1).astype(int)
    for row, top, bottom in zip(rows, heights, heights[1:], strict=False):
        target[area.y + top : area.y + bottom, area.x : area.right] = row


def _bars(width: int, height: int) -> Words:
    edges = np.linspace(0, width, len(BARS) + 1).astype(int)
    row = np.repeat(np.array(BARS, np.uint32), np.diff(edges))
    return np.broadcast_to(row, (height, width))


def _bounce(position: int, room: int) -> int:
    """Back and forth between 0 and ``room``."""
    if room <= 0:
        return 0
    position %= 2 * room
    return position if position <= room else 2 * room - position


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"
