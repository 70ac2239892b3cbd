"""MS-RDPEPS: rows of the specification's examples, and the question what a stream begins with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, PeerError
from pyrdpmux.rdp.preconnection import (
    MAX_SIZE,
    Preconnection,
    PreconnectionVersion,
    is_preconnection,
    take_preconnection,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "version 1 (MS-RDPEPS 4)",
        Preconnection(0xEEC699EB, None, PreconnectionVersion.V1),
        "10000000 00000000 01000000 eb99c6ee   # cbSize, Flags, Version, Id",
    ),
    Row(
        "version 2 (MS-RDPEPS 4)",
        Preconnection(0, "TestVM\0"),
        """20000000 00000000 02000000 00000000      # cbSize, Flags, Version, Id
           0700 54006500730074005600 4d00 0000      # cchPCB, wszPCB""",
    ),
    Row(
        "version 2 of Hyper-V (MS-RDPEPS 4)",
        Preconnection(0, "BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB;EnhancedMode=1\0"),
        """7a000000 00000000 02000000 00000000
           3400
           42004100310042003600440042004400 2d00 3800390041004300 2d00 3400360033003000 2d00
           4100370033003700 2d00 430034004200430043003300420042003900390046004200
           3b00 45006e00680061006e006300650064004d006f0064006500 3d00 3100 0000""",
    ),
    Row(
        "version 2 without a blob (constructed)",
        Preconnection(5, ""),
        "12000000 00000000 02000000 05000000 0000",
    ),
    Row(
        "version 2 with bytes to be ignored (constructed)",
        Preconnection(5, "x"),
        "16000000 00000000 02000000 05000000 0100 7800 ffff",
        lossless=False,
    ),
    Row(
        "flags to be ignored, an unknown version (constructed)",
        Preconnection(5, None, PreconnectionVersion(9)),
        "10000000 ffffffff 09000000 05000000",
        lossless=False,
    ),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ("11000000 00000000 02000000 00000000 00", "cbSize"),
        ("0f000000 00000000 02000000 000000", "cbSize"),
        ("01100000", "cbSize"),
        ("12000000 00000000 01000000 00000000 0000", "Version"),
        ("14000000 00000000 02000000 00000000 0200 7800", "wszPCB"),
    ],
)
def test_what_the_specification_disconnects_for(data: str, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(Preconnection, bytes.fromhex(data))
    assert caught.value.path.rpartition(".")[2] == field


@pytest.mark.parametrize(
    ("blob", "target"),
    [
        (None, ""),
        ("", ""),
        ("build7", "build7"),
        ("build7\0", "build7"),
        ("BA1B6DBD;EnhancedMode=1\0", "BA1B6DBD"),
        ("a\0b;c", "a"),
    ],
)
def test_what_the_blob_names(blob: str | None, target: str) -> None:
    assert Preconnection(blob=blob).target == target


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("", None),
        ("100000", None),
        ("10000000", True),
        ("03160000", True),  # 5635 bytes: refused later, by its size
        ("03000013", False),  # TPKT
        ("16030100", False),  # TLS
        ("16030300", False),
    ],
)
def test_what_a_stream_begins_with(start: str, expected: bool | None) -> None:
    assert is_preconnection(bytes.fromhex(start)) is expected


def test_one_pdu_is_taken_off_the_front() -> None:
    pdu = encode(Preconnection(blob="vm\0"))
    buffer = bytearray()
    for byte in pdu:
        assert take_preconnection(buffer) is None
        buffer.append(byte)
    buffer += b"rest"
    assert take_preconnection(buffer) == pdu
    assert buffer == b"rest"


@pytest.mark.parametrize("size", [0, 15, MAX_SIZE + 1, 0xFFFF])
def test_a_size_that_cannot_be_is_refused_at_once(size: int) -> None:
    with pytest.raises(DecodeError):
        take_preconnection(bytearray(size.to_bytes(4, "little")))


@given(st.integers(0, 0xFFFFFFFF), st.none() | st.text(max_size=500))
@settings(max_examples=60)
def test_round_trip(source_id: int, blob: str | None) -> None:
    pdu = Preconnection(source_id, blob)
    assert decode(Preconnection, encode(pdu)) == pdu


@given(st.binary(max_size=80))
@settings(max_examples=100)
def test_anything_else_is_a_decode_error(data: bytes) -> None:
    try:
        decode(Preconnection, data)
        take_preconnection(bytearray(data))
    except PeerError:
        pass
