"""The message channel: which PDU follows which security flags, and back."""

from hypothesis import strategies as st

from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasureResults,
    NetworkCharacteristicsSync,
    RttMeasureRequest,
    RttMeasureResponse,
    UnknownAutoDetect,
)
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat
from pyrdpmux.rdp.pdu.message_channel import (
    UnknownMessage,
    decode_message,
    decode_message_body,
    encode_message,
)
from pyrdpmux.rdp.pdu.multitransport import (
    InitiateMultitransportRequest,
    InitiateMultitransportResponse,
    MultitransportResult,
    RequestedProtocol,
)
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.wire.secret import Secret
from tests.rdp.pdu.properties import property_tests, short_bytes, u8
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "auto-detect request (Windows Server 2016, shared/vectors Example_1)",
        RttMeasureRequest(1),
        "0010 0000 06 00 0100 0100",
        decode=decode_message,
        encode=encode_message,
    ),
    Row(
        "auto-detect response (shared/vectors Example_1, its random flagsHi set to zero)",
        BandwidthMeasureResults(0, 0, 0x0E27),
        "0020 0000 0e 01 0000 0b00 00000000 270e0000",
        decode=decode_message,
        encode=encode_message,
    ),
    Row(
        "RTT response (constructed)",
        RttMeasureResponse(1),
        "0020 0000 06 01 0100 0000",
        decode=decode_message,
        encode=encode_message,
    ),
    Row(
        "characteristics sync (constructed)",
        NetworkCharacteristicsSync(1, 2, 3),
        "0020 0000 0e 01 0100 1800 02000000 03000000",
        decode=decode_message,
        encode=encode_message,
    ),
    Row(
        "unknown auto-detect response (constructed)",
        UnknownAutoDetect(6, 1, 0, 0x7777),
        "0020 0000 06 01 0000 7777",
        decode=decode_message,
        encode=encode_message,
        refuses_trailing=False,
    ),
    Row(
        "unknown auto-detect request (constructed)",
        UnknownAutoDetect(6, 0, 0, 0x7777),
        "0010 0000 06 00 0000 7777",
        decode=decode_message,
        encode=encode_message,
        refuses_trailing=False,
    ),
    Row(
        "heartbeat (constructed)",
        Heartbeat(60, 2, 5),
        "0040 0000 00 3c 02 05",
        decode=decode_message,
        encode=encode_message,
    ),
    Row(
        "initiate multitransport request (constructed)",
        InitiateMultitransportRequest(1, RequestedProtocol.UDP_FEC_LOSSY, Secret(bytes(16))),
        "0200 0000 01000000 0200 0000 00000000000000000000000000000000",
        decode=decode_message,
        encode=encode_message,
    ),
    Row(
        "initiate multitransport response (constructed)",
        InitiateMultitransportResponse(1, MultitransportResult.OK),
        "0400 0000 01000000 00000000",
        decode=decode_message,
        encode=encode_message,
    ),
    Row(
        "unknown (constructed)",
        UnknownMessage(SecurityFlags.RESET_SEQNO, b"\1"),
        "1000 0000 01",
        decode=decode_message,
        encode=encode_message,
        valid_prefixes=(4,),
        refuses_trailing=False,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "heartbeat": (decode_message, encode_message, st.builds(Heartbeat, u8, u8, u8)),
    "unknown": (
        decode_message,
        encode_message,
        st.builds(UnknownMessage, st.just(SecurityFlags(0x0800)), short_bytes),
    ),
}

TestProperties = property_tests(CASES)


def test_an_encrypted_frame_is_decoded_from_its_body() -> None:
    flags = SecurityFlags.HEARTBEAT | SecurityFlags.ENCRYPT
    assert decode_message_body(flags, bytes.fromhex("00 3c 02 05")) == Heartbeat(60, 2, 5)
