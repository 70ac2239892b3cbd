"""Several displays of a VM side by side in one picture: where each lies, and how it gets its pixels there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyrdpmux.geometry import MAX_PIXELS, MAX_SIDE, Rect, bounding_box
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.screen import new_surface

MAX_HEADS: Final = 16
"""Of one VM: as many monitors as a client may have (MS-RDPBCGR 2.2.1.3.6)."""

PLAIN_SCALE: Final = 100
"""Percent."""

ROUNDING: Final = 8
"""By which a side of a head may be smaller than it was asked to be: graphics drivers round to characters."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Monitor:
    """One that a viewer has, or would like: pixels of its desktop, text and controls of ``scale`` percent."""

    area: Rect
    scale: int = PLAIN_SCALE

    def __str__(self) -> str:
        x, y, width, height = self.area
        return f"{width}x{height}{x:+}{y:+} at {self.scale} %"


def normalized(areas: Sequence[Rect]) -> tuple[Rect, ...]:
    """The same with the corner of the rectangle around all of them at (0, 0)."""
    box = bounding_box(areas)
    return tuple([area.moved(-box.x, -box.y) for area in areas])


def fit_a_desktop(areas: Sequence[Rect]) -> bool:
    """Whether the rectangle around them is not too large for one."""
    box = bounding_box(areas)
    return box.width <= MAX_SIDE and box.height <= MAX_SIDE and box.pixels <= MAX_PIXELS


def arranged(sizes: Sequence[Size], wanted: Sequence[Rect] = ()) -> tuple[Rect, ...]:
    """Disjoint areas for heads of these sizes: as ``wanted``, if they are what was wanted, or in a row.

    ``wanted`` are disjoint. A row that becomes too long goes on below it. From the first one on for which
    there is no room, heads get no area; the first of all gets one.
    """
    if len(sizes) == len(wanted) and all(map(_is_near, sizes, wanted)):
        areas = normalized([Rect(area.x, area.y, *size) for size, area in zip(sizes, wanted, strict=True)])
        if fit_a_desktop(areas):
            return areas
    return _in_rows(sizes)


def _is_near(size: Size, area: Rect) -> bool:
    width, height = area.width - size[0], area.height - size[1]
    return 0 <= width < ROUNDING and 0 <= height < ROUNDING


def _in_rows(sizes: Sequence[Size]) -> tuple[Rect, ...]:
    areas: list[Rect] = []
    left = top = bottom = 0
    for width, height in sizes[:MAX_HEADS]:
        if left + width > MAX_SIDE:
            left, top = 0, bottom
        area = Rect(left, top, width, height)
        if areas and not fit_a_desktop([*areas, area]):
            break
        areas.append(area)
        left, bottom = area.right, max(bottom, area.bottom)
    return tuple(areas)


class Composite:
    """One picture with a place for each head; black between them. Whoever has heads copies what is new."""

    def __init__(self, heads: tuple[Rect, ...]) -> None:
        self.heads = heads
        box = bounding_box(heads)
        self.surface = new_surface(box.width, box.height)

    def copy(self, number: int, source: Surface, rects: Sequence[Rect]) -> list[Rect]:
        """The pixels of a head in these places of it; where they are in the picture now, yet to be told."""
        head = self.heads[number]
        copied = []
        for rect in rects:
            part = rect.clip(min(source.width, head.width), min(source.height, head.height))
            if not part.is_empty:
                place = part.moved(head.x, head.y)
                self.surface.words[place.slices] = source.words[part.slices]
                copied.append(place)
        return copied


def head_under(heads: Sequence[Rect], x: int, y: int) -> int:
    """The number of the head that shows this place, or of the nearest one."""
    return min(range(len(heads)), key=lambda number: _distance(heads[number], x, y))


def _distance(area: Rect, x: int, y: int) -> int:
    dx = max(area.x - x, 0, x - (area.right - 1))
    dy = max(area.y - y, 0, y - (area.bottom - 1))
    return dx * dx + dy * dy
