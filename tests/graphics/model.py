"""A client without codecs: carries out commands on arrays, and says where what it shows is only near."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import (
    BACK,
    MAIN,
    BoxFrame,
    CloseBox,
    Command,
    Copy,
    Exact,
    Fill,
    Lossy,
    OpenBox,
    Restore,
    Store,
)

STALE = 0xDEADBEEF
"""What undefined memory shows."""

NOISE = np.uint32(0x00010101)
"""What a lossy codec changes: the lowest bit of each channel is set."""


class ModelClient:
    """MAIN, BACK, boxes and cache of ``width`` x ``height``; pixels that are only near have low bits set."""

    def __init__(self, width: int, height: int) -> None:
        self.surfaces = {number: np.full((height, width), STALE, np.uint32) for number in (MAIN, BACK)}
        self.cache: dict[int, Words] = {}
        self.painted = 0

    @property
    def main(self) -> Words:
        return self.surfaces[MAIN]

    def apply(self, commands: Sequence[Command], picture: Words) -> None:
        for command in commands:
            self._apply(command, picture)

    def _apply(self, command: Command, picture: Words) -> None:
        match command:
            case Copy(source_surface, source, surface, x, y):
                pixels = self._take(source_surface, source)
                self._put(surface, Rect(x, y, source.width, source.height), pixels)
            case Fill(color, rects):
                for rect in rects:
                    self._put(MAIN, rect, np.full((rect.height, rect.width), color, np.uint32))
            case Store(slot, _, rect):
                assert slot > 0
                self.cache[slot] = self._take(MAIN, rect)
            case Restore(slot, points):
                tile = self.cache[slot]
                for x, y in points:
                    self._put(MAIN, Rect(x, y, tile.shape[1], tile.shape[0]), tile)
            case Exact(rect, _):
                self.painted += rect.pixels
                self._put(MAIN, rect, picture[part(rect)])
            case Lossy(rects):
                for rect in rects:
                    self._put(MAIN, rect, picture[part(rect)] | NOISE)
            case OpenBox(number, width, height):
                assert number not in self.surfaces
                self.surfaces[number] = np.full((height, width), STALE, np.uint32)
            case CloseBox(number):
                del self.surfaces[number]
            case BoxFrame(number, place, changed):
                box = self.surfaces[number]
                assert box.shape == (place.height, place.width)
                box[:] = picture[part(place)] | NOISE
                for rect in changed:
                    assert place.contains(rect)
                    inner = Rect(rect.x - place.x, rect.y - place.y, rect.width, rect.height)
                    self._put(MAIN, rect, box[part(inner)])

    def _take(self, surface: int, rect: Rect) -> Words:
        height, width = self.surfaces[surface].shape
        assert rect == rect.clip(width, height), f"{rect} of {width}x{height}"
        return self.surfaces[surface][part(rect)].copy()

    def _put(self, surface: int, rect: Rect, pixels: Words) -> None:
        height, width = self.surfaces[surface].shape
        assert rect == rect.clip(width, height), f"{rect} of {width}x{height}"
        self.surfaces[surface][part(rect)] = pixels


def wrong(client: Words, wanted: Words) -> NDArray[np.bool_]:
    """Pixels that are not even near."""
    found: NDArray[np.bool_] = (client | NOISE) != (wanted | NOISE)
    return found


def part(rect: Rect) -> tuple[slice, slice]:
    return slice(rect.y, rect.bottom), slice(rect.x, rect.right)
