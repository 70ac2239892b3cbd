"""The envelope around MCS PDUs."""

import pytest

from pyrdpmux.errors import DecodeError, SequenceError
from pyrdpmux.rdp.connection.envelope import unwrap, wrap
from pyrdpmux.rdp.mcs.domain import AttachUserRequest
from pyrdpmux.rdp.x224.tpdu import DisconnectRequest
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode


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
