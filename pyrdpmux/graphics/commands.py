"""What a frame consists of: commands in the order in which a client carries them out.

A planner says them, a target (:mod:`pyrdpmux.graphics.targets`) puts them into PDUs. Pixels are those of the
planner's picture at that moment; rectangles and points are in pixels, from the top left of a surface.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import Kind

MAIN: Final = 0
"""The surface that is shown. There is one: mapped surfaces have no order among each other."""

BACK: Final = 1
"""A surface of the same size that is never shown: keeps what a moved window covers."""

FIRST_BOX: Final = 2
"""Surfaces from here on are boxes: each has a video encoder of its own size, and is copied to MAIN."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Pixels of one surface to another, or the same one; both may overlap."""

    source_surface: int
    source: Rect
    surface: int
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Fill:
    """Rectangles of MAIN in one color, 0x00RRGGBB."""

    color: int
    rects: tuple[Rect, ...]


@dataclass(frozen=True, slots=True)
class Store:
    """A rectangle of MAIN to a slot of the client's cache; ``key`` stands for its contents."""

    slot: int
    key: int
    rect: Rect


@dataclass(frozen=True, slots=True)
class Restore:
    """What is in a slot to places of MAIN: top left corners."""

    slot: int
    points: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Exact:
    """A rectangle of MAIN as it is, by a codec that suits its kind."""

    rect: Rect
    kind: Kind
    #: rather soon than in few bytes
    is_hasty: bool = False


class Quality(Enum):
    """Of a picture that is not shown exactly."""

    GOOD = "good"
    #: for what is about to change again: half the bytes, and sooner computed and decoded
    MOVING = "moving"
    #: where the link does not take more: a sixth of the bytes
    COARSE = "coarse"


@dataclass(frozen=True, slots=True)
class Lossy:
    """Rectangles of MAIN as a picture, nearly."""

    rects: tuple[Rect, ...]
    quality: Quality = Quality.GOOD


@dataclass(frozen=True, slots=True)
class OpenBox:
    """A box of this size, from now on."""

    number: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class CloseBox:
    """A box is not needed any more; what was copied from it stays."""

    number: int


@dataclass(frozen=True, slots=True)
class BoxFrame:
    """The next picture of a box, which lies at ``place`` of MAIN: of it, ``changed`` is shown there."""

    number: int
    place: Rect
    changed: tuple[Rect, ...]
    #: that the link takes at once, which it should not exceed; None: as it looks good
    max_bytes: int | None = None


Command = Copy | Fill | Store | Restore | Exact | Lossy | OpenBox | CloseBox | BoxFrame


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the clients of a stream can do, as far as a planner has to know."""

    can_copy: bool = False
    has_back: bool = False
    can_fill: bool = False
    cache_slots: int = 0
    cache_bytes: int = 0
    #: they can be told to keep what they show, and so need not be when it is painted
    keeps_what_rests: bool = False
    has_boxes: bool = False
    has_lossy: bool = False
    #: bytes of a pixel of text that differs from its left neighbor, about
    text_cost: float = 6.0
