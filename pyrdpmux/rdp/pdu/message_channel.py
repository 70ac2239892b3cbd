"""What runs on the MCS message channel: the basic security header's flags say which PDU follows."""

from dataclasses import dataclass

from pyrdpmux.rdp.pdu.auto_detect import (
    AutoDetectMessage,
    BandwidthMeasureResults,
    NetworkCharacteristicsSync,
    RttMeasureResponse,
    UnknownAutoDetect,
    decode_auto_detect,
)
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat
from pyrdpmux.rdp.pdu.multitransport import InitiateMultitransportRequest, InitiateMultitransportResponse
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header, with_basic_header
from pyrdpmux.wire import decode


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """MS-RDPBCGR 2.2.8.1.1.2.1 Basic Security Header in front of a message we do not know."""

    flags: SecurityFlags
    data: bytes = b""


KnownMessage = AutoDetectMessage | Heartbeat | InitiateMultitransportRequest | InitiateMultitransportResponse
Message = KnownMessage | UnknownMessage

_AUTO_DETECT = SecurityFlags.AUTODETECT_REQ | SecurityFlags.AUTODETECT_RSP


def decode_message_body(flags: SecurityFlags, data: bytes) -> Message:
    """The message behind a security header with ``flags``."""
    if flags & _AUTO_DETECT:
        return decode_auto_detect(data)
    if flags & SecurityFlags.HEARTBEAT:
        return decode(Heartbeat, data)
    if flags & SecurityFlags.TRANSPORT_REQ:
        return decode(InitiateMultitransportRequest, data)
    if flags & SecurityFlags.TRANSPORT_RSP:
        return decode(InitiateMultitransportResponse, data)
    return UnknownMessage(flags, data)


def decode_message(data: bytes) -> Message:
    """One frame of the message channel, with its basic security header."""
    header, body = split_basic_header(data)
    return decode_message_body(header.flags, body)


def message_flags(message: Message) -> SecurityFlags:
    """What the security header in front of ``message`` says."""
    match message:
        case Heartbeat():
            return SecurityFlags.HEARTBEAT
        case InitiateMultitransportRequest():
            return SecurityFlags.TRANSPORT_REQ
        case InitiateMultitransportResponse():
            return SecurityFlags.TRANSPORT_RSP
        case RttMeasureResponse() | BandwidthMeasureResults() | NetworkCharacteristicsSync():
            return SecurityFlags.AUTODETECT_RSP
        case UnknownAutoDetect(header_type_id=1):
            return SecurityFlags.AUTODETECT_RSP
        case UnknownMessage(flags=flags):
            return flags
        case _:
            return SecurityFlags.AUTODETECT_REQ


def encode_message(message: Message) -> bytes:
    """One frame of the message channel, with its basic security header."""
    body = message.data if isinstance(message, UnknownMessage) else message
    return with_basic_header(message_flags(message), body)
