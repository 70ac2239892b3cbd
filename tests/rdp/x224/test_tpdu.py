"""X.224 TPDUs: rows, dispatch, and the cookie."""

import pytest

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.x224.negotiation import (
    CorrelationInfo,
    FailureCode,
    NegotiationFailure,
    NegotiationRequest,
    NegotiationResponse,
    RequestFlags,
    ResponseFlags,
    SecurityProtocol,
)
from pyrdpmux.rdp.x224.tpdu import (
    ConnectionConfirm,
    ConnectionRequest,
    Data,
    DisconnectReason,
    DisconnectRequest,
    ErrorTpdu,
    decode_tpdu,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "connection request with cookie (mstsc, shared/vectors Example_1)",
        ConnectionRequest(
            NegotiationRequest(SecurityProtocol.SSL | SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX),
            routing=b"Cookie: mstshash=contoso\\a",
        ),
        """2a e0 0000 0000 00                                     # LI, CR, DST-REF, SRC-REF, class 0
           436f6f6b69653a206d737473686173683d636f6e746f736f5c61 0d0a  # Cookie: mstshash=contoso\\a
           01 00 0800 0b000000                                    # RDP_NEG_REQ: SSL, HYBRID, HYBRID_EX""",
        decode=decode_tpdu,
    ),
    Row(
        "connection request without negotiation (rdesktop -4, constructed)",
        ConnectionRequest(),
        "06 e0 0000 0000 00",
        decode=decode_tpdu,
    ),
    Row(
        "connection request with correlation info (constructed)",
        ConnectionRequest(
            NegotiationRequest(SecurityProtocol.SSL, RequestFlags.CORRELATION_INFO_PRESENT),
            correlation=CorrelationInfo(bytes(range(1, 17))),
        ),
        """32 e0 0000 0000 00
           01 08 0800 01000000
           06 00 2400 0102030405060708090a0b0c0d0e0f10 00000000000000000000000000000000""",
    ),
    Row(
        "connection confirm (mstsc's peer, shared/vectors Example_1)",
        ConnectionConfirm(
            NegotiationResponse(
                SecurityProtocol.HYBRID_EX,
                ResponseFlags.EXTENDED_CLIENT_DATA_SUPPORTED
                | ResponseFlags.DYNVC_GFX_PROTOCOL_SUPPORTED
                | ResponseFlags.NEGRSP_RESERVED
                | ResponseFlags.RESTRICTED_ADMIN_MODE_SUPPORTED
                | ResponseFlags.REDIRECTED_AUTHENTICATION_MODE_SUPPORTED,
            )
        ),
        "0e d0 0000 1234 00 02 1f 0800 08000000",
        decode=decode_tpdu,
    ),
    Row(
        "connection confirm with failure (constructed)",
        ConnectionConfirm(NegotiationFailure(FailureCode.HYBRID_REQUIRED_BY_SERVER)),
        "0e d0 0000 1234 00 03 00 0800 05000000",
    ),
    Row("connection confirm to an old client (constructed)", ConnectionConfirm(), "06 d0 0000 1234 00"),
    Row(
        "disconnect request (constructed)",
        DisconnectRequest(DisconnectReason.CONGESTION),
        "06 80 0000 0000 01",
        decode=decode_tpdu,
    ),
    Row(
        "data (constructed)",
        Data(b"\x04\x01"),
        "02 f0 80 0401",
        decode=decode_tpdu,
        valid_prefixes=(3, 4),
        refuses_trailing=False,
    ),
    Row("error (constructed)", ErrorTpdu(1, 0x1234), "04 70 1234 01", decode=decode_tpdu),
]

TestRows = row_tests(ROWS)


def test_the_cookie_is_the_part_after_mstshash() -> None:
    request = ConnectionRequest(routing=b"Cookie: mstshash=alice")
    assert request.cookie == b"alice"
    assert ConnectionRequest(routing=b"Cookie: msts=3640205228.15629.0000").cookie is None
    assert ConnectionRequest().cookie is None


def test_a_routing_line_cannot_hide_a_second_line() -> None:
    with pytest.raises(EncodeError, match="CR LF"):
        encode(ConnectionRequest(routing=b"a\r\nb"))


def test_unknown_values_survive() -> None:
    confirm = ConnectionConfirm(NegotiationFailure(FailureCode(77)))
    assert decode(ConnectionConfirm, encode(confirm)) == confirm
    assert FailureCode(77).name == "UNKNOWN_0x4d"
    assert not FailureCode(77).is_known


def test_a_segmented_tsdu_is_refused() -> None:
    with pytest.raises(DecodeError, match="segmented") as caught:
        decode_tpdu(bytes.fromhex("02f00004"))
    assert caught.value.path == "Data.EOT"
    assert caught.value.offset == 2


def test_a_header_length_beyond_the_packet_is_named() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_tpdu(bytes.fromhex("0fe00000000000 0100 0800 01000000"))
    assert str(caught.value) == "ConnectionRequest.LI: 15, but 14 bytes follow (offset 0)"
