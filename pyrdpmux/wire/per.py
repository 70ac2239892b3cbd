"""The aligned Packed Encoding Rules (ITU-T X.691) as far as MCS and GCC need them.

QUIRK(mstsc, FreeRDP): a length is one byte up to 0x7F, else two with the top bit set, which leaves 15 bits.
X.691 would cut strings of 0x4000 bytes and more into fragments; no RDP peer has been seen doing so.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyrdpmux.wire.reader import Reader
from pyrdpmux.wire.writer import Writer

MAX_SHORT_LENGTH: Final = 0x7F
MAX_LENGTH: Final = 0x7FFF
MAX_INTEGER_SIZE: Final = 4
MAX_U16: Final = 0xFFFF

_LONG_FORM: Final = 0x80
_LONG_FORM_U16: Final = 0x8000


def read_length(r: Reader, field: str) -> int:
    """A length determinant of one or two bytes; the caller compares it with what follows."""
    if r.peek_u8(field) & _LONG_FORM:
        return r.u16_be(field) & MAX_LENGTH
    return r.u8(field)


def write_length(w: Writer, field: str, length: int, *, two_bytes: bool = False) -> None:
    """A length determinant; ``two_bytes`` forces the long form, which FreeRDP and rdesktop use throughout."""
    if length <= MAX_SHORT_LENGTH and not two_bytes:
        w.u8(field, length)
    elif length <= MAX_LENGTH:
        w.u16_be(field, length | _LONG_FORM_U16)
    else:
        raise w.error(field, f"length {length}, at most {MAX_LENGTH} allowed")


@contextmanager
def length_prefix(w: Writer, field: str) -> Iterator[None]:
    """A length determinant in front of what is written inside."""

    def layout(length: int) -> bytes:
        if length > MAX_LENGTH:
            raise w.error(field, f"length {length}, at most {MAX_LENGTH} allowed")
        if length <= MAX_SHORT_LENGTH:
            return bytes((length,))
        return (length | _LONG_FORM_U16).to_bytes(2, "big")

    with w.length_prefix(layout):
        yield


def read_octet_string(r: Reader, field: str, minimum: int, maximum: int) -> bytes:
    """An OCTET STRING whose length is written as the excess over its lower bound ``minimum``."""
    size = read_length(r, field) + minimum
    if size > maximum:
        raise r.error(field, f"{size} bytes, at most {maximum} allowed")
    return r.raw(field, size)


def write_octet_string(w: Writer, field: str, value: bytes, minimum: int) -> None:
    if len(value) < minimum:
        raise w.error(field, f"{len(value)} bytes, at least {minimum} expected")
    write_length(w, field, len(value) - minimum)
    w.raw(field, value)


def read_integer(r: Reader, field: str) -> int:
    """An INTEGER (0..MAX): a length and that many bytes."""
    size = r.u8(field)
    if not 1 <= size <= MAX_INTEGER_SIZE:
        raise r.error(field, f"integer of {size} bytes, expected 1 to {MAX_INTEGER_SIZE}")
    return r.uint_be(field, size)


def write_integer(w: Writer, field: str, value: int) -> None:
    """An INTEGER (0..MAX) in as few bytes as possible."""
    size = max(1, (value.bit_length() + 7) // 8)
    if value < 0 or size > MAX_INTEGER_SIZE:
        raise w.error(field, f"{value}, expected 0 to {MAX_INTEGER_SIZE} bytes")
    w.u8(field, size)
    w.uint_be(field, value, size)


def read_integer_u16(r: Reader, field: str, minimum: int) -> int:
    """An INTEGER (minimum..65535): the excess over ``minimum`` in two bytes."""
    value = r.u16_be(field) + minimum
    if value > MAX_U16:
        raise r.error(field, f"{value}, at most {MAX_U16} allowed")
    return value


def write_integer_u16(w: Writer, field: str, value: int, minimum: int) -> None:
    if not minimum <= value <= MAX_U16:
        raise w.error(field, f"{value}, expected {minimum} to {MAX_U16}")
    w.u16_be(field, value - minimum)
