"""What the messages of the graphics pipeline have in common: header, numbers, rectangles and points.

Messages are many and small (a page of cached tiles is hundreds of them), so each puts its fixed fields, with
the header, on the wire in one :class:`~pyrdpmux.wire.Block`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from pyrdpmux.geometry import Rect
from pyrdpmux.wire import Block, OpenIntEnum, Reader, Writer

#: MS-RDPEGFX 2.1
CHANNEL_NAME: Final = "Microsoft::Windows::RDS::Graphics"
HEADER_SIZE: Final = 8
RECTANGLE_SIZE: Final = 8
POINT_SIZE: Final = 4


class GraphicsCommand(OpenIntEnum):
    """cmdId of MS-RDPEGFX 2.2.1.5."""

    WIRE_TO_SURFACE_1 = 0x0001
    WIRE_TO_SURFACE_2 = 0x0002
    DELETE_ENCODING_CONTEXT = 0x0003
    SOLID_FILL = 0x0004
    SURFACE_TO_SURFACE = 0x0005
    SURFACE_TO_CACHE = 0x0006
    CACHE_TO_SURFACE = 0x0007
    EVICT_CACHE_ENTRY = 0x0008
    CREATE_SURFACE = 0x0009
    DELETE_SURFACE = 0x000A
    START_FRAME = 0x000B
    END_FRAME = 0x000C
    FRAME_ACKNOWLEDGE = 0x000D
    RESET_GRAPHICS = 0x000E
    MAP_SURFACE_TO_OUTPUT = 0x000F
    CACHE_IMPORT_OFFER = 0x0010
    CACHE_IMPORT_REPLY = 0x0011
    CAPS_ADVERTISE = 0x0012
    CAPS_CONFIRM = 0x0013
    MAP_SURFACE_TO_WINDOW = 0x0015
    QOE_FRAME_ACKNOWLEDGE = 0x0016
    MAP_SURFACE_TO_SCALED_OUTPUT = 0x0017
    MAP_SURFACE_TO_SCALED_WINDOW = 0x0018


class PixelFormat(OpenIntEnum):
    """format of MS-RDPEGFX 2.2.1.4: in memory blue, green, red and a byte that is alpha or nothing."""

    XRGB_8888 = 0x20
    ARGB_8888 = 0x21


class Point(NamedTuple):
    """MS-RDPEGFX 2.2.1.1 RDPGFX_POINT16: pixels from a surface's origin, -32,768 to 32,767."""

    x: int
    y: int


_RECTANGLE: Final = Block(left="u16", top="u16", right="u16", bottom="u16")
_POINT: Final = Block(x="i16", y="i16")


@contextmanager
def reading(r: Reader, command: GraphicsCommand) -> Iterator[int]:
    """Around the fields of a message of this kind: its header, and a region of as many bytes as it says.

    flags are ignored: none are specified (2.2.1.5).
    """
    found = r.u16_le("header.cmdId")
    if found != command:
        raise r.error("header.cmdId", f"{found:#06x}, expected {int(command):#06x}")
    r.pad("header.flags", 2)
    with r.region("body", read_length(r)):
        yield r.remaining


def read_fixed(r: Reader, command: GraphicsCommand, fields: Block) -> tuple[int, ...]:
    """What is behind the header of a message of this kind that has nothing but its ``layout``'s fields."""
    found, _flags, size, *values = r.block(fields)
    if found != command:
        raise r.error(fields.first, f"{found:#06x}, expected {int(command):#06x}")
    if size != fields.size:
        raise r.error(fields.first, f"pduLength {size}, expected {fields.size}")
    return tuple(values)


def read_length(r: Reader) -> int:
    """How many bytes follow the header."""
    size = r.u32_le("header.pduLength")
    if size < HEADER_SIZE:
        raise r.error("header.pduLength", f"{size}, at least {HEADER_SIZE} expected")
    return size - HEADER_SIZE


def layout(**fields: str) -> Block:
    """A message's header and its fixed fields."""
    return Block(cmdId="u16", flags="u16", pduLength="u32", **fields)


def read_rect(r: Reader) -> Rect:
    """MS-RDPEGFX 2.2.1.2 RDPGFX_RECT16. A peer may have right before left: the width is negative then."""
    left, top, right, bottom = r.block(_RECTANGLE)
    return Rect(left, top, right - left, bottom - top)


def read_rects(r: Reader, field: str) -> tuple[Rect, ...]:
    """A count, and so many rectangles."""
    count = read_count(r, f"{field}Count", RECTANGLE_SIZE)
    return tuple([read_rect(r) for _ in range(count)])


def write_rects(w: Writer, rects: tuple[Rect, ...]) -> None:
    """Without their count, which is in the message's layout."""
    for x, y, width, height in rects:
        w.block(_RECTANGLE, x, y, x + width, y + height)


def read_points(r: Reader, field: str) -> tuple[Point, ...]:
    """A count, and so many points."""
    count = read_count(r, f"{field}Count", POINT_SIZE)
    return tuple([Point(*r.block(_POINT)) for _ in range(count)])


def write_points(w: Writer, points: tuple[Point, ...]) -> None:
    """Without their count, which is in the message's layout."""
    for x, y in points:
        w.block(_POINT, x, y)


def read_count(r: Reader, field: str, item_size: int, most: int = 0xFFFF) -> int:
    """A 16-bit count of items of this size, as many as are there at most."""
    count = r.u16_le(field)
    if count > most or count * item_size > r.remaining:
        raise r.error(field, f"{count}, at most {min(most, r.remaining // item_size)} here")
    return count
