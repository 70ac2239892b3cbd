"""What tiles are called by their contents: at first glance, and for certain.

The glance is for all tiles of a picture at once (0.4 ms for 1920x1080) and may be deceived. The name is what
clients keep a tile by, beyond a session and for every VM that they look at: nobody can make another tile of
the same name.
"""

from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import TILE

_PAIRS: Final = TILE // 2
_WEIGHTS: Final = np.random.default_rng(1).integers(1 << 63, size=TILE + _PAIRS, dtype=np.uint64) * 2 + 1
_ROWS: Final = _WEIGHTS[:TILE]
_COLUMNS: Final = _WEIGHTS[TILE:]


def name(contents: Words) -> int:
    """Of a tile (64, 64) uint32, whose fourth bytes count: 64 bits."""
    digest = sha256(np.ascontiguousarray(contents).data).digest()
    return int(np.frombuffer(digest, np.uint64)[0])


def glance(contents: Words) -> int:
    """What :func:`glances` has for this tile."""
    return int(_sums(np.ascontiguousarray(contents))[0, 0])


def glances(picture: Words, rows: slice) -> NDArray[np.uint64]:
    """(rows, columns) uint64, for whole tiles of the grid from the top left, in these rows of it."""
    height, width = picture.shape
    whole = Rect(0, 0, width // TILE * TILE, height // TILE * TILE)
    band = picture[rows.start * TILE : min(rows.stop * TILE, whole.height), : whole.width]
    return _sums(np.ascontiguousarray(band)) if band.size else np.zeros((0, 0), np.uint64)


def _sums(words: Words) -> NDArray[np.uint64]:
    height, width = words.shape
    pairs = words.view(np.uint64).reshape(height // TILE, TILE, width // 2)
    lines = np.einsum("ijk,j->ik", pairs, _ROWS)
    result: NDArray[np.uint64] = np.einsum("ikl,l->ik", lines.reshape(len(lines), -1, _PAIRS), _COLUMNS)
    return result
