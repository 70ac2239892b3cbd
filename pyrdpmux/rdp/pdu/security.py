"""Security headers, and the Security Exchange that standard RDP security begins with.

Under TLS only PDUs that need a type carry a header: Client Info, licensing, and everything on the message
channel. ``split_basic_header`` and ``with_basic_header`` are all that most callers need; encryption and
signatures are :mod:`pyrdpmux.rdp.standard_security.encryption`.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntFlag, Reader, Structure, Writer, decode, encode

BASIC_HEADER_SIZE: Final = 4
SIGNATURE_SIZE: Final = 8
FIPS_HEADER_SIZE: Final = 16
TSFIPS_VERSION1: Final = 1
#: 2048 bits of modulus and 8 bytes of padding are the most that Windows sends; 4096 bits leave room.
MAX_ENCRYPTED_RANDOM: Final = 520


class SecurityFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.8.1.1.2.1."""

    EXCHANGE_PKT = 0x0001
    TRANSPORT_REQ = 0x0002
    TRANSPORT_RSP = 0x0004
    ENCRYPT = 0x0008
    RESET_SEQNO = 0x0010
    IGNORE_SEQNO = 0x0020
    INFO_PKT = 0x0040
    LICENSE_PKT = 0x0080
    #: SEC_LICENSE_ENCRYPT_CS from the server and SEC_LICENSE_ENCRYPT_SC from the client are the same bit.
    LICENSE_ENCRYPT = 0x0200
    REDIRECTION_PKT = 0x0400
    SECURE_CHECKSUM = 0x0800
    AUTODETECT_REQ = 0x1000
    AUTODETECT_RSP = 0x2000
    HEARTBEAT = 0x4000
    FLAGSHI_VALID = 0x8000


@dataclass(frozen=True, slots=True)
class BasicSecurityHeader:
    """MS-RDPBCGR 2.2.8.1.1.2.1 Basic Security Header (TS_SECURITY_HEADER).

    QUIRK(mstsc, Windows servers): ``flags_hi`` is uninitialized memory unless FLAGSHI_VALID is set.
    """

    flags: SecurityFlags
    flags_hi: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(SecurityFlags(r.u16_le("flags")), r.u16_le("flagsHi"))

    def write(self, w: Writer) -> None:
        w.u16_le("flags", self.flags)
        w.u16_le("flagsHi", self.flags_hi)


@dataclass(frozen=True, slots=True)
class NonFipsSecurityHeader:
    """MS-RDPBCGR 2.2.8.1.1.2.2 Non-FIPS Security Header (TS_SECURITY_HEADER1)."""

    flags: SecurityFlags
    data_signature: bytes
    flags_hi: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = SecurityFlags(r.u16_le("flags"))
        flags_hi = r.u16_le("flagsHi")
        return cls(flags, r.raw("dataSignature", SIGNATURE_SIZE), flags_hi)

    def write(self, w: Writer) -> None:
        w.u16_le("flags", self.flags)
        w.u16_le("flagsHi", self.flags_hi)
        w.fixed("dataSignature", self.data_signature, SIGNATURE_SIZE)


@dataclass(frozen=True, slots=True)
class FipsSecurityHeader:
    """MS-RDPBCGR 2.2.8.1.1.2.3 FIPS Security Header (TS_SECURITY_HEADER2).

    QUIRK(any peer): the length is redundant, since the header has one size, and is passed over.
    """

    flags: SecurityFlags
    pad_length: int
    data_signature: bytes
    version: int = TSFIPS_VERSION1
    flags_hi: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = SecurityFlags(r.u16_le("flags"))
        flags_hi = r.u16_le("flagsHi")
        r.u16_le("length")
        version = r.u8("version")
        pad_length = r.u8("padlen")
        return cls(flags, pad_length, r.raw("dataSignature", SIGNATURE_SIZE), version, flags_hi)

    def write(self, w: Writer) -> None:
        w.u16_le("flags", self.flags)
        w.u16_le("flagsHi", self.flags_hi)
        w.u16_le("length", FIPS_HEADER_SIZE)
        w.u8("version", self.version)
        w.u8("padlen", self.pad_length)
        w.fixed("dataSignature", self.data_signature, SIGNATURE_SIZE)


@dataclass(frozen=True, slots=True)
class SecurityExchange:
    """MS-RDPBCGR 2.2.1.10.1 Security Exchange PDU Data (TS_SECURITY_PACKET), after its basic header.

    ``encrypted_client_random`` includes the eight bytes of zeros that end it on the wire.
    """

    encrypted_client_random: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        length = r.u32_le("length")
        if length > MAX_ENCRYPTED_RANDOM:
            raise r.error("length", f"{length}, at most {MAX_ENCRYPTED_RANDOM} allowed")
        return cls(r.payload("encryptedClientRandom", length))

    def write(self, w: Writer) -> None:
        with w.length_u32_le("length"):
            w.raw("encryptedClientRandom", self.encrypted_client_random)


@dataclass(frozen=True, slots=True)
class _Headed:
    """MS-RDPBCGR 2.2.8.1.1.2.1 Basic Security Header and all that follows it."""

    header: BasicSecurityHeader
    body: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.structure(BasicSecurityHeader, "securityHeader"), r.payload("body"))

    def write(self, w: Writer) -> None:
        w.structure(self.header, "securityHeader")
        w.raw("body", self.body)


def split_basic_header(data: bytes) -> tuple[BasicSecurityHeader, bytes]:
    """A frame's basic security header and what follows it."""
    headed = decode(_Headed, data)
    return headed.header, headed.body


def with_basic_header(flags: SecurityFlags, body: Structure | bytes) -> bytes:
    """The bytes of ``body`` behind a basic security header."""
    data = body if isinstance(body, bytes) else encode(body)
    return encode(_Headed(BasicSecurityHeader(flags), data))
