"""What a VM shows: pixels, and for each tile the number of the last write that touched it.

Whoever paints writes and goes on; nobody is handed rectangles. A stream remembers up to which version it has
looked, and asks for the tiles that are newer when it can send something. Pixels and versions lie in one
buffer, so another process can be given them.

INVARIANT: pixels are written first and their version last. A reader takes the version first: what is written
while it copies is newer than what it has seen, and is looked at again.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Pixels, Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.residual import bounds_of

TILE: Final = 64
"""Pixels per side of a tile."""

WHOLE_SECONDS: Final = 0.1
"""That whoever takes a picture over and whoever paints the next one wait for each other: either takes 5 to 20
ms, 80 of a large screen on a busy machine. With half of two pictures, a page that scrolls is torn."""

MAX_PROPOSALS: Final = 64
"""Moves that are remembered; who looks after more writes than that has to find them itself."""

_VERSION_SIZE: Final = 8

Buffer = Any
"""What supports the buffer protocol: bytearray, mmap, memoryview, an array."""


class Proposal(NamedTuple):
    """Somebody says that pixels were moved by a vector, somewhere."""

    version: int
    dx: int
    dy: int


class Surface:
    """A picture of a fixed size; another size is another surface."""

    def __init__(self, width: int, height: int, buffer: Buffer = None) -> None:
        """``buffer``: :meth:`size_of` bytes of zeros, writable; memory of its own if not given."""
        if width < 1 or height < 1:
            raise ValueError(f"a surface of {width}x{height}")
        if buffer is None:
            buffer = np.zeros(self.size_of(width, height), np.uint8)
        rows, columns = -(-height // TILE), -(-width // TILE)
        start = rows * columns * _VERSION_SIZE
        memory = np.frombuffer(buffer, np.uint8)
        #: (rows, columns) uint64, one per tile of 64x64 pixels; 0: never written
        self.versions: NDArray[np.uint64] = memory[:start].view(np.uint64).reshape(rows, columns)
        #: (height, width, 4) uint8 BGRX; the fourth byte means nothing
        self.pixels: Pixels = memory[start : start + height * width * 4].reshape(height, width, 4)
        #: the same, (height, width) uint32
        self.words: Words = self.pixels.view(np.uint32)[:, :, 0]
        self.width, self.height = width, height
        #: of the last write
        self.version = 0
        #: its painter is in the midst of something that belongs together: who looks takes half of it
        self.is_being_painted = False
        #: who takes pixels over at this moment, and would have half of two pictures if one was written now
        self.readers: set[object] = set()
        self._proposals: deque[Proposal] = deque(maxlen=MAX_PROPOSALS)

    @staticmethod
    def size_of(width: int, height: int) -> int:
        """Bytes of the buffer that a surface of this size needs."""
        return -(-height // TILE) * -(-width // TILE) * _VERSION_SIZE + height * width * 4

    @property
    def rect(self) -> Rect:
        return Rect(0, 0, self.width, self.height)

    # -- the painter's side ----------------------------------------------------------------------

    def touch(self, rects: Sequence[Rect]) -> None:
        """Their pixels have been written; parts outside are cut off."""
        version = self.version + 1
        for rect in rects:
            rect = rect.clip(self.width, self.height)
            if not rect.is_empty:
                rows = slice(rect.y // TILE, -(-rect.bottom // TILE))
                self.versions[rows, rect.x // TILE : -(-rect.right // TILE)] = version
        # Last: a reader that has this version finds all of its tiles.
        self.version = version

    def write(self, rect: Rect, bgrx: Pixels) -> None:
        """Put ``bgrx``, of the size of ``rect``, at its place; what lies outside is cut off."""
        if bgrx.shape != (rect.height, rect.width, 4):
            raise ValueError(f"pixels of shape {bgrx.shape} for {rect}")
        visible = rect.clip(self.width, self.height)
        if visible.is_empty:
            return
        left, top = visible.x - rect.x, visible.y - rect.y
        self.pixels[visible.y : visible.bottom, visible.x : visible.right] = bgrx[
            top : top + visible.height, left : left + visible.width
        ]
        self.touch([visible])

    def propose_move(self, dx: int, dy: int) -> None:
        """Pixels were moved by this, as of the last write: a hint, which is proven before it is used."""
        self._proposals.append(Proposal(self.version, dx, dy))

    # -- the reader's side -----------------------------------------------------------------------

    def newer(self, version: int) -> NDArray[np.bool_]:
        """(rows, columns) bool: tiles that were written after this version."""
        found: NDArray[np.bool_] = self.versions > np.uint64(version)
        return found

    def proposals(self, version: int) -> list[tuple[int, int]]:
        """Vectors that were proposed after this version, the newest first, each once."""
        found = [(item.dx, item.dy) for item in reversed(tuple(self._proposals)) if item.version > version]
        return list(dict.fromkeys(found))


def tile_rects(tiles: NDArray[np.bool_], width: int, height: int) -> list[Rect]:
    """Rectangles of set tiles (rows, columns) bool, disjoint, clipped to a picture of this size.

    Runs of tiles in a row; those of equal ends below each other are one.
    """
    rows, columns = tiles.shape
    bounds = bounds_of(tiles)
    if bounds is None:
        return []
    if tiles[bounds.slices].all():  # all else takes ten times as long
        area = Rect(bounds.x * TILE, bounds.y * TILE, bounds.width * TILE, bounds.height * TILE)
        return [area.clip(width, height)]
    padded = np.zeros((rows, columns + 2), np.int8)
    padded[:, 1:-1] = tiles
    # Row by row, where a run starts and where it ends take turns.
    row, edge = (places.tolist() for places in np.nonzero(np.diff(padded, axis=1)))
    rects: list[Rect] = []
    open_runs: dict[tuple[int, int], int] = {}
    for index in range(0, len(row), 2):
        start, end = edge[index], edge[index + 1]
        area = Rect(start * TILE, row[index] * TILE, (end - start) * TILE, TILE).clip(width, height)
        known = open_runs.get((start, end))
        if known is not None and rects[known].bottom == area.y:
            rects[known] = rects[known].union(area)
        else:
            open_runs[start, end] = len(rects)
            rects.append(area)
    return rects
