"""pyasn1 at arm's length: DER in, DER out, and only DecodeError leaves.

pyasn1 does the typed work. Before it sees a byte, a walk of our own has checked that everything nests
properly: definite lengths inside their parents, one-byte tags, bounded depth and number of elements. That
bounds what hostile bytes can cost, and puts an offset into the error.
"""

from typing import Any, Final

from pyasn1.codec.der import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import namedtype, tag, univ

from pyrdpmux.errors import DecodeError, LimitExceeded
from pyrdpmux.wire import Reader

#: A Kerberos ticket inside a token may have 64 KiB (MaxTokenSize of Windows) plus what is around it.
MAX_SIZE: Final = 0x20000
#: TSRequest with a NegTokenInit inside is 8 deep (each OCTET STRING is a new walk).
MAX_DEPTH: Final = 16
#: The longest list is that of mechanism types; Windows sends four or five.
MAX_ELEMENTS: Final = 256
#: All INTEGERs and ENUMERATEDs of these protocols have 32 bits. Python takes its time to print long ones, and
#: refuses to with more than 4300 digits: a ValueError, in the middle of an error message.
MAX_NUMBER_BYTES: Final = 8
#: The largest length field that MAX_SIZE allows: 84 and four bytes are accepted, though DER needs fewer.
MAX_LENGTH_BYTES: Final = 4

#: What `frame_size` needs at most.
FRAME_HEADER_SIZE: Final = 2 + MAX_LENGTH_BYTES

SEQUENCE: Final = 0x30
_CONSTRUCTED: Final = 0x20
_HIGH_TAG: Final = 0x1F
_LONG_LENGTH: Final = 0x80
_UNIVERSAL_OID: Final = 6
#: the tags of INTEGER and ENUMERATED
_NUMBERS: Final = (2, 10)


def context(number: int, base: Any) -> Any:
    """``base`` inside an explicit context tag: ``[number] base``."""
    return base.subtype(explicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, number))


def required(name: str, number: int, base: Any) -> namedtype.NamedType:
    return namedtype.NamedType(name, context(number, base))


def optional(name: str, number: int, base: Any) -> namedtype.OptionalNamedType:
    return namedtype.OptionalNamedType(name, context(number, base))


class RawOid(univ.OctetString):  # type: ignore[misc]
    """An OBJECT IDENTIFIER kept as its bytes: it survives whatever it is, and costs nothing to decode."""

    tagSet = tag.initTagSet(tag.Tag(tag.tagClassUniversal, tag.tagFormatSimple, _UNIVERSAL_OID))


def _read_length(r: Reader) -> int:
    length = r.u8("length")
    if length < _LONG_LENGTH:
        return length
    size = length - _LONG_LENGTH
    if not 1 <= size <= MAX_LENGTH_BYTES:
        raise r.error("length", f"{length:#04x}: not a definite length of at most {MAX_LENGTH_BYTES} bytes")
    return r.uint_be("length", size)


def read_element(r: Reader, field: str, tag_byte: int) -> bytes:
    """The contents of one element with this tag."""
    found = r.u8(field)
    if found != tag_byte:
        raise r.error(field, f"tag {found:#04x}, expected {tag_byte:#04x}")
    return r.raw(field, _read_length(r))


def _walk(r: Reader, depth: int, budget: list[int]) -> None:
    """Check one element and everything inside it."""
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        raise r.error("tag", f"more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")
    identifier = r.u8("tag")
    if identifier & _HIGH_TAG == _HIGH_TAG:
        raise r.error("tag", f"{identifier:#04x}: a tag of several bytes")
    length = _read_length(r)
    if identifier in _NUMBERS and length > MAX_NUMBER_BYTES:
        raise r.error("length", f"a number of {length} bytes, at most {MAX_NUMBER_BYTES} allowed")
    if not identifier & _CONSTRUCTED:
        r.pad("contents", length)
        return
    with r.region(f"{identifier:02x}", length):
        while r.remaining:
            _walk(r, depth + 1, budget)


def read_der(r: Reader, spec: Any) -> Any:
    """The value of type ``spec`` that fills the rest of ``r``, as pyasn1 sees it."""
    at = r.offset
    data = r.rest("DER")
    if len(data) > MAX_SIZE:
        raise r.error("DER", f"{len(data)} bytes, at most {MAX_SIZE} allowed")
    nesting = Reader(data, "DER")
    try:
        _walk(nesting, 1, [MAX_ELEMENTS])
        nesting.finish("")
    except DecodeError as error:
        raise DecodeError(f"{r.error('', '').path}.{error.path}", error.reason, at + error.offset) from None
    try:
        value, rest = decoder.decode(data, asn1Spec=spec)
    except PyAsn1Error as error:
        # pyasn1 tells what it missed in its own terms, which the cause keeps.
        raise r.error("DER", "not the ASN.1 structure that belongs here") from error
    if rest:
        raise r.error("DER", f"{len(rest)} bytes too many")
    return value


def to_der(value: Any) -> bytes:
    """The DER of a pyasn1 value."""
    return bytes(encoder.encode(value))


def octets(value: Any, name: str) -> bytes | None:
    """An optional OCTET STRING component."""
    component = value[name]
    return bytes(component) if component.isValue else None


def integer(value: Any, name: str) -> int | None:
    """An optional INTEGER component."""
    component = value[name]
    return int(component) if component.isValue else None


def frame_size(data: bytes) -> int | None:
    """The size of the SEQUENCE that ``data`` begins with, None while its header is incomplete.

    Raises DecodeError for anything else than a SEQUENCE, and LimitExceeded for one that is too large.
    """
    r = Reader(data[:FRAME_HEADER_SIZE], "TSRequest")
    if not r.remaining:
        return None
    r.constant_u8("tag", SEQUENCE)
    if not r.remaining:
        return None
    more = r.peek_u8("length") - _LONG_LENGTH
    if r.remaining <= more <= MAX_LENGTH_BYTES:
        return None
    size = _read_length(r) + r.offset
    if size > MAX_SIZE:
        raise LimitExceeded("MAX_SIZE", size, MAX_SIZE)
    return size
