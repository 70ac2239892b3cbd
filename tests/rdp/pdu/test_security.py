"""Security headers and the Security Exchange PDU."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat
from pyrdpmux.rdp.pdu.security import (
    BasicSecurityHeader,
    FipsSecurityHeader,
    NonFipsSecurityHeader,
    SecurityExchange,
    SecurityFlags,
    split_basic_header,
    with_basic_header,
)
from pyrdpmux.wire import decode, encode
from tests.rdp.pdu.properties import property_tests, short_bytes, structure, u8, u16
from tests.rows import Row, row_tests

SIGNATURE = st.binary(min_size=8, max_size=8)

ROWS = [
    Row(
        "basic header with random flagsHi (mstsc, shared/vectors Example_1)",
        BasicSecurityHeader(SecurityFlags.INFO_PKT, 0x0074),
        "4000 7400",
    ),
    Row(
        "non-FIPS header (2.2.8.1.1.2.2, constructed)",
        NonFipsSecurityHeader(SecurityFlags.ENCRYPT | SecurityFlags.SECURE_CHECKSUM, bytes(range(8)), 0x1234),
        "0808 3412 0001020304050607",
    ),
    Row(
        "FIPS header (2.2.8.1.1.2.3, constructed)",
        FipsSecurityHeader(SecurityFlags.ENCRYPT, 3, bytes(range(8))),
        "0800 0000 1000 01 03 0001020304050607",
    ),
    Row(
        "security exchange (2.2.1.10.1, constructed)",
        SecurityExchange(b"\1\2\3\4" + bytes(8)),
        "0c000000 01020304 0000000000000000",
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "basic": structure(BasicSecurityHeader, u16.map(SecurityFlags), u16),
    "non-FIPS": structure(NonFipsSecurityHeader, u16.map(SecurityFlags), SIGNATURE, u16),
    "FIPS": structure(FipsSecurityHeader, u16.map(SecurityFlags), u8, SIGNATURE, u8, u16),
    "exchange": structure(SecurityExchange, short_bytes),
}

TestProperties = property_tests(CASES)


def test_a_frame_is_split_and_put_together() -> None:
    header, body = split_basic_header(bytes.fromhex("0040 1234 0005 0203"))
    assert header == BasicSecurityHeader(SecurityFlags.HEARTBEAT, 0x3412)
    assert body == bytes.fromhex("00050203")
    frame = bytes.fromhex("0040 0000 00050203")
    assert with_basic_header(SecurityFlags.HEARTBEAT, body) == frame
    assert with_basic_header(SecurityFlags.HEARTBEAT, Heartbeat(5, 2, 3)) == frame


def test_a_frame_without_a_header_is_refused() -> None:
    with pytest.raises(DecodeError, match="need 2 bytes, 1 left") as caught:
        split_basic_header(b"\x40\0\0")
    assert caught.value.path.endswith("securityHeader.flagsHi")


def test_an_endless_client_random_is_refused() -> None:
    with pytest.raises(DecodeError, match="521, at most 520 allowed"):
        decode(SecurityExchange, bytes.fromhex("09020000") + bytes(521))


def test_a_signature_of_another_size_is_not_written() -> None:
    with pytest.raises(EncodeError, match="7 bytes, expected 8"):
        encode(NonFipsSecurityHeader(SecurityFlags.ENCRYPT, bytes(7)))
