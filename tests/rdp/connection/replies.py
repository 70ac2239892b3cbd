"""What is in a server's frames, for tests that look inside."""

from pyrdpmux.rdp.mcs.domain import SendDataIndication, decode_domain_pdu
from pyrdpmux.rdp.pdu.share import ShareData, decode_share
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode


def user_data(frame: bytes) -> bytes:
    tpdu = decode_tpdu(decode(Tpkt, frame).payload)
    assert isinstance(tpdu, Data)
    return tpdu.user_data


def indication(frame: bytes) -> SendDataIndication:
    pdu = decode_domain_pdu(user_data(frame))
    assert isinstance(pdu, SendDataIndication)
    return pdu


def share_body(frame: bytes) -> object:
    """The PDU of the I/O channel in an unencrypted frame."""
    body = decode_share(indication(frame).user_data).body
    return body.body if isinstance(body, ShareData) else body
