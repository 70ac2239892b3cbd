"""What of a frame goes now, where a link does not take all of it before the next change: so many bytes.

What is left over goes with the frames after it. Text is asked first; and of pictures it is every part's turn
in the end, however often the first of them change.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import Flags
from pyrdpmux.graphics.client_picture import Mask
from pyrdpmux.graphics.surface import TILE
from pyrdpmux.graphics.tally import Step, StepFigures

MIN_LEARNED: Final = 4096
"""Bytes of which a frame tells how much pixels cost."""

MOST_WRONG: Final = 16.0
"""A cost is believed to differ from the first guess by this factor, at most."""

LEAST_VIDEO: Final = 0.5
"""Of a frame, for a picture of a video in it."""

LEAST_EDGES: Final = 0.01
"""Share of pixels, below which text does not become cheaper."""

AMPLE: Final = 192 * 1024
"""Bytes of a frame, from which on what is sent costs more in this machine than on the link: 25 Mbit/s."""

_LINES: Final = 8
"""Every so many lines of text are looked at."""


class Way(Enum):
    """How pixels are sent, as far as they cost something."""

    TEXT = "text"
    PICTURE = "picture"
    LOSSY = "lossy"
    MOVING = "moving"
    COARSE = "coarse"


_STEPS: Final = {
    Way.TEXT: Step.TEXT,
    Way.PICTURE: Step.PICTURE,
    Way.LOSSY: Step.LOSSY,
    Way.MOVING: Step.LOSSY,
    Way.COARSE: Step.LOSSY,
}


class Allotment:
    """Of one stream: what pixels cost, what a frame may cost, and whose turn it is."""

    def __init__(self, width: int, height: int, text_cost: float) -> None:
        """``text_cost``: bytes of a pixel of text that differs from its left neighbor, about."""
        #: tiles with pixels that are left to the next frame
        self._later = np.zeros((-(-height // TILE), -(-width // TILE)), np.bool_)
        self._guesses = {
            Way.TEXT: text_cost,
            Way.PICTURE: 2.5,
            Way.LOSSY: 0.3,
            Way.MOVING: 0.15,
            Way.COARSE: 0.08,
        }
        #: bytes of a pixel (of text: that differs), until frames tell
        self._costs = dict(self._guesses)
        #: pixels of this frame, likewise
        self._taken = dict.fromkeys(Way, 0.0)
        #: bytes that are left of it, and that it had
        self._room = self._whole = math.inf
        #: where the last frame that was full ended: (y, x)
        self._turn = (0, 0)
        #: what the target had sent before this frame
        self._figures: Mapping[Step, StepFigures] = {}

    def begin(self, room: int | None) -> None:
        """A frame, of so many bytes; None: of all that there is."""
        self._room = self._whole = math.inf if room is None else room
        self._taken = dict.fromkeys(Way, 0.0)

    @property
    def is_behind(self) -> bool:
        """Something was left to the next frame."""
        return bool(self._later.any())

    @property
    def is_ample(self) -> bool:
        """The link takes so much that time is better spent on other things than on fewer bytes."""
        return self._whole >= AMPLE

    def resume(self) -> Flags:
        """(rows, columns) bool: tiles that this frame has to look at, since the last one had no room."""
        later = self._later.copy()
        self._later[:] = False
        return later

    @property
    def for_video(self) -> int | None:
        """Bytes for a picture of a video, which goes in any case; None: as many as it takes."""
        if self._room == math.inf:
            return None
        return int(max(self._room, LEAST_VIDEO * self._whole))

    def fits(self, rects: Sequence[Rect], way: Way, words: Words) -> bool:
        """Whether all of these go now; ``words`` (height, width) are the picture."""
        if self._room == math.inf:
            return True
        return self._costs[way] * sum([_weight(rect, way, words) for rect in rects]) <= self._room

    def take(
        self, rects: Sequence[Rect], way: Way, words: Words, changed: Mask
    ) -> tuple[list[Rect], list[Rect]]:
        """Those that go now, and those that go later, cut at the grid of tiles; one tile in any case.

        Where there are cuts, parts of which nothing has ``changed`` (height, width) are in neither: of what a
        frame has brought, the next one would have to bring some again, and so on.
        """
        if self.fits(rects, way, words):
            for rect in rects:
                self._spend(_weight(rect, way, words), way)
            return list(rects), []
        parts = [part for rect in rects for part in _parts(rect)]
        parts = [part for part in parts if changed[part.slices].any()]
        parts.sort(key=_place)
        first = next((number for number, part in enumerate(parts) if _place(part) >= self._turn), 0)
        parts = [*parts[first:], *parts[:first]]
        count = 0
        for part in parts:
            weight = _weight(part, way, words)
            if count and self._costs[way] * weight > self._room:
                break
            self._spend(weight, way)
            count += 1
        if count < len(parts):
            self._turn = _place(parts[count])
        for part in parts[count:]:
            self._later[part.y // TILE, part.x // TILE] = True
        return _joined(parts[:count]), _joined(parts[count:])

    def _spend(self, weight: float, way: Way) -> None:
        self._taken[way] += weight
        self._room -= self._costs[way] * weight

    def learn(self, figures: Mapping[Step, StepFigures]) -> None:
        """From the frame that has begun last, after which its target's tally says so."""
        before, self._figures = self._figures, figures

        def size(step: Step) -> int:
            return (
                figures[step].bytes - (before[step].bytes if step in before else 0) if step in figures else 0
            )

        guessed = sum([self._costs[way] * self._taken[way] for way in (Way.TEXT, Way.PICTURE)])
        bitmaps = size(Step.BITMAPS)
        for way, step in _STEPS.items():
            weight, came = self._taken[way], size(step)
            if came >= MIN_LEARNED and weight:
                self._learn(way, came / weight)
            elif bitmaps >= MIN_LEARNED and weight and guessed:  # all kinds together
                self._learn(way, self._costs[way] * bitmaps / guessed)

    def _learn(self, way: Way, cost: float) -> None:
        """What costs more does so at once: the next frame would be too long again."""
        guess = self._guesses[way]
        cost = min(max(cost, guess / MOST_WRONG), guess * MOST_WRONG)
        self._costs[way] = max(cost, (self._costs[way] + cost) / 2)

    def clone(self) -> "Allotment":
        """For a stream that goes on by itself, with another target."""
        other = Allotment(0, 0, self._guesses[Way.TEXT])
        other._costs, other._turn, other._later = dict(self._costs), self._turn, self._later.copy()
        return other


def _weight(rect: Rect, way: Way, words: Words) -> float:
    """Pixels that cost something: of text those that differ from their left neighbors."""
    if way is not Way.TEXT:
        return rect.pixels
    lines = words[rect.slices][::_LINES]
    edges = int(np.count_nonzero(lines[:, 1:] != lines[:, :-1]))
    return rect.pixels * max(edges / max(lines.size, 1), LEAST_EDGES)


def _place(rect: Rect) -> tuple[int, int]:
    return rect.y, rect.x


def _parts(rect: Rect) -> Iterator[Rect]:
    """Disjoint, each within a tile, together the whole rectangle."""
    for top in range(rect.y // TILE * TILE, rect.bottom, TILE):
        for left in range(rect.x // TILE * TILE, rect.right, TILE):
            yield rect.intersection(Rect(left, top, TILE, TILE))


def _joined(parts: Sequence[Rect]) -> list[Rect]:
    """Neighbors in a row as one."""
    joined: list[Rect] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last is not None and (last.right, last.y, last.height) == (part.x, part.y, part.height):
            joined[-1] = last.union(part)
        else:
            joined.append(part)
    return joined
