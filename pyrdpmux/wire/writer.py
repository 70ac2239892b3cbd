"""Writer: the Reader's mirror. Every put names its field, so that a value that does not fit says where."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from pyrdpmux.errors import EncodeError
from pyrdpmux.wire.block import Block

_U16_LE = struct.Struct("<H")
_U16_BE = struct.Struct(">H")
_I16_LE = struct.Struct("<h")
_U32_LE = struct.Struct("<I")
_U32_BE = struct.Struct(">I")
_I32_LE = struct.Struct("<i")
_I32_BE = struct.Struct(">i")
_U64_LE = struct.Struct("<Q")


class Writable(Protocol):
    """What can be written to a :class:`Writer`."""

    def write(self, w: Writer) -> None: ...


class Writer:
    """Grows one frame. Only ``wire.structure.encode`` and tests construct one."""

    __slots__ = ("_data", "_path")

    def __init__(self, name: str) -> None:
        self._data = bytearray()
        self._path: list[str] = [name]

    @property
    def offset(self) -> int:
        """Bytes written so far."""
        return len(self._data)

    def error(self, field: str, reason: str) -> EncodeError:
        return EncodeError(".".join([*self._path, field]), reason)

    def getvalue(self) -> bytes:
        return bytes(self._data)

    # -- integers --------------------------------------------------------------------------------

    def _put(self, layout: struct.Struct, field: str, value: int) -> None:
        try:
            self._data += layout.pack(value)
        except struct.error:
            raise self.error(field, f"{value} does not fit {layout.size} bytes") from None

    def u8(self, field: str, value: int) -> None:
        if not 0 <= value <= 0xFF:
            raise self.error(field, f"{value} does not fit 1 bytes")
        self._data.append(value)

    def u16_le(self, field: str, value: int) -> None:
        self._put(_U16_LE, field, value)

    def u16_be(self, field: str, value: int) -> None:
        self._put(_U16_BE, field, value)

    def i16_le(self, field: str, value: int) -> None:
        self._put(_I16_LE, field, value)

    def u24_be(self, field: str, value: int) -> None:
        self.uint_be(field, value, 3)

    def u32_le(self, field: str, value: int) -> None:
        self._put(_U32_LE, field, value)

    def u32_be(self, field: str, value: int) -> None:
        self._put(_U32_BE, field, value)

    def i32_le(self, field: str, value: int) -> None:
        self._put(_I32_LE, field, value)

    def i32_be(self, field: str, value: int) -> None:
        self._put(_I32_BE, field, value)

    def u64_le(self, field: str, value: int) -> None:
        self._put(_U64_LE, field, value)

    def uint_be(self, field: str, value: int, size: int) -> None:
        try:
            self._data += value.to_bytes(size, "big")
        except OverflowError:
            raise self.error(field, f"{value} does not fit {size} bytes") from None

    def uint_le(self, field: str, value: int, size: int) -> None:
        try:
            self._data += value.to_bytes(size, "little")
        except OverflowError:
            raise self.error(field, f"{value} does not fit {size} bytes") from None

    def block(self, block: Block, *values: int) -> None:
        """A fixed run of integers."""
        try:
            self._data += block.pack(*values)
        except struct.error:
            raise self.error(*block.misfit(values)) from None

    # -- bytes and text --------------------------------------------------------------------------

    def raw(self, field: str, value: bytes) -> None:
        self._data += value

    def fixed(self, field: str, value: bytes, size: int) -> None:
        """Exactly ``size`` bytes."""
        if len(value) != size:
            raise self.error(field, f"{len(value)} bytes, expected {size}")
        self._data += value

    def pad(self, field: str, size: int) -> None:
        self._data += bytes(size)

    def utf16(self, field: str, value: str) -> None:
        self._data += value.encode("utf-16-le", "surrogatepass")

    def utf16_padded(self, field: str, value: str, size: int) -> None:
        """A null-terminated string in a fixed field of ``size`` bytes."""
        data = value.encode("utf-16-le", "surrogatepass")
        # One byte pair stays for the terminating null; a peer that filled the field is echoed as it was.
        if len(data) > size:
            raise self.error(field, f"{len(data)} bytes of UTF-16, at most {size} fit")
        self._data += data.ljust(size, b"\0")

    def ansi_padded(self, field: str, value: bytes, size: int) -> None:
        if len(value) > size:
            raise self.error(field, f"{len(value)} bytes, at most {size} fit")
        self._data += value.ljust(size, b"\0")

    # -- structure -------------------------------------------------------------------------------

    def structure(self, value: Writable, field: str) -> None:
        self._path.append(field)
        value.write(self)
        self._path.pop()

    def items(self, values: tuple[Writable, ...], field: str) -> None:
        for i, value in enumerate(values):
            self.structure(value, f"{field}[{i}]")

    @contextmanager
    def length_u8(self, field: str, extra: int = 0) -> Iterator[None]:
        """Back-patched: the byte count of what is written inside, plus ``extra``."""
        yield from self._length(field, 1, extra)

    @contextmanager
    def length_u16_le(self, field: str, extra: int = 0) -> Iterator[None]:
        """Back-patched: the byte count of what is written inside, plus ``extra``."""
        yield from self._length(field, 2, extra)

    @contextmanager
    def length_u32_le(self, field: str, extra: int = 0) -> Iterator[None]:
        yield from self._length(field, 4, extra)

    @contextmanager
    def length_prefix(self, layout: Callable[[int], bytes]) -> Iterator[None]:
        """In front of what is written inside: its byte count as ``layout`` spells it (BER, PER)."""
        at = len(self._data)
        yield
        self._data[at:at] = layout(len(self._data) - at)

    def _length(self, field: str, size: int, extra: int) -> Iterator[None]:
        at = len(self._data)
        self._data += bytes(size)
        yield
        length = len(self._data) - at - size + extra
        try:
            self._data[at : at + size] = length.to_bytes(size, "little")
        except OverflowError:
            raise self.error(field, f"{length} does not fit {size} bytes") from None
