"""Reader: a cursor over one frame that names each field it reads, so that errors carry path and offset."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, Self, TypeVar

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire.block import Block
from pyrdpmux.wire.payload import Payload

_U16_LE = struct.Struct("<H")
_U16_BE = struct.Struct(">H")
_I16_LE = struct.Struct("<h")
_U32_LE = struct.Struct("<I")
_U32_BE = struct.Struct(">I")
_I32_LE = struct.Struct("<i")
_I32_BE = struct.Struct(">i")
_U64_LE = struct.Struct("<Q")


class Readable(Protocol):
    """What can be read from a :class:`Reader`."""

    @classmethod
    def read(cls, r: Reader) -> Self: ...


S = TypeVar("S", bound="Readable")


class Reader:
    """A cursor over ``data``. Only ``wire.structure.decode`` and tests construct one.

    INVARIANT: a read returns exactly the bytes asked for or raises DecodeError; sizes below zero are
    refused; offsets are absolute in the frame, also within regions and over a :class:`Payload` of it.
    """

    __slots__ = ("_base", "_data", "_end", "_field", "_path", "_pos", "_start")

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._base = data.offset if isinstance(data, Payload) else 0
        self._pos = 0
        self._end = len(data)
        self._path: list[str] = [name]
        self._field = ""
        self._start = 0

    # -- where we are ----------------------------------------------------------------------------

    @property
    def offset(self) -> int:
        """Absolute offset of the next byte."""
        return self._base + self._pos

    @property
    def position(self) -> int:
        """Offset of the next byte in ``data``, for offsets on the wire that count from its beginning."""
        return self._pos

    @property
    def remaining(self) -> int:
        """Bytes left in this frame or region."""
        return self._end - self._pos

    def error(self, field: str, reason: str) -> DecodeError:
        """The error for ``field``, placed at the start of what was read last if that was this field."""
        at = self._start if field == self._field else self._pos
        return DecodeError(".".join([*self._path, field] if field else self._path), reason, self._base + at)

    # -- integers --------------------------------------------------------------------------------

    def _take(self, field: str, size: int) -> int:
        pos = self._pos
        self._field = field
        self._start = pos
        if size < 0:
            raise self.error(field, f"negative size {size}")
        if pos + size > self._end:
            raise self.error(field, f"need {size} bytes, {self._end - pos} left")
        self._pos = pos + size
        return pos

    def u8(self, field: str) -> int:
        return self._data[self._take(field, 1)]

    def u16_le(self, field: str) -> int:
        value: int = _U16_LE.unpack_from(self._data, self._take(field, 2))[0]
        return value

    def u16_be(self, field: str) -> int:
        value: int = _U16_BE.unpack_from(self._data, self._take(field, 2))[0]
        return value

    def i16_le(self, field: str) -> int:
        value: int = _I16_LE.unpack_from(self._data, self._take(field, 2))[0]
        return value

    def u24_be(self, field: str) -> int:
        pos = self._take(field, 3)
        return int.from_bytes(self._data[pos : pos + 3], "big")

    def u32_le(self, field: str) -> int:
        value: int = _U32_LE.unpack_from(self._data, self._take(field, 4))[0]
        return value

    def u32_be(self, field: str) -> int:
        value: int = _U32_BE.unpack_from(self._data, self._take(field, 4))[0]
        return value

    def i32_le(self, field: str) -> int:
        value: int = _I32_LE.unpack_from(self._data, self._take(field, 4))[0]
        return value

    def i32_be(self, field: str) -> int:
        value: int = _I32_BE.unpack_from(self._data, self._take(field, 4))[0]
        return value

    def u64_le(self, field: str) -> int:
        value: int = _U64_LE.unpack_from(self._data, self._take(field, 8))[0]
        return value

    def uint_be(self, field: str, size: int) -> int:
        """An unsigned big-endian integer of ``size`` bytes (BER)."""
        pos = self._take(field, size)
        return int.from_bytes(self._data[pos : pos + size], "big")

    def uint_le(self, field: str, size: int) -> int:
        """An unsigned little-endian integer of ``size`` bytes (RSA numbers)."""
        pos = self._take(field, size)
        return int.from_bytes(self._data[pos : pos + size], "little")

    def peek_u8(self, field: str) -> int:
        """The next byte, without moving on."""
        value = self.u8(field)
        self._pos -= 1
        return value

    def peek_u16_le(self, field: str) -> int:
        """The next two bytes, without moving on."""
        value = self.u16_le(field)
        self._pos -= 2
        return value

    def block(self, block: Block) -> tuple[int, ...]:
        """A fixed run of integers; a truncation is reported at its first field."""
        return block.unpack(self._data, self._take(block.first, block.size))

    def constant_u8(self, field: str, expected: int) -> None:
        """One byte that can only have one value."""
        value = self.u8(field)
        if value != expected:
            raise self.error(field, f"{value:#04x}, expected {expected:#04x}")

    # -- bytes and text --------------------------------------------------------------------------

    def raw(self, field: str, size: int) -> bytes:
        pos = self._take(field, size)
        return self._data[pos : pos + size]

    def pad(self, field: str, size: int) -> None:
        """Padding or a reserved field whose value we do not keep."""
        self._take(field, size)

    def payload(self, field: str, size: int | None = None) -> Payload:
        """All that is left, or ``size`` bytes of it, for another structure to be read from."""
        pos = self._take(field, self.remaining if size is None else size)
        return Payload.at(self._base + pos, self._data[pos : self._pos])

    def rest(self, field: str) -> bytes:
        """All that is left of the frame or region."""
        return self.raw(field, self.remaining)

    def utf16(self, field: str, size: int) -> str:
        """``size`` bytes of UTF-16LE; lone surrogates are kept so that the text survives a round trip."""
        if size % 2:
            raise self.error(field, f"{size} bytes of UTF-16, expected an even number")
        return self.raw(field, size).decode("utf-16-le", "surrogatepass")

    def utf16_padded(self, field: str, size: int) -> str:
        """A null-terminated string in a fixed field of ``size`` bytes; what follows the null is padding."""
        return self.utf16(field, size).split("\0", 1)[0]

    def ansi_padded(self, field: str, size: int) -> bytes:
        """A null-terminated byte string in a fixed field; what follows the null is padding."""
        return self.raw(field, size).split(b"\0", 1)[0]

    # -- structure -------------------------------------------------------------------------------

    def structure(self, cls: type[S], field: str) -> S:
        """A nested structure."""
        self._path.append(field)
        value = cls.read(self)
        self._path.pop()
        return value

    def items(self, cls: type[S], field: str, count: int) -> tuple[S, ...]:
        """``count`` structures in a row. The caller has checked ``count`` against a limit."""
        return tuple([self.structure(cls, f"{field}[{i}]") for i in range(count)])

    @contextmanager
    def region(self, field: str, size: int) -> Iterator[Reader]:
        """A part of ``size`` bytes with an end of its own, which must be consumed completely."""
        start = self._take(field, size)
        outer_end = self._end
        self._pos, self._end = start, start + size
        self._path.append(field)
        yield self
        self.finish("")
        self._path.pop()
        self._end = outer_end

    def finish(self, field: str) -> None:
        """Nothing may be left of the frame or region."""
        if self._pos != self._end:
            self._field = ""
            raise DecodeError(
                ".".join([*self._path, field] if field else self._path),
                f"{self._end - self._pos} bytes too many",
                self.offset,
            )
