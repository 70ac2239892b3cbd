"""Rectangles, and sets of pixels made of them; and how large a desktop may be.

A :class:`Region` is exact as long as it needs no more than :data:`MAX_RECTANGLES`; beyond that it grows to a
superset (never loses a pixel), so that a viewer that stands still costs bounded memory.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NamedTuple

MAX_SIDE: Final = 8192
"""Of a desktop, in pixels: what RDP clients take in practice as desktopWidth and desktopHeight (MS-RDPBCGR
2.2.7.1.2), and MS-RDPEDISP's limit."""

MAX_PIXELS: Final = 7680 * 4320
"""Of a desktop: 8K UHD, 127 MiB at 32 bits a pixel."""

MAX_RECTANGLES: Final = 128
"""An RDP bitmap update holds a few dozen tiles; past this the headers cost more than the pixels saved."""

COARSE_CELLS: Final = 8
"""Cells per side of the grid that an overfull region falls back to; its square is below the maximum."""


class Rect(NamedTuple):
    """Pixels from (x, y) up to, not including, (right, bottom)."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def slices(self) -> tuple[slice, slice]:
        """Its rows and columns in an array of (height, width, ...) that it lies in."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    @property
    def pixels(self) -> int:
        return self.width * self.height if self.width > 0 and self.height > 0 else 0

    @property
    def is_empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    @classmethod
    def from_corners(cls, left: int, top: int, right: int, bottom: int) -> "Rect":
        return cls(left, top, right - left, bottom - top)

    def moved(self, dx: int, dy: int) -> "Rect":
        """As large, so far to the right and down."""
        return Rect(self.x + dx, self.y + dy, self.width, self.height)

    def intersection(self, other: "Rect") -> "Rect":
        """What both cover; empty (perhaps with a negative size) if nothing."""
        x, y, width, height = self
        left, top, across, down = other
        first, upper = max(x, left), max(y, top)
        return Rect(first, upper, min(x + width, left + across) - first, min(y + height, top + down) - upper)

    def overlaps(self, other: "Rect") -> bool:
        """Whether both cover some pixel; neither may be empty."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def clip(self, width: int, height: int) -> "Rect":
        """The part on a surface of this size."""
        if self.x >= 0 and self.y >= 0 and self.x + self.width <= width and self.y + self.height <= height:
            return self
        return self.intersection(Rect(0, 0, width, height))

    def union(self, other: "Rect") -> "Rect":
        """The smallest rectangle that holds both, which may not be empty."""
        return Rect.from_corners(
            min(self.x, other.x),
            min(self.y, other.y),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def contains(self, other: "Rect") -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def without(self, hole: "Rect") -> "list[Rect]":
        """What is left, as up to four disjoint rectangles: above, left, right, below."""
        hole = self.intersection(hole)
        if hole.is_empty:
            return [self]
        pieces = (
            Rect.from_corners(self.x, self.y, self.right, hole.y),
            Rect.from_corners(self.x, hole.y, hole.x, hole.bottom),
            Rect.from_corners(hole.right, hole.y, self.right, hole.bottom),
            Rect.from_corners(self.x, hole.bottom, self.right, self.bottom),
        )
        return [piece for piece in pieces if not piece.is_empty]


def bounding_box(rects: Collection[Rect]) -> Rect:
    """The smallest rectangle around all of them; Rect(0, 0, 0, 0) if there are none."""
    if not rects:
        return Rect(0, 0, 0, 0)
    return Rect.from_corners(
        min(rect.x for rect in rects),
        min(rect.y for rect in rects),
        max(rect.right for rect in rects),
        max(rect.bottom for rect in rects),
    )


class Region:
    """A union of rectangles. INVARIANT: those it holds are disjoint and not empty, oldest first."""

    def __init__(self, rects: Iterable[Rect] = ()) -> None:
        self._rects: deque[Rect] = deque()
        self.add_all(rects)

    def __iter__(self) -> Iterator[Rect]:
        return iter(self._rects)

    def __len__(self) -> int:
        return len(self._rects)

    def __repr__(self) -> str:
        return f"Region({[tuple(rect) for rect in self._rects]})"

    @property
    def is_empty(self) -> bool:
        return not self._rects

    @property
    def pixels(self) -> int:
        return sum(rect.pixels for rect in self._rects)

    @property
    def bounding_box(self) -> Rect:
        """The smallest rectangle around everything; Rect(0, 0, 0, 0) when empty."""
        return bounding_box(self._rects)

    def add(self, rect: Rect) -> None:
        """Unite with one rectangle; an empty or negative one changes nothing."""
        if rect.is_empty:
            return
        kept: deque[Rect] = deque()
        fresh = [rect]
        for old in self._rects:
            if rect.contains(old):
                continue
            kept.append(old)
            if rect.overlaps(old):
                fresh = [piece for part in fresh for piece in part.without(old)]
        kept.extend(fresh)
        self._rects = kept
        if len(kept) > MAX_RECTANGLES:
            self._coalesce()

    def add_all(self, rects: Iterable[Rect]) -> None:
        for rect in rects:
            self.add(rect)

    def clip(self, width: int, height: int) -> None:
        """Forget everything outside a surface of this size."""
        clipped = [rect.clip(width, height) for rect in self._rects]
        self._rects = deque(rect for rect in clipped if not rect.is_empty)

    def clear(self) -> None:
        self._rects.clear()

    def take(self, max_pixels: int) -> list[Rect]:
        """Remove and return up to this many pixels, oldest damage first; something, unless empty.

        A rectangle beyond the budget is split, into whole rows where the budget allows.
        """
        taken: list[Rect] = []
        budget = max(max_pixels, 1)
        while self._rects and budget > 0:
            rect = self._rects[0]
            part = _fitting_part(rect, budget)
            if part.width < rect.width and taken:
                break  # less than a row left: it waits for the next call
            taken.append(part)
            budget -= part.pixels
            self._rects.popleft()
            self._rects.extendleft(reversed(rect.without(part)))
        return taken

    def _coalesce(self) -> None:
        """Join what joins exactly; if that is not enough, fall back to the contents of a coarse grid."""
        merged = _join_columns(_join_rows(list(self._rects)))
        if len(merged) > MAX_RECTANGLES:
            merged = _coarse(merged, self.bounding_box)
        self._rects = deque(merged)


def _fitting_part(rect: Rect, budget: int) -> Rect:
    if rect.pixels <= budget:
        return rect
    if budget >= rect.width:
        return Rect(rect.x, rect.y, rect.width, budget // rect.width)
    return Rect(rect.x, rect.y, budget, 1)


def _join_rows(rects: list[Rect]) -> list[Rect]:
    """Unite horizontal neighbors of equal height."""
    joined: list[Rect] = []
    for rect in sorted(rects, key=lambda r: (r.y, r.height, r.x)):
        last = joined[-1] if joined else None
        if last and (last.y, last.height, last.right) == (rect.y, rect.height, rect.x):
            joined[-1] = last.union(rect)
        else:
            joined.append(rect)
    return joined


def _join_columns(rects: list[Rect]) -> list[Rect]:
    """Unite vertical neighbors of equal width."""
    joined: list[Rect] = []
    for rect in sorted(rects, key=lambda r: (r.x, r.width, r.y)):
        last = joined[-1] if joined else None
        if last and (last.x, last.width, last.bottom) == (rect.x, rect.width, rect.y):
            joined[-1] = last.union(rect)
        else:
            joined.append(rect)
    return joined


def _coarse(rects: list[Rect], box: Rect) -> list[Rect]:
    """One bounding box per used cell of a grid over ``box``: disjoint, a superset, few.

    Each rectangle visits its own cells only: most are small, and this happens at whatever rate a guest likes.
    """
    step_x = -(-box.width // COARSE_CELLS)
    step_y = -(-box.height // COARSE_CELLS)
    cells: dict[tuple[int, int], Rect] = {}
    for rect in rects:
        for row in range((rect.y - box.y) // step_y, (rect.bottom - 1 - box.y) // step_y + 1):
            for column in range((rect.x - box.x) // step_x, (rect.right - 1 - box.x) // step_x + 1):
                cell = Rect(box.x + column * step_x, box.y + row * step_y, step_x, step_y)
                part, known = rect.intersection(cell), cells.get((row, column))
                cells[row, column] = part if known is None else known.union(part)
    return [cells[place] for place in sorted(cells)]
