"""Block: a fixed run of integers that is read or written in one go.

For hot paths and runs of six fields or more only; elsewhere one call a field reads better.
"""

import struct
from typing import Final

_CODES: Final = {"u8": "B", "i8": "b", "u16": "H", "i16": "h", "u32": "I", "i32": "i", "u64": "Q"}


class Block:
    """Little-endian fields without gaps: ``Block(left="u16", top="u16")``, names as in the specification."""

    __slots__ = ("_layout", "fields", "size")

    def __init__(self, **fields: str) -> None:
        self._layout = struct.Struct("<" + "".join([_CODES[kind] for kind in fields.values()]))
        self.fields: Final = fields
        self.size: Final = self._layout.size

    @property
    def first(self) -> str:
        """The name that stands for the block in an error."""
        return next(iter(self.fields))

    def unpack(self, data: bytes, offset: int = 0) -> tuple[int, ...]:
        """The values at ``offset``; the caller has made sure that ``size`` bytes are there."""
        return self._layout.unpack_from(data, offset)

    def pack(self, *values: int) -> bytes:
        """The bytes of ``values``; ``struct.error`` if one does not fit, which :meth:`misfit` then names."""
        return self._layout.pack(*values)

    def misfit(self, values: tuple[int, ...]) -> tuple[str, str]:
        """Field and reason of the first value that does not fit."""
        for (field, kind), value in zip(self.fields.items(), values, strict=False):
            try:
                struct.pack("<" + _CODES[kind], value)
            except struct.error:
                return field, f"{value} does not fit {struct.calcsize(_CODES[kind])} bytes"
        return self.first, f"{len(values)} values, expected {len(self.fields)}"
