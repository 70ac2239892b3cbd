"""The Basic Encoding Rules (ITU-T X.690) as far as MCS needs them: definite lengths and five simple types.

What we write has the shortest length form, as every client and server seen does. Integers are read as
unsigned whatever their first bit says: mstsc writes 65535 as ``02 02 ff ff``, which strictly means -1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyrdpmux.wire.payload import Payload
from pyrdpmux.wire.reader import Reader
from pyrdpmux.wire.writer import Writer

TAG_BOOLEAN: Final = 0x01
TAG_INTEGER: Final = 0x02
TAG_OCTET_STRING: Final = 0x04
TAG_ENUMERATED: Final = 0x0A
TAG_SEQUENCE: Final = 0x30
#: APPLICATION class, constructed, tag number in the following byte
TAG_APPLICATION: Final = 0x7F

LONG_FORM: Final = 0x80
MAX_LENGTH_SIZE: Final = 4
MAX_INTEGER: Final = 0xFFFFFFFF
#: its 32 bits and a sign byte
MAX_INTEGER_SIZE: Final = 5


def read_length(r: Reader, field: str) -> int:
    """A definite length of any form, checked against what is left."""
    length = _read_unchecked_length(r, field)
    if length > r.remaining:
        raise r.error(field, f"length {length}, but {r.remaining} bytes follow")
    return length


def _read_unchecked_length(r: Reader, field: str) -> int:
    length = r.u8(field)
    if length >= LONG_FORM:
        size = length - LONG_FORM
        if not 1 <= size <= MAX_LENGTH_SIZE:
            raise r.error(field, f"length of {size} bytes, expected 1 to {MAX_LENGTH_SIZE}")
        length = r.uint_be(field, size)
    return length


def _length_bytes(length: int) -> bytes:
    if length < LONG_FORM:
        return bytes((length,))
    size = (length.bit_length() + 7) // 8
    return bytes((LONG_FORM + size,)) + length.to_bytes(size, "big")


def read_header(r: Reader, field: str, tag: int) -> int:
    """Tag and length; returns the length."""
    r.constant_u8(field, tag)
    return read_length(r, field)


def read_application_header(r: Reader, field: str, number: int) -> None:
    """A constructed APPLICATION tag with ``number`` 31 to 127, and a length that is not insisted on.

    QUIRK(any peer): around all of a PDU, the length is redundant: its last element says where it ends.
    """
    r.constant_u8(field, TAG_APPLICATION)
    r.constant_u8(field, number)
    _read_unchecked_length(r, field)


@contextmanager
def header(w: Writer, field: str, tag: int) -> Iterator[None]:
    """Tag and length in front of what is written inside."""
    w.u8(field, tag)
    with w.length_prefix(_length_bytes):
        yield


@contextmanager
def application_header(w: Writer, field: str, number: int) -> Iterator[None]:
    """A constructed APPLICATION tag and length in front of what is written inside."""
    w.u8(field, TAG_APPLICATION)
    w.u8(field, number)
    with w.length_prefix(_length_bytes):
        yield


def read_integer(r: Reader, field: str) -> int:
    """A non-negative INTEGER."""
    return read_sized_integer(r, field)[0]


def read_sized_integer(r: Reader, field: str) -> tuple[int, int]:
    """A non-negative INTEGER and its size in bytes, for whoever has to write it back as it came."""
    size = read_header(r, field, TAG_INTEGER)
    if not 1 <= size <= MAX_INTEGER_SIZE:
        raise r.error(field, f"integer of {size} bytes, expected 1 to {MAX_INTEGER_SIZE}")
    value = r.uint_be(field, size)
    if value > MAX_INTEGER:
        raise r.error(field, f"{value}, at most {MAX_INTEGER} allowed")
    return value, size


def write_integer(w: Writer, field: str, value: int, size: int = 0) -> None:
    """A non-negative INTEGER, in ``size`` bytes, or in as few as X.690 8.3 allows where that is 0."""
    if not 0 <= value <= MAX_INTEGER:
        raise w.error(field, f"{value}, expected 0 to {MAX_INTEGER}")
    size = size or value.bit_length() // 8 + 1
    w.u8(field, TAG_INTEGER)
    w.u8(field, size)
    w.uint_be(field, value, size)


def read_enumerated(r: Reader, field: str) -> int:
    """An ENUMERATED of one byte."""
    size = read_header(r, field, TAG_ENUMERATED)
    if size != 1:
        raise r.error(field, f"enumerated of {size} bytes, expected 1")
    return r.u8(field)


def write_enumerated(w: Writer, field: str, value: int) -> None:
    w.u8(field, TAG_ENUMERATED)
    w.u8(field, 1)
    w.u8(field, value)


def read_boolean(r: Reader, field: str) -> bool:
    size = read_header(r, field, TAG_BOOLEAN)
    if size != 1:
        raise r.error(field, f"boolean of {size} bytes, expected 1")
    return r.u8(field) != 0


def write_boolean(w: Writer, field: str, value: bool) -> None:
    w.u8(field, TAG_BOOLEAN)
    w.u8(field, 1)
    w.u8(field, 0xFF if value else 0)


def read_octet_string(r: Reader, field: str, maximum: int) -> Payload:
    """An OCTET STRING of at most ``maximum`` bytes."""
    size = read_header(r, field, TAG_OCTET_STRING)
    if size > maximum:
        raise r.error(field, f"{size} bytes, at most {maximum} allowed")
    return r.payload(field, size)


def write_octet_string(w: Writer, field: str, value: bytes) -> None:
    with header(w, field, TAG_OCTET_STRING):
        w.raw(field, value)
