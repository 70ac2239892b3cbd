"""The envelope of everything behind the X.224 connection: TPKT and Data TPDU, written and opened once."""

from functools import lru_cache
from typing import Final

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import Payload, Structure, decode, encode

#: as most peers write it
ENVELOPE_SIZE: Final = 7
MAX_FRAME_SIZE: Final = 0xFFFF


@lru_cache(maxsize=1024)
def _envelope(size: int) -> bytes:
    """What a frame of this size begins with; what does so needs not be read field by field."""
    return encode(Tpkt(encode(Data(bytes(size - ENVELOPE_SIZE)))))[:ENVELOPE_SIZE]


def wrap(pdu: Structure) -> bytes:
    """The frame that carries an MCS PDU."""
    return encode(Tpkt(encode(Data(encode(pdu)))))


def unwrap(frame: bytes) -> bytes:
    """The MCS PDU in a frame. Raises DecodeError, or SequenceError for another TPDU than Data."""
    size = len(frame)
    if ENVELOPE_SIZE < size <= MAX_FRAME_SIZE and frame[:ENVELOPE_SIZE] == _envelope(size):
        return Payload.at(ENVELOPE_SIZE, frame[ENVELOPE_SIZE:])
    tpdu = decode_tpdu(decode(Tpkt, frame).payload)
    if not isinstance(tpdu, Data):
        raise SequenceError("after the X.224 connection", type(tpdu).__name__, ("Data",))
    return tpdu.user_data
