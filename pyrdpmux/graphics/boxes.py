"""Where pictures and motion go: boxes, each with a video encoder of its own size.

A picture that is seen first opens a box; if it changes again, the box goes on with the difference, which is
what a video codec is good at. A box that rests is closed: what it has shown stays, marked lossy, and is made
exact later. Boxes are not shown themselves: what they decode is copied to MAIN.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.graphics.client_picture import CELL
from pyrdpmux.graphics.commands import FIRST_BOX, BoxFrame, CloseBox, Command, OpenBox

MAX_BOXES: Final = 4
"""Open at the same time; each costs an encoder here and a surface and a decoder at the client."""

NUMBERS: Final = 1024
"""After so many boxes, numbers come again."""

REST_SECONDS: Final = 0.5
"""Without a change, after which a box is closed."""

MIN_PIXELS: Final = 20_000
"""Of a picture that is worth a box: opening one costs some 9 ms, an exact picture of this size 10."""

MAX_SMALL: Final = 5 * MIN_PIXELS
"""Of pictures that are too small for a box each, but together, go through one around them all if more."""

MIN_FILLED: Final = 0.6
"""Share of a bounding box that has to be pictures for one box to be opened for all of it."""

FULL: Final = 0.95
"""Share of the box around changes that makes them one region."""

MAX_REGIONS: Final = 32
"""Of one frame; there is one for all if there would be more."""

MAX_WASTE: Final = 1.5
"""A box serves a change that is no smaller than it by this factor; for a smaller one another is opened."""

MOTION: Final = 3
"""Changes in a row that make a box a video: all that happens in it goes through it, of whatever kind."""

MOTION_SECONDS: Final = 0.25
"""Between two changes, at most, to be in a row."""


@dataclass(slots=True)
class Box:
    """An open one."""

    number: int
    #: in whole macroblocks, but for the edges of MAIN
    place: Rect
    #: of it, what has been shown
    area: Rect
    used_at: float
    #: changes in a row
    hits: int = 1
    #: when it was seen last that a move explains changes here
    moved_at: float = -math.inf

    def explain(self, now: float, *, is_motion: bool) -> None:
        """A move explains what has changed here, or all but motion."""
        self.moved_at = now
        if not is_motion:
            self.hits = 0

    def is_video(self, now: float) -> bool:
        return self.hits >= MOTION and now - self.used_at <= MOTION_SECONDS


class Boxes:
    """Those of one stream, on a MAIN of ``width`` x ``height``."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._boxes: list[Box] = []
        self._next = FIRST_BOX

    @property
    def numbers(self) -> list[int]:
        """Of all that are open."""
        return [box.number for box in self._boxes]

    def videos(self, now: float) -> list[Box]:
        """Those in which everything counts as motion."""
        return [box for box in self._boxes if box.is_video(now)]

    def touched(self, rects: Sequence[Rect]) -> list[Box]:
        """Those that any of these reaches into."""
        return [box for box in self._boxes if any(rect.overlaps(box.area) for rect in rects)]

    def go_along(self, box: Box, dx: int, dy: int) -> None:
        """It has moved, as far as anything of it can be seen; its place goes no further than MAIN does."""
        place = self._at(box, box.place.x + dx, box.place.y + dy)
        area = box.area.moved(dx, dy).intersection(place)
        if not area.is_empty:
            box.place, box.area = place, area

    def frame(self, box: Box, changed: Sequence[Rect], now: float, room: int | None = None) -> BoxFrame:
        """``changed`` is new, within the box; ``room`` as in :meth:`show`."""
        if box.moved_at != now:
            box.hits = box.hits + 1 if now - box.used_at <= MOTION_SECONDS else 1
        box.used_at = now
        box.area = bounding_box([box.area, *changed])
        return BoxFrame(box.number, box.place, _regions(changed), room)

    def show(self, groups: Sequence[Sequence[Rect]], now: float, room: int | None = None) -> list[Command]:
        """Commands for pictures in these places, a box for each group.

        ``room``: bytes that a link takes at once; None: many.
        """
        commands: list[Command] = []
        for group in groups:
            area = bounding_box(group)
            box = self._fitting(area, now)
            if box is None:
                box = self._open(area, now, commands)
                commands.append(BoxFrame(box.number, box.place, _regions(group), room))
            else:
                commands.append(self.frame(box, group, now, room))
        return commands

    def rest(self, now: float) -> list[Command]:
        """Close those that have not changed for a while."""
        return [self._close(box) for box in list(self._boxes) if now - box.used_at >= REST_SECONDS]

    def next_rest(self) -> float | None:
        """When :meth:`rest` has something to do."""
        return min((box.used_at + REST_SECONDS for box in self._boxes), default=None)

    def close_all(self) -> list[Command]:
        """Nothing of them may be used any more."""
        return [self._close(box) for box in list(self._boxes)]

    # -- inside ----------------------------------------------------------------------------------

    def _aligned(self, rect: Rect) -> Rect:
        """In whole macroblocks, as far as MAIN reaches."""
        left, top = rect.x // CELL * CELL, rect.y // CELL * CELL
        right, bottom = -(-rect.right // CELL) * CELL, -(-rect.bottom // CELL) * CELL
        return Rect.from_corners(left, top, right, bottom).clip(self._width, self._height)

    def _fitting(self, rect: Rect, now: float) -> Box | None:
        found = [box for box in self._boxes if box.place.contains(rect)]
        box = min(found, key=lambda box: box.place.pixels, default=None)
        if box is None or (box.hits < MOTION and box.place.pixels > MAX_WASTE * rect.pixels):
            return self._brought(rect, now)
        return box

    def _brought(self, rect: Rect, now: float) -> Box | None:
        """One brought here, of a picture that a move has taken along: the next strip of a page that scrolls
        costs less than in a box that is opened for it."""
        place = self._aligned(rect)
        found = [
            box
            for box in self._boxes
            if not box.hits
            and box.used_at != now
            and box.place.width >= place.width
            and box.place.height >= place.height
            and box.place.pixels <= MAX_WASTE * place.pixels
        ]
        box = min(found, key=lambda box: box.place.pixels, default=None)
        if box is not None:
            box.place, box.area = self._at(box, place.x, place.y), rect
        return box

    def _at(self, box: Box, x: int, y: int) -> Rect:
        """Its place, if it began there, or as near as MAIN has room for it."""
        width, height = box.place.width, box.place.height
        return Rect(min(max(x, 0), self._width - width), min(max(y, 0), self._height - height), width, height)

    def _open(self, rect: Rect, now: float, commands: list[Command]) -> Box:
        place = self._aligned(rect)
        while len(self._boxes) >= MAX_BOXES:
            # A video is what costs most to begin anew.
            commands.append(self._close(min(self._boxes, key=lambda box: (box.hits >= MOTION, box.used_at))))
        while self._next in self.numbers:  # of a video that has played all the time
            self._next = _after(self._next)
        box = Box(self._next, place, rect, now)
        self._next = _after(self._next)
        self._boxes.append(box)
        commands.append(OpenBox(box.number, place.width, place.height))
        return box

    def _close(self, box: Box) -> Command:
        self._boxes.remove(box)
        return CloseBox(box.number)


def grouped(rects: Sequence[Rect]) -> tuple[list[Sequence[Rect]], list[Rect]]:
    """Pictures of which each group is worth a box, and those that are not."""
    pixels = sum(rect.pixels for rect in rects)
    if pixels < MIN_PIXELS:
        return [], list(rects)
    large, small = [rect for rect in rects if rect.pixels >= MIN_PIXELS], []
    if pixels < MIN_FILLED * bounding_box(rects).pixels and len(large) <= MAX_BOXES:
        small = [rect for rect in rects if rect.pixels < MIN_PIXELS]
        if sum(rect.pixels for rect in small) <= MAX_SMALL:
            return [[rect] for rect in large], small
    return [rects], []


def _regions(rects: Sequence[Rect]) -> tuple[Rect, ...]:
    """Of a box; one for all, if they nearly fill what is around them or are many."""
    box = bounding_box(rects)
    if len(rects) > MAX_REGIONS or sum(rect.pixels for rect in rects) >= FULL * box.pixels:
        return (box,)
    return tuple(rects)


def _after(number: int) -> int:
    return FIRST_BOX + (number + 1 - FIRST_BOX) % NUMBERS
