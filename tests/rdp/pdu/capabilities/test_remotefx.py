"""The properties of a client's RemoteFX decoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.pdu.capabilities.remotefx import (
    MAX_ICAPS,
    CaptureFlags,
    EntropyBits,
    IcapFlags,
    RemoteFxClientCapabilities,
    RemoteFxIcap,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

BOTH = (RemoteFxIcap(EntropyBits.RLGR1), RemoteFxIcap(EntropyBits.RLGR3))
HEX = "31000000 01000000 25000000 c0cb08000000 0100 c1cb1d000000 01 c0cf 0200 0800 {} {}"

ROWS = [
    Row(
        "both modes (mstsc, shared/vectors Example_1)",
        RemoteFxClientCapabilities(BOTH, CaptureFlags.CAPTURE_NON_CAC),
        HEX.format("0001400000010101", "0001400000010104"),
    ),
    Row(
        "image mode (mstsc, shared/vectors Example_1)",
        RemoteFxClientCapabilities(
            tuple([RemoteFxIcap(icap.entropy_bits, IcapFlags.CODEC_MODE) for icap in BOTH]),
            CaptureFlags.CAPTURE_NON_CAC,
        ),
        HEX.format("0001400002010101", "0001400002010104"),
    ),
]

TestRows = row_tests(ROWS)


def test_what_is_not_version_1_0_is_told() -> None:
    assert RemoteFxIcap(EntropyBits.RLGR1).is_usual
    assert not RemoteFxIcap(EntropyBits.RLGR1, tile_size=32).is_usual


@pytest.mark.parametrize(
    ("at", "value"), [(12, 0xC1), (14, 9), (18, 2), (20, 0xC0), (26, 2), (27, 0), (31, 9)]
)
def test_constants(at: int, value: int) -> None:
    data = bytearray(ROWS[0].data)
    data[at] = value
    with pytest.raises(DecodeError):
        decode(RemoteFxClientCapabilities, bytes(data))


def test_many_ways_to_encode() -> None:
    many = RemoteFxClientCapabilities((BOTH[0],) * MAX_ICAPS)
    assert decode(RemoteFxClientCapabilities, encode(many)) == many
    with pytest.raises(DecodeError, match="numIcaps"):
        decode(RemoteFxClientCapabilities, encode(RemoteFxClientCapabilities((BOTH[0],) * (MAX_ICAPS + 1))))


@given(st.binary(max_size=70))
def test_any_bytes(data: bytes) -> None:
    try:
        found = decode(RemoteFxClientCapabilities, data)
    except DecodeError:
        return
    assert decode(RemoteFxClientCapabilities, encode(found)) == found
