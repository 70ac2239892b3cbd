"""Motion in open boxes: which of it goes on, and which of it is a page that scrolls with a video in it.

A page that scrolls changes as much as a video does. Where moves may explain that, they are looked for first,
videos and all: what is left then is motion, and a video has moved with its page.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.graphics.boxes import Box, Boxes
from pyrdpmux.graphics.client_picture import Layer
from pyrdpmux.graphics.predictions import MIN_CHANGED
from pyrdpmux.graphics.proofs import Move
from pyrdpmux.graphics.residual import Mask, changed_rects
from pyrdpmux.graphics.snapshot import Snapshot

MOVING: Final = 0.5
"""Share of the pixels of a video that change from one of its pictures to the next, at least, in most."""

FOLLOWED: Final = 0.8
"""Share of a video that a move has to cover for the video to go with it."""

MAX_PAUSE: Final = 16
"""Frames at most, in which moves are not looked for within a video that had none."""

_STEP: Final = 16
_SAMPLES: Final = slice(_STEP // 2, None, _STEP)


class Videos:
    """Those boxes of one stream in which everything counts as motion."""

    def __init__(self, boxes: Boxes, main: Layer, snapshot: Snapshot) -> None:
        self._boxes = boxes
        self._main = main
        self._snapshot = snapshot
        #: frames until moves are looked for in videos again, and how many that was the last time
        self._rest = self._pause = 0
        #: more than videos has changed
        self._is_beside = False

    def may_have_moved(self, rects: Sequence[Rect], now: float) -> bool:
        """Whether moves are to be looked for before videos are shown: always where more than they has
        changed within ``rects``; otherwise the more seldom, the longer there were none."""
        beside = list(rects)
        for box in self._boxes.videos(now):
            beside = [piece for rect in beside for piece in rect.without(box.place)]
        self._is_beside = sum(self._estimate(rect) for rect in beside) >= MIN_CHANGED
        if self._is_beside:
            return True
        if self._rest:
            self._rest -= 1
            return False
        self._pause = self._rest = min(2 * self._pause + 1, MAX_PAUSE)
        return True

    def going_on(self, rects: Sequence[Rect], now: float) -> list[Box]:
        """Those that have another picture, by a look at every 16th line; it is all of their area."""
        found = []
        for box in self._boxes.videos(now):
            self._extend(box)
            part = box.area.slices
            before, current = self._main.words[part][_SAMPLES], self._snapshot.words[part][_SAMPLES]
            is_drawn = any(rect.overlaps(box.area) for rect in rects)
            if is_drawn and np.count_nonzero(before != current) >= MOVING * before.size:
                found.append(box)
        return found

    def within(self, region: Rect, now: float) -> list[Rect]:
        """What has been shown of videos there, if something else has changed, too: what plays has not come
        from anywhere."""
        if not self._is_beside:
            return []
        areas = [box.area.intersection(region) for box in self._boxes.videos(now)]
        return [area for area in areas if not area.is_empty]

    def follow(self, moves: Sequence[Move], wrong: Mask, region: Rect, now: float) -> None:
        """These moves were made; ``wrong`` is what they have not explained of ``region``."""
        self._pause = self._rest = 0
        for box in self._boxes.touched([move.room for move in moves]):
            for move in moves:
                if move.source.intersection(box.area).pixels >= FOLLOWED * box.area.pixels:
                    self._boxes.go_along(box, move.dx, move.dy)
                    break
            box.explain(now, is_motion=_share(wrong, region, box.area) >= MOVING)

    def changes(self, rects: Sequence[Rect], now: float) -> list[tuple[Box, list[Rect]]]:
        """What else has changed in videos within ``rects``; it does not count as changed any more."""
        found = []
        around = bounding_box(rects)
        for box in self._boxes.videos(now):
            place = box.place.intersection(around)  # beyond that, nothing is known of the mask
            if box.used_at == now or not any(rect.overlaps(place) for rect in rects):
                continue
            changed = self._snapshot.changed[place.slices]
            if changes := changed_rects(changed, place.x, place.y):
                found.append((box, changes))
                changed[:] = False
        return found

    # -- inside ----------------------------------------------------------------------------------

    def _estimate(self, rect: Rect) -> int:
        """How many pixels have changed."""
        part = rect.slices
        before, current = self._main.words[part], self._snapshot.words[part]
        step = min(_STEP, max(rect.height // 2, 1))
        return step * int(np.count_nonzero(before[step // 2 :: step] != current[step // 2 :: step]))

    def _extend(self, box: Box) -> None:
        """What moves along most of an edge of what was shown of a video belongs to it, too."""
        for strip in box.place.without(box.area):
            changed = self._main.words[strip.slices] != self._snapshot.words[strip.slices]
            if found := changed_rects(changed, strip.x, strip.y):
                reach = bounding_box(found)
                is_long = max(reach.width, reach.height) >= MOVING * max(strip.width, strip.height)
                if is_long and np.count_nonzero(changed) >= MOVING * reach.pixels:
                    box.area = bounding_box([box.area, reach])


def _share(wrong: Mask, region: Rect, rect: Rect) -> float:
    """Of ``rect``, that is wrong; ``wrong`` tells of ``region`` only."""
    inner = rect.intersection(region)
    if inner.is_empty:
        return 0.0
    part = inner.moved(-region.x, -region.y).slices
    return float(np.count_nonzero(wrong[part])) / rect.pixels
