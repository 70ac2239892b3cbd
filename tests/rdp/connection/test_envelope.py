"""The envelope around MCS PDUs."""

import pytest

from pyrdpmux.errors import DecodeError, SequenceError
from pyrdpmux.rdp.connection.envelope import ENVELOPE_SIZE, unwrap, wrap
from pyrdpmux.rdp.mcs.domain import AttachUserRequest
from pyrdpmux.rdp.x224.tpdu import Data, DisconnectRequest
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode, frame_offset


def test_what_is_wrapped_is_unwrapped() -> None:
    frame = wrap(AttachUserRequest())
    assert frame.hex() == "0300000802f08028"  # mstsc, shared/vectors Example_1
    assert unwrap(frame) == bytes.fromhex("28")


def test_another_tpdu_is_out_of_sequence() -> None:
    with pytest.raises(SequenceError, match="DisconnectRequest, expected Data"):
        unwrap(encode(Tpkt(encode(DisconnectRequest()))))


def test_a_truncated_frame_does_not_parse() -> None:
    frame = wrap(AttachUserRequest())
    for size in range(len(frame)):
        with pytest.raises(DecodeError):
            unwrap(frame[:size])


@pytest.mark.parametrize("size", [0, 1, 300, 0xFFFF - ENVELOPE_SIZE])
def test_the_usual_envelope_is_that_of_another_length_indicator(size: int) -> None:
    """QUIRK(any peer): the length indicator is passed over."""
    body = bytes([size & 0xFF]) * size
    usual = encode(Tpkt(encode(Data(body))))
    unusual = usual[:4] + b"\x7f" + usual[5:]
    for frame in (usual, unusual):
        assert unwrap(frame) == body
        assert frame_offset(unwrap(frame)) == ENVELOPE_SIZE
    for frame in (usual + b"!", b"\x04" + usual[1:], usual[:6] + b"\0" + usual[7:]):
        with pytest.raises(DecodeError):
            unwrap(frame)
