"""The envelope of everything behind the X.224 connection: TPKT and Data TPDU, written and opened once."""

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import Structure, decode, encode


def wrap(pdu: Structure) -> bytes:
    """The frame that carries an MCS PDU."""
    return encode(Tpkt(encode(Data(encode(pdu)))))


def unwrap(frame: bytes) -> bytes:
    """The MCS PDU in a frame. Raises DecodeError, or SequenceError for another TPDU than Data."""
    tpdu = decode_tpdu(decode(Tpkt, frame).payload)
    if not isinstance(tpdu, Data):
        raise SequenceError("after the X.224 connection", type(tpdu).__name__, ("Data",))
    return tpdu.user_data
