"""What a workload does to its screen: moves first, then patches, in this order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect

Pixels = NDArray[np.uint8]
"""(height, width, 4) BGRX."""


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """The pixels of ``source`` go to (x, y), as XCopyArea moves them: it may overlap."""

    source: Rect
    x: int
    y: int

    @property
    def target(self) -> Rect:
        return Rect(self.x, self.y, self.source.width, self.source.height)


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Pixels that were not there before."""

    x: int
    y: int
    pixels: Pixels

    @property
    def rect(self) -> Rect:
        height, width = self.pixels.shape[:2]
        return Rect(self.x, self.y, width, height)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of a workload. Its last patch is the marker."""

    moves: tuple[Move, ...]
    patches: tuple[Patch, ...]


def apply(frame: Frame, screen: Pixels) -> None:
    """Paint ``frame`` onto ``screen``."""
    for move in frame.moves:
        source, target = move.source, move.target
        moved = screen[source.y : source.bottom, source.x : source.right].copy()
        screen[target.y : target.bottom, target.x : target.right] = moved
    for patch in frame.patches:
        rect = patch.rect
        screen[rect.y : rect.bottom, rect.x : rect.right] = patch.pixels
