"""The shapes that one client remembers, and the pointer update that shows the next one.

Clients keep a numbered cache of shapes (MS-RDPBCGR 2.2.7.1.5): a shape that is still in it costs two bytes.
"""

from collections import OrderedDict
from typing import Final

from pyrdpmux.codec.pointer import encode_pointer
from pyrdpmux.mux.picture.cursor import AnyCursor, Cursor, CursorState, FittedCursor, fit_cursor
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.pdu.pointer import (
    MAX_POINTER_SIZE,
    CachedPointer,
    ColorPointer,
    LargePointer,
    NewPointer,
    SlowPathPointer,
    SystemPointer,
    SystemPointerType,
)

HIDDEN: Final = SystemPointer(SystemPointerType.NULL)
DEFAULT: Final = SystemPointer(SystemPointerType.DEFAULT)

NEW_POINTER_BITS: Final = 32
COLOR_POINTER_BITS: Final = 24

MAX_SLOTS: Final = 25
"""What we announce; a client that has more room gets no more."""


class PointerCache:
    """One client's cache. A new activation of the connection begins with an empty one."""

    def __init__(self, output: OutputFormat) -> None:
        self._output = output
        self._slots = min(output.pointer_cache_size or output.color_pointer_cache_size, MAX_SLOTS)
        self._indexes: OrderedDict[bytes, int] = OrderedDict()
        side = output.max_pointer_side
        self._max_side = side if output.is_fast_path else min(side, MAX_POINTER_SIZE)

    def update_for(self, cursor: AnyCursor) -> SlowPathPointer | LargePointer:
        """What makes the client show this pointer."""
        if cursor is CursorState.DEFAULT:
            return DEFAULT
        if not isinstance(cursor, Cursor) or cursor.is_blank:
            return HIDDEN
        if not self._slots:  # the client knows no shapes at all
            return DEFAULT
        known = self._indexes.get(cursor.digest)
        if known is not None:
            self._indexes.move_to_end(cursor.digest)
            return CachedPointer(known)
        return self._shape(self._place(cursor), fit_cursor(cursor, self._max_side))

    def _place(self, cursor: Cursor) -> int:
        """A free slot, or that of the shape that was not used for longest."""
        index = len(self._indexes)
        if index >= self._slots:
            _, index = self._indexes.popitem(last=False)
        self._indexes[cursor.digest] = index
        return index

    def _shape(self, index: int, cursor: FittedCursor) -> SlowPathPointer | LargePointer:
        height, width = cursor.image.shape[:2]
        if not self._output.pointer_cache_size:
            xor_mask, and_mask = encode_pointer(cursor.image, COLOR_POINTER_BITS)
            return ColorPointer(index, cursor.hot_x, cursor.hot_y, width, height, xor_mask, and_mask)
        xor_mask, and_mask = encode_pointer(cursor.image, NEW_POINTER_BITS)
        if max(width, height) > MAX_POINTER_SIZE:
            return LargePointer(
                NEW_POINTER_BITS, index, cursor.hot_x, cursor.hot_y, width, height, xor_mask, and_mask
            )
        shape = ColorPointer(index, cursor.hot_x, cursor.hot_y, width, height, xor_mask, and_mask)
        return NewPointer(NEW_POINTER_BITS, shape)
