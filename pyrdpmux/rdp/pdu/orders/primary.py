"""Primary drawing orders: of each only what has changed since the last one of its type is on the wire."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, fields
from enum import Enum
from typing import ClassVar, Final, NamedTuple

from pyrdpmux.geometry import Rect
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

SRCCOPY: Final = 0xCC
"""bRop that puts the source there as it is (MS-RDPEGDI 2.2.2.2.1.1.1.7)."""
PATCOPY: Final = 0xF0
"""bRop that puts the brush there as it is."""


class ControlFlags(OpenIntFlag):
    """controlFlags of MS-RDPEGDI 2.2.2.2.1.1.2; the lowest two bits are the class of every order."""

    STANDARD = 0x01
    SECONDARY = 0x02
    BOUNDS = 0x04
    TYPE_CHANGE = 0x08
    DELTA_COORDINATES = 0x10
    ZERO_BOUNDS_DELTAS = 0x20


ZERO_FIELD_BYTES_SHIFT: Final = 6
"""The highest two bits of controlFlags: how many bytes of fieldFlags are zero and left out."""


class PrimaryOrderType(OpenIntEnum):
    """orderType of MS-RDPEGDI 2.2.2.2.1.1.2, as far as they are read here."""

    DSTBLT = 0x00
    PATBLT = 0x01
    SCRBLT = 0x02
    OPAQUE_RECT = 0x0A
    MEMBLT = 0x0D


class Kind(Enum):
    """How a field is laid out; the value of all but the first is its bytes."""

    COORDINATE = 0
    """2.2.2.2.1.1.1.1 Coord Field: two bytes, or one that is added to the value of before; signed."""
    U8 = 1
    U16 = 2
    COLOR = 3
    EXTRA = 7


class Field(NamedTuple):
    """A field of an order, by the specification's name."""

    name: str
    kind: Kind


def _fields(text: str) -> tuple[Field, ...]:
    kinds = {"c": Kind.COORDINATE, "1": Kind.U8, "2": Kind.U16, "3": Kind.COLOR, "7": Kind.EXTRA}
    return tuple(
        [Field(name, kinds[kind]) for name, _, kind in (word.partition(":") for word in text.split())]
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an order may draw on; ``right`` and ``bottom`` belong to it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def rect(self) -> Rect:
        """Empty, or of a negative size, where a peer has right before left."""
        return Rect.from_corners(self.left, self.top, self.right + 1, self.bottom + 1)


@dataclass(frozen=True, slots=True)
class DstBlt:
    """MS-RDPEGDI 2.2.2.2.1.1.2.1 DstBlt: an operation on what is there."""

    TYPE: ClassVar = PrimaryOrderType.DSTBLT
    FIELDS: ClassVar = _fields("nLeftRect:c nTopRect:c nWidth:c nHeight:c bRop:1")

    left: int
    top: int
    width: int
    height: int
    rop: int
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class PatBlt:
    """MS-RDPEGDI 2.2.2.2.1.1.2.3 PatBlt: a rectangle painted with a brush. Colors are 0xBBGGRR."""

    TYPE: ClassVar = PrimaryOrderType.PATBLT
    FIELDS: ClassVar = _fields(
        "nLeftRect:c nTopRect:c nWidth:c nHeight:c bRop:1 BackColor:3 ForeColor:3 "
        "BrushOrgX:1 BrushOrgY:1 BrushStyle:1 BrushHatch:1 BrushExtra:7"
    )

    left: int
    top: int
    width: int
    height: int
    rop: int
    back_color: int = 0
    fore_color: int = 0
    brush_org_x: int = 0
    brush_org_y: int = 0
    brush_style: int = 0
    brush_hatch: int = 0
    brush_extra: int = 0
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class ScrBlt:
    """MS-RDPEGDI 2.2.2.2.1.1.2.7 ScrBlt: a part of the screen goes to another place of it."""

    TYPE: ClassVar = PrimaryOrderType.SCRBLT
    FIELDS: ClassVar = _fields("nLeftRect:c nTopRect:c nWidth:c nHeight:c bRop:1 nXSrc:c nYSrc:c")

    left: int
    top: int
    width: int
    height: int
    rop: int
    x_src: int
    y_src: int
    bounds: Bounds | None = None

    @classmethod
    def of(cls, source: Rect, x: int, y: int) -> "ScrBlt":
        """``source`` shall be at (x, y), too."""
        return cls(x, y, source.width, source.height, SRCCOPY, source.x, source.y)


@dataclass(frozen=True, slots=True)
class OpaqueRect:
    """MS-RDPEGDI 2.2.2.2.1.1.2.5 OpaqueRect: one color."""

    TYPE: ClassVar = PrimaryOrderType.OPAQUE_RECT
    FIELDS: ClassVar = _fields("nLeftRect:c nTopRect:c nWidth:c nHeight:c RedOrPaletteIndex:1 Green:1 Blue:1")

    left: int
    top: int
    width: int
    height: int
    red: int
    green: int
    blue: int
    bounds: Bounds | None = None


@dataclass(frozen=True, slots=True)
class MemBlt:
    """MS-RDPEGDI 2.2.2.2.1.1.2.9 MemBlt: a bitmap of the cache, or a part of it.

    QUIRK(FreeRDP 2.11, rdesktop 1.9): ``y_src`` counts from the bitmap's top, the specification's from its
    bottom. What is zero and as high as the bitmap means the same to all.
    """

    TYPE: ClassVar = PrimaryOrderType.MEMBLT
    FIELDS: ClassVar = _fields(
        "cacheId:2 nLeftRect:c nTopRect:c nWidth:c nHeight:c bRop:1 nXSrc:c nYSrc:c cacheIndex:2"
    )

    #: the cache in the lower byte, the index of a color table in the upper
    cache_id: int
    left: int
    top: int
    width: int
    height: int
    rop: int
    x_src: int
    y_src: int
    cache_index: int
    bounds: Bounds | None = None

    @classmethod
    def of(cls, cache_id: int, cache_index: int, area: Rect) -> "MemBlt":
        """A whole bitmap, which is as large as ``area``."""
        return cls(cache_id, area.x, area.y, area.width, area.height, SRCCOPY, 0, 0, cache_index)


PrimaryOrder = DstBlt | PatBlt | ScrBlt | OpaqueRect | MemBlt

PRIMARY_ORDERS: Final[dict[int, type[PrimaryOrder]]] = {
    int(cls.TYPE): cls for cls in (DstBlt, PatBlt, ScrBlt, OpaqueRect, MemBlt)
}

_ATTRIBUTES: Final = {
    number: tuple([item.name for item in fields(cls)]) for number, cls in PRIMARY_ORDERS.items()
}

_BOUNDS: Final = ("leftBound", "topBound", "rightBound", "bottomBound")
_ALL_BOUNDS: Final = 0x0F
_DELTA_BOUND_SHIFT: Final = 4
_DELTAS: Final = range(-128, 128)
_COORDINATES: Final = range(-32768, 32768)


@dataclass(slots=True)
class OrderHistory:
    """MS-RDPEGDI 3.2.1.1, 3.3.1.2 Primary Drawing Order History: what orders leave out, as it was last."""

    order_type: int = PrimaryOrderType.PATBLT
    bounds: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    values: dict[int, list[int]] = field(default_factory=dict)


def read_primary(r: Reader, control_flags: int, history: OrderHistory) -> PrimaryOrder:
    """2.2.2.2.1.1.2 Primary Drawing Order, behind its controlFlags."""
    if control_flags & ControlFlags.TYPE_CHANGE:
        history.order_type = r.u8("orderType")
    cls = PRIMARY_ORDERS.get(history.order_type)
    if cls is None:
        raise r.error("orderType", f"{history.order_type:#04x}, which was not announced")
    flag_bytes = _flag_bytes(cls.FIELDS) - (control_flags >> ZERO_FIELD_BYTES_SHIFT)
    present = r.uint_le("fieldFlags", max(0, flag_bytes))
    bounds = None
    if control_flags & ControlFlags.BOUNDS:
        if not control_flags & ControlFlags.ZERO_BOUNDS_DELTAS:
            _read_bounds(r, history.bounds)
        bounds = Bounds(*history.bounds)
    values = history.values.setdefault(history.order_type, [0] * len(cls.FIELDS))
    is_delta = bool(control_flags & ControlFlags.DELTA_COORDINATES)
    for index, (name, kind) in enumerate(cls.FIELDS):
        if present >> index & 1:
            values[index] = _read_field(r, name, kind, values[index] if is_delta else None)
    make: Callable[..., PrimaryOrder] = cls
    return make(*values, bounds=bounds)


def _flag_bytes(layout: Sequence[Field]) -> int:
    return -(-(len(layout) + 1) // 8)


def _read_field(r: Reader, name: str, kind: Kind, before: int | None) -> int:
    if kind is not Kind.COORDINATE:
        return r.uint_le(name, kind.value)
    return r.i16_le(name) if before is None else _read_delta(r, name, before)


def _read_delta(r: Reader, name: str, before: int) -> int:
    delta = r.u8(name)
    value = before + (delta - 256 if delta > 127 else delta)
    if value not in _COORDINATES:
        raise r.error(name, f"{value} behind {before}, which does not fit 16 bits")
    return value


def _read_bounds(r: Reader, bounds: list[int]) -> None:
    present = r.u8("boundsFlags")
    for index, name in enumerate(_BOUNDS):
        if present >> index + _DELTA_BOUND_SHIFT & 1:
            bounds[index] = _read_delta(r, name, bounds[index])
        elif present >> index & 1:
            bounds[index] = r.i16_le(name)


def write_primary(w: Writer, order: PrimaryOrder, history: OrderHistory) -> None:
    """2.2.2.2.1.1.2 Primary Drawing Order, in whole where ``history`` has none of its type."""
    *values, bounds = [getattr(order, name) for name in _ATTRIBUTES[order.TYPE]]
    before = history.values.get(order.TYPE)
    changed = [index for index, value in enumerate(values) if before is None or before[index] != value]
    is_delta = before is not None and _fits_deltas(order.FIELDS, values, before, changed)
    sum_of_flags = sum([1 << index for index in changed])
    total, sent = _flag_bytes(order.FIELDS), -(-sum_of_flags.bit_length() // 8)
    control_flags = ControlFlags.STANDARD | (total - sent) << ZERO_FIELD_BYTES_SHIFT
    control_flags |= ControlFlags.TYPE_CHANGE if history.order_type != order.TYPE or before is None else 0
    control_flags |= ControlFlags.DELTA_COORDINATES if is_delta else 0
    control_flags |= ControlFlags.BOUNDS if bounds is not None else 0
    w.u8("controlFlags", control_flags)
    if control_flags & ControlFlags.TYPE_CHANGE:
        w.u8("orderType", order.TYPE)
    w.uint_le("fieldFlags", sum_of_flags, sent)
    if bounds is not None:
        w.u8("boundsFlags", _ALL_BOUNDS)
        for name, bound in zip(_BOUNDS, astuple(bounds), strict=True):
            w.i16_le(name, bound)
    for index in changed:
        base = before[index] if is_delta and before is not None else None
        _write_field(w, order.FIELDS[index], values[index], base)
    history.order_type = order.TYPE
    history.values[order.TYPE] = values


def _fits_deltas(
    layout: Sequence[Field], values: Sequence[int], before: Sequence[int], changed: Sequence[int]
) -> bool:
    moved = [index for index in changed if layout[index].kind is Kind.COORDINATE]
    return bool(moved) and all([values[index] - before[index] in _DELTAS for index in moved])


def _write_field(w: Writer, layout: Field, value: int, before: int | None) -> None:
    name, kind = layout
    if kind is not Kind.COORDINATE:
        w.uint_le(name, value, kind.value)
    elif before is None:
        w.i16_le(name, value)
    else:
        w.u8(name, (value - before) & 0xFF)
