"""The fast-path header: framing at every split, encryption, FIPS, and lengths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.fastpath.header import (
    MAX_RECEIVED_SIZE,
    FastPathFlags,
    FastPathHeader,
    FastPathPdu,
    FipsInformation,
    decode_fast_path,
    fast_path_size,
    is_fast_path,
    read_plain_header,
)
from pyrdpmux.wire import Reader, encode
from tests.rows import Row, row_tests, unhex

ENCRYPTED = FastPathFlags.ENCRYPTED | FastPathFlags.SECURE_CHECKSUM
SIGNATURE = unhex("30356b5bb534c847")


def decode_fips(data: bytes) -> FastPathPdu:
    return decode_fast_path(data, is_fips=True)


ROWS = [
    Row(
        "encrypted input (MS-RDPBCGR 4.7)",
        FastPathPdu(unhex("2618 5e76 0ede 28"), FastPathHeader(1, ENCRYPTED, SIGNATURE)),
        """c4 11                    # flags 3, 1 event, action 0; 17 bytes
           30356b5bb534c847         # dataSignature
           26185e760ede28           # encrypted fpInputEvents""",
        decode=decode_fast_path,
    ),
    Row(
        "cached pointer (shared/vectors Example_1)",
        FastPathPdu(unhex("0a 0200 0200")),
        "00 07 0a 0200 0200",
        decode=decode_fast_path,
    ),
    Row(
        "long length where a short one would do (FreeRDP 2.11's form, constructed)",
        FastPathPdu(b"\1\2", FastPathHeader(has_long_length=True)),
        "00 8005 0102",
    ),
    Row(
        "encrypted under FIPS (constructed)",
        FastPathPdu(
            bytes(8), FastPathHeader(0, FastPathFlags.ENCRYPTED, bytes(range(8)), FipsInformation(5))
        ),
        """80 16
           1000 01 05               # TS_FP_FIPS_INFO: length, version, padlen
           0001020304050607
           0000000000000000""",
        decode=decode_fips,
    ),
    Row(
        "not encrypted although FIPS (constructed)",
        FastPathPdu(b"\5\0\0"),
        "00 05 050000",
        decode=decode_fips,
    ),
    Row("FIPS information (2.2.8.1.2.1, constructed)", FipsInformation(3), "1000 01 03"),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize(
    ("size", "head"),
    [(2, "00 02"), (127, "00 7f"), (129, "00 8081"), (0x3FFF, "00 bfff"), (0x7FFF, "00 ffff")],
)
def test_the_length_takes_one_byte_or_two(size: int, head: str) -> None:
    header = unhex(head)
    data = encode(FastPathPdu(bytes(size - len(header))))
    assert data[: len(header)] == header
    assert fast_path_size(data) == len(data) == size


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ("", None),
        ("00", None),
        ("00 07", 7),
        ("00 81", None),
        ("00 8100", 256),
        ("c4 8003 99", 3),
        ("00 02", 2),
    ],
)
def test_framing_asks_for_more_until_it_can_tell(head: str, size: int | None) -> None:
    assert fast_path_size(unhex(head)) == size
    assert fast_path_size(memoryview(bytearray(unhex(head)))) == size


@pytest.mark.parametrize("head", ["00 00", "00 01", "00 8000", "00 8002"])
def test_a_length_shorter_than_the_header_is_refused(head: str) -> None:
    # or a framer would return the same empty PDU forever
    with pytest.raises(DecodeError, match="length1"):
        fast_path_size(unhex(head))


def test_the_first_byte_tells_the_path() -> None:
    assert is_fast_path(0x00)
    assert is_fast_path(0xC4)
    assert not is_fast_path(0x03)


@pytest.mark.parametrize(
    ("hex_text", "message"),
    [
        ("03 05 000000", "FastPathPdu.fpHeader: action 3, expected 0 (offset 0)"),
        ("00 05 0000", "FastPathPdu.length1: 5, the PDU has 4 bytes (offset 1)"),
        ("00 8006 0000", "FastPathPdu.length2: 6, the PDU has 5 bytes (offset 2)"),
    ],
)
def test_what_is_wrong_is_named(hex_text: str, message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_fast_path(unhex(hex_text))
    assert str(caught.value) == message


def test_an_encrypted_pdu_without_keys_is_refused() -> None:
    with pytest.raises(DecodeError, match="no keys"):
        read_plain_header(Reader(unhex("c4 11 30356b5bb534c847 26185e760ede28"), "X"))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (FastPathHeader(16), "numEvents"),
        (FastPathHeader(0, FastPathFlags.ENCRYPTED), "dataSignature"),
        (FastPathHeader(0, FastPathFlags(0), SIGNATURE), "dataSignature"),
        (FastPathHeader(0, FastPathFlags.ENCRYPTED, b"\0"), "dataSignature"),
    ],
)
def test_headers_that_make_no_sense_are_not_encoded(header: FastPathHeader, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        encode(FastPathPdu(b"", header))


def test_fifteen_bits_are_the_end() -> None:
    with pytest.raises(EncodeError, match="32768 does not fit 15 bits"):
        encode(FastPathPdu(bytes(MAX_RECEIVED_SIZE - 2)))


@given(st.binary(max_size=300), st.integers(0, 15), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=100)
def test_round_trip(body: bytes, number: int, long_length: bool, is_encrypted: bool, is_fips: bool) -> None:
    flags = FastPathFlags.ENCRYPTED if is_encrypted else FastPathFlags(0)
    fips = FipsInformation(7) if is_fips and is_encrypted else None
    # Where the length must be long, nothing needs to remember that it is.
    size = len(body) + (8 if is_encrypted else 0) + (4 if fips else 0) + 2
    long_length = long_length and size <= 127
    header = FastPathHeader(number, flags, SIGNATURE if is_encrypted else b"", fips, long_length)
    pdu = FastPathPdu(body, header)
    data = encode(pdu)
    assert decode_fast_path(data, is_fips=is_fips) == pdu
    assert fast_path_size(data) == len(data)


@given(st.binary(max_size=40), st.booleans())
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(body: bytes, is_fips: bool) -> None:
    data = bytes([body[0] & 0xFC if body else 0, len(body) + 2]) + body
    try:
        pdu = decode_fast_path(data, is_fips=is_fips)
    except PeerError:
        return
    if pdu.header.fips is not None:  # its length is redundant, and written as it should be
        data = data[:2] + b"\x10\0" + data[4:]
    assert encode(pdu) == data
