"""A VM's pointer shape, as its backend knows it and as each viewer's client can take it."""

import hashlib
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final, TypeAlias

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.codec.pointer import premultiply

MAX_SIDE: Final = 384
"""The largest pointer that RDP knows (MS-RDPBCGR 2.2.7.2.7)."""


class CursorState(Enum):
    """A pointer without a shape of its own."""

    #: nobody has told yet: the guest may draw its own, or have none
    UNDEFINED = auto()
    #: the client's own arrow
    DEFAULT = auto()
    #: none: the guest draws its pointer itself, or shows none
    HIDDEN = auto()


@dataclass(frozen=True, slots=True)
class Cursor:
    """A shape with straight alpha; what is larger than 384x384 is cut off. Equal shapes are equal."""

    image: Pixels = field(compare=False, repr=False)
    hot_x: int
    hot_y: int
    #: of the image and the hot spot: what tells shapes apart
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 4 or not self.image.size:
            raise ValueError(f"a pointer of shape {self.image.shape}, expected (height, width, 4)")
        image = np.array(self.image[:MAX_SIDE, :MAX_SIDE], np.uint8, order="C")
        image.setflags(write=False)
        height, width = image.shape[:2]
        hot_x, hot_y = min(max(self.hot_x, 0), width - 1), min(max(self.hot_y, 0), height - 1)
        facts = f"{width} {height} {hot_x} {hot_y}".encode()
        digest = hashlib.blake2b(image.tobytes(), digest_size=16, key=facts).digest()
        for name, value in (("image", image), ("hot_x", hot_x), ("hot_y", hot_y), ("digest", digest)):
            object.__setattr__(self, name, value)

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])

    @property
    def is_blank(self) -> bool:
        """Nothing of it can be seen."""
        return not self.image[..., 3].any()


def _dot() -> Cursor:
    """Seen on any picture: a black point with a white edge, five pixels wide."""
    image = np.zeros((5, 5, 4), np.uint8)
    image[1:4] = image[:, 1:4] = 255
    image[1:4, 1:4, :3] = 0
    return Cursor(image, 2, 2)


DOT: Final = _dot()

AnyCursor: TypeAlias = Cursor | CursorState


@dataclass(frozen=True, slots=True)
class FittedCursor:
    """A shape as :mod:`pyrdpmux.codec.pointer` wants it, colors multiplied by alpha, small enough."""

    image: Pixels
    hot_x: int
    hot_y: int


def fit_cursor(cursor: Cursor, max_side: int) -> FittedCursor:
    """At most ``max_side`` wide and high: without its clear margins, and then scaled down if need be."""
    fitted = FittedCursor(premultiply(cursor.image), cursor.hot_x, cursor.hot_y)
    if max(cursor.width, cursor.height) > max_side:
        fitted = _trimmed(fitted)
    if max(fitted.image.shape[:2]) > max_side:
        fitted = _scaled_down(fitted, -(-max(fitted.image.shape[:2]) // max_side))
    return fitted


def _trimmed(cursor: FittedCursor) -> FittedCursor:
    """Only what can be seen, and the hot spot."""
    ys, xs = np.nonzero(cursor.image[..., 3])
    left, right = min(xs.min(initial=cursor.hot_x), cursor.hot_x), max(xs.max(initial=0), cursor.hot_x)
    top, bottom = min(ys.min(initial=cursor.hot_y), cursor.hot_y), max(ys.max(initial=0), cursor.hot_y)
    image = cursor.image[top : bottom + 1, left : right + 1]
    return FittedCursor(image, int(cursor.hot_x - left), int(cursor.hot_y - top))


def _scaled_down(cursor: FittedCursor, factor: int) -> FittedCursor:
    """Each pixel the mean of a square of them; premultiplied colors make that right."""
    height, width = (-(-side // factor) for side in cursor.image.shape[:2])
    padded = np.zeros((height * factor, width * factor, 4), np.uint32)
    padded[: cursor.image.shape[0], : cursor.image.shape[1]] = cursor.image
    sums = padded.reshape(height, factor, width, factor, 4).sum(axis=(1, 3))
    image = (sums // (factor * factor)).astype(np.uint8)
    return FittedCursor(image, cursor.hot_x // factor, cursor.hot_y // factor)
