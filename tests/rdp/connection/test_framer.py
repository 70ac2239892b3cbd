"""Where frames end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.connection.framer import frame_size, take_frame, take_tpkt

SHORTEST = bytes.fromhex("0300000702f080")


@pytest.mark.parametrize(
    ("buffer", "size"),
    [
        ("", None),
        ("03", None),
        ("030000", None),
        ("03000007", 7),
        ("0300ffff", 65535),
        ("00", None),
        ("0002", 2),
        ("c47f", 127),
        ("0080", None),
        ("008003", 3),
        ("00ffff", 32767),
    ],
)
def test_the_size_is_known_as_soon_as_the_header_is(buffer: str, size: int | None) -> None:
    assert frame_size(bytes.fromhex(buffer)) == size


@pytest.mark.parametrize(
    ("buffer", "path"),
    [
        ("03000006", "Tpkt.length"),
        ("03000000", "Tpkt.length"),
        ("01", "frame.action"),
        ("02ffff", "frame.action"),
        ("07", "frame.action"),
        ("0001", "FastPathPdu.length1"),
        ("008002", "FastPathPdu.length1"),
    ],
)
def test_what_begins_no_frame_is_refused(buffer: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        frame_size(bytes.fromhex(buffer))
    assert caught.value.path == path


def test_a_frame_is_taken_whole_or_not_at_all() -> None:
    buffer = bytearray(SHORTEST[:-1])
    assert take_frame(buffer) is None
    assert buffer == SHORTEST[:-1]
    buffer += SHORTEST[-1:] + b"\x00\x02" + b"\x03"
    assert take_frame(buffer) == SHORTEST
    assert take_frame(buffer) == b"\x00\x02"
    assert take_frame(buffer) is None
    assert buffer == b"\x03"


def test_early_phases_refuse_the_fast_path_by_its_first_byte() -> None:
    assert take_tpkt(bytearray()) is None
    assert take_tpkt(bytearray(SHORTEST)) == SHORTEST
    with pytest.raises(DecodeError) as caught:
        take_tpkt(bytearray(b"\x00"))
    assert caught.value.path == "Tpkt.version"


@given(st.binary(max_size=40))
def test_random_bytes(data: bytes) -> None:
    buffer = bytearray(data)
    try:
        frame = take_frame(buffer)
    except DecodeError:
        assert buffer == data
        return
    assert (frame or b"") + bytes(buffer) == data
