"""Security headers on and off: one function per direction and path, for server and client alike.

Without standard RDP security the headers are either absent or basic (four bytes of flags); with it they
carry the signature, and the body is encrypted (MS-RDPBCGR 2.2.8.1.1.2, 5.3.6).
"""

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.fastpath.header import (
    FastPathFlags,
    FastPathHeader,
    FastPathPdu,
    FipsInformation,
    decode_fast_path,
)
from pyrdpmux.rdp.pdu.security import (
    BasicSecurityHeader,
    FipsSecurityHeader,
    NonFipsSecurityHeader,
    SecurityFlags,
    split_basic_header,
)
from pyrdpmux.rdp.standard_security.encryption import FIPS_BLOCK_SIZE, StandardSecurity
from pyrdpmux.wire import Reader, encode, frame_offset


def seal(
    security: StandardSecurity | None,
    body: bytes,
    flags: SecurityFlags = SecurityFlags(0),
    *,
    has_header: bool,
) -> bytes:
    """``body`` behind the header that it needs; encrypted where ``security`` is given."""
    if security is None:
        return encode(BasicSecurityHeader(flags)) + body if has_header else body
    flags |= SecurityFlags.ENCRYPT
    if security.is_fips:
        signature, cipher = security.encrypt(body)
        return encode(FipsSecurityHeader(flags, _pad_size(body), signature)) + cipher
    if security.salts_output:
        flags |= SecurityFlags.SECURE_CHECKSUM
    signature, cipher = security.encrypt(body)
    return encode(NonFipsSecurityHeader(flags, signature)) + cipher


def unseal(
    security: StandardSecurity | None, data: bytes, *, has_header: bool, requires_encryption: bool = False
) -> tuple[SecurityFlags, bytes]:
    """Flags and plain body of a slow-path PDU. Raises DecodeError, also for a wrong signature.

    ``requires_encryption``: where there are keys, a PDU without encryption is forged.
    """
    if not has_header:
        return SecurityFlags(0), data
    header, rest = split_basic_header(data)
    if not header.flags & SecurityFlags.ENCRYPT:
        if requires_encryption and security is not None:
            raise DecodeError("BasicSecurityHeader.flags", "not encrypted", frame_offset(data))
        return header.flags, rest
    if security is None:
        reason = "ENCRYPT without standard RDP security"
        raise DecodeError("BasicSecurityHeader.flags", reason, frame_offset(data))
    r = Reader(data, "SecurityHeader")
    if security.is_fips:
        fips = FipsSecurityHeader.read(r)
        return fips.flags, security.decrypt(r.payload("data"), fips.data_signature, pad_size=fips.pad_length)
    plain = NonFipsSecurityHeader.read(r)
    is_salted = bool(plain.flags & SecurityFlags.SECURE_CHECKSUM)
    return plain.flags, security.decrypt(r.payload("data"), plain.data_signature, is_salted=is_salted)


def seal_fast_path(security: StandardSecurity | None, body: bytes, number: int = 0) -> bytes:
    """A fast-path PDU; ``number`` is the event count of an input PDU's header."""
    if security is None:
        return encode(FastPathPdu(body, FastPathHeader(number)))
    flags = FastPathFlags.ENCRYPTED
    fips = FipsInformation(_pad_size(body)) if security.is_fips else None
    if security.salts_output and fips is None:
        flags |= FastPathFlags.SECURE_CHECKSUM
    signature, cipher = security.encrypt(body)
    return encode(FastPathPdu(cipher, FastPathHeader(number, flags, signature, fips)))


def unseal_fast_path(
    security: StandardSecurity | None, frame: bytes, *, requires_encryption: bool = False
) -> tuple[bytes, int]:
    """Plain body and header number of a fast-path PDU; otherwise like :func:`unseal`."""
    pdu = decode_fast_path(frame, is_fips=security is not None and security.is_fips)
    header = pdu.header
    if not header.is_encrypted:
        if requires_encryption and security is not None:
            raise DecodeError("FastPathPdu.fpHeader", "not encrypted", 0)
        return pdu.body, header.number
    if security is None:
        raise DecodeError("FastPathPdu.fpHeader", "encrypted without standard RDP security", 0)
    pad_size = header.fips.pad_size if header.fips is not None else 0
    is_salted = bool(header.flags & FastPathFlags.SECURE_CHECKSUM)
    body = security.decrypt(pdu.body, header.signature, is_salted=is_salted, pad_size=pad_size)
    return body, header.number


def _pad_size(body: bytes) -> int:
    return -len(body) % FIPS_BLOCK_SIZE
