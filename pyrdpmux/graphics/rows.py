"""Pixels of two pictures compared where they lie.

numpy gathers the rows of a part of a picture in a buffer, 8192 pixels at a time, which takes longer than to
compare them. It does not where the part is the whole width of the picture, which is one long row then; nor
where no row fits into the buffer (1200x700 of 3840x2160: 0.6 of the time).
"""

from types import TracebackType
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.residual import Mask

WIDE: Final = 3
"""A part is wide if so many of it are wider than the picture."""

HALF: Final = 2
"""A part of which so many are as wide as the picture is compared with all that lies beside it."""

_LONG: Final = 512
"""Pixels of a row, from which on it is better left where it lies."""

_MANY: Final = 131_072
"""Pixels that are worth the 8 microseconds that it takes to change the size of the buffer, twice."""

_SMALLEST: Final = 16
"""Elements of a buffer, at least."""


def is_wide(width: int, of: int) -> bool:
    """Whether a part of this width of a picture is sooner read with all that lies beside it."""
    return width * WIDE >= of


class WholeRows:
    """Within this context, no rows of so many pixels across and in all are gathered in a buffer.

    For what needs no conversion of types only: that happens in the buffer, and takes long with a small one.
    """

    def __init__(self, width: int, pixels: int) -> None:
        self._is_worth_it = width >= _LONG and pixels >= _MANY
        self._before = 0

    def __enter__(self) -> None:
        if self._is_worth_it:
            self._before = np.setbufsize(_SMALLEST)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_worth_it:
            np.setbufsize(self._before)


def differences(
    now: Words, before: Words, area: Rect, dx: int = 0, dy: int = 0, out: Mask | None = None
) -> Mask:
    """(area.height, area.width) bool: where ``now`` is not what ``before`` is when it is moved by (dx, dy).

    Both are (h, w) uint32, C-contiguous and of one size; ``area`` is in both, also before the move. It
    goes to ``out``, (h, w) bool, if that is given, which has nothing of use beside the area then.
    """
    height, width = now.shape
    if area.width * HALF < width:
        target, origin = now[area.slices], before[area.moved(-dx, -dy).slices]
        with WholeRows(area.width, area.pixels):
            result: Mask = np.not_equal(target, origin, out=None if out is None else out[area.slices])
        return result
    offset = dy * width + dx
    start, stop = area.y * width, area.bottom * width
    # What is left out at the ends lies beside the area.
    first, last = max(start, offset), min(stop, height * width + offset)
    rows = np.empty(stop - start, np.bool_) if out is None else out.reshape(-1)[start:stop]
    np.not_equal(
        now.reshape(-1)[first:last],
        before.reshape(-1)[first - offset : last - offset],
        out=rows[first - start : last - start],
    )
    return rows.reshape(area.height, width)[:, area.x : area.right]
