"""The header that fast-path input and output PDUs share, and how a framer finds their end.

The two lowest bits of the first byte tell a fast-path PDU (0) from a TPKT (3); the next four are the event
count of an input PDU and reserved in an output PDU; the highest two are security flags.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import OpenIntFlag, Reader, Writer

ACTION_MASK: Final = 0x03
ACTION_FASTPATH: Final = 0

#: What the specification lets a sender put into one PDU; it also fits one TLS record.
MAX_SENT_SIZE: Final = 0x3FFF
#: What fifteen bits can say. QUIRK(FreeRDP): its length routine takes and sends the 15th bit.
MAX_RECEIVED_SIZE: Final = 0x7FFF
LENGTH_IS_LONG: Final = 0x80

SIGNATURE_SIZE: Final = 8
FIPS_INFORMATION_SIZE: Final = 4
#: What the length field says: the size of the FIPS security header of the slow path, not of this structure.
FIPS_LENGTH: Final = 0x0010


class FastPathFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.8.1.2 and 2.2.9.1.2."""

    SECURE_CHECKSUM = 0x1
    ENCRYPTED = 0x2


def is_fast_path(first_byte: int) -> bool:
    """Whether a PDU with this first byte is a fast-path PDU; otherwise it ought to be a TPKT."""
    return first_byte & ACTION_MASK == ACTION_FASTPATH


def fast_path_size(data: bytes | bytearray | memoryview) -> int | None:
    """The size of the fast-path PDU at the start of ``data``; None while too few bytes are there to tell.

    Never more than MAX_RECEIVED_SIZE, never less than the header.
    """
    if len(data) < 2:
        return None
    size, header_size = data[1], 2
    if size & LENGTH_IS_LONG:
        if len(data) < 3:
            return None
        size, header_size = (size & ~LENGTH_IS_LONG) << 8 | data[2], 3
    if size < header_size:
        raise DecodeError("FastPathPdu.length1", f"{size}, the header alone has {header_size} bytes", 1)
    return size


@dataclass(frozen=True, slots=True)
class FipsInformation:
    """MS-RDPBCGR 2.2.8.1.2.1 Fast-Path FIPS Information (TS_FP_FIPS_INFO).

    QUIRK(any peer): the length is redundant, since the structure has one size, and is passed over.
    """

    pad_size: int
    version: int = 1

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.u16_le("length")
        version = r.u8("version")
        return cls(r.u8("padlen"), version)

    def write(self, w: Writer) -> None:
        w.u16_le("length", FIPS_LENGTH)
        w.u8("version", self.version)
        w.u8("padlen", self.pad_size)


@dataclass(frozen=True, slots=True)
class FastPathHeader:
    """MS-RDPBCGR 2.2.8.1.2 and 2.2.9.1.2 Fast-Path Header, everything in front of events or updates.

    ``number`` is an input PDU's event count (0: the count is the body's first byte), reserved in output.
    ``has_long_length`` keeps a length of two bytes where one would do, as FreeRDP sends it.
    """

    number: int = 0
    flags: FastPathFlags = FastPathFlags(0)
    signature: bytes = b""
    fips: FipsInformation | None = None
    has_long_length: bool = False

    @property
    def is_encrypted(self) -> bool:
        return bool(self.flags & FastPathFlags.ENCRYPTED)

    @classmethod
    def read(cls, r: Reader, *, is_fips: bool = False) -> Self:
        """``is_fips``: the encryption method is FIPS, which the header itself does not show."""
        total_size = r.remaining
        header = r.u8("fpHeader")
        if not is_fast_path(header):
            raise r.error("fpHeader", f"action {header & ACTION_MASK}, expected {ACTION_FASTPATH}")
        has_long_length = _read_length(r, total_size)
        flags = FastPathFlags(header >> 6)
        fips, signature = None, b""
        if flags & FastPathFlags.ENCRYPTED:
            fips = r.structure(FipsInformation, "fipsInformation") if is_fips else None
            signature = r.raw("dataSignature", SIGNATURE_SIZE)
        return cls(header >> 2 & 0x0F, flags, signature, fips, has_long_length)

    def write(self, w: Writer, body_size: int) -> None:
        if not 0 <= self.number <= 0x0F:
            raise w.error("numEvents", f"{self.number} does not fit 4 bits")
        if self.is_encrypted != bool(self.signature):
            raise w.error("dataSignature", f"{len(self.signature)} bytes with flags {self.flags!r}")
        w.u8("fpHeader", self.flags << 6 | self.number << 2 | ACTION_FASTPATH)
        rest = body_size + len(self.signature) + (FIPS_INFORMATION_SIZE if self.fips else 0)
        _write_length(w, rest, self.has_long_length)
        if self.fips is not None:
            w.structure(self.fips, "fipsInformation")
        if self.signature:
            w.fixed("dataSignature", self.signature, SIGNATURE_SIZE)


@dataclass(frozen=True, slots=True)
class FastPathPdu:
    """MS-RDPBCGR 2.2.8.1.2 and 2.2.9.1.2 Fast-Path PDU, either direction, its body as it is on the wire.

    ``body`` is encrypted where the header says so; decrypted, it goes to ``decode_input_events`` or
    ``decode_updates``.
    """

    body: bytes
    header: FastPathHeader = FastPathHeader()

    @classmethod
    def read(cls, r: Reader) -> Self:
        header = FastPathHeader.read(r)
        return cls(r.payload("body"), header)

    def write(self, w: Writer) -> None:
        self.header.write(w, len(self.body))
        w.raw("body", self.body)


def decode_fast_path(data: bytes, *, is_fips: bool = False) -> FastPathPdu:
    """One whole fast-path PDU, input or output."""
    r = Reader(data, "FastPathPdu")
    header = FastPathHeader.read(r, is_fips=is_fips)
    return FastPathPdu(r.payload("body"), header)


def read_plain_header(r: Reader) -> FastPathHeader:
    """The header of a PDU on a connection that does not encrypt (TLS does)."""
    header = FastPathHeader.read(r)
    if header.is_encrypted:
        raise r.error("fpHeader", "encrypted, but the connection has no keys")
    return header


def _read_length(r: Reader, total_size: int) -> bool:
    """Whether the length is long without need."""
    length = r.u8("length1")
    is_long = bool(length & LENGTH_IS_LONG)
    if is_long:
        length = (length & ~LENGTH_IS_LONG) << 8 | r.u8("length2")
    if length != total_size:
        raise r.error("length2" if is_long else "length1", f"{length}, the PDU has {total_size} bytes")
    return is_long and total_size - 1 < LENGTH_IS_LONG


def _write_length(w: Writer, rest: int, has_long_length: bool) -> None:
    """``rest`` is what follows the length; the length counts itself and the byte before it too."""
    if rest + 2 < LENGTH_IS_LONG and not has_long_length:
        w.u8("length1", rest + 2)
        return
    if rest + 3 > MAX_RECEIVED_SIZE:
        raise w.error("length1", f"{rest + 3} does not fit 15 bits")
    w.u16_be("length1", LENGTH_IS_LONG << 8 | rest + 3)
