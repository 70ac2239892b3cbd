"""MCS domain PDUs: rows, dispatch, the two forms of erect domain, and both length styles of send data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.mcs.connect import Result
from pyrdpmux.rdp.mcs.domain import (
    DOMAIN_PDU_TYPES,
    AttachUserConfirm,
    AttachUserRequest,
    ChannelJoinConfirm,
    ChannelJoinRequest,
    DataPriority,
    DisconnectProviderUltimatum,
    ErectDomainRequest,
    Reason,
    Segmentation,
    SendDataIndication,
    SendDataRequest,
    decode_domain_pdu,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "erect domain request (MS-RDPBCGR 4.1.5)",
        ErectDomainRequest(),
        "04 0100 0100  # choice 1, subHeight 0, subInterval 0",
        decode=decode_domain_pdu,
    ),
    Row(
        "erect domain request (rdesktop, shared/docs/client-quirks.md)",
        ErectDomainRequest(1, 1),
        "04 0001 0001  # two 16-bit integers",
        decode=decode_domain_pdu,
        lossless=False,
    ),
    Row(
        "erect domain request, large numbers (constructed)",
        ErectDomainRequest(0x1234, 0x12345678),
        "04 021234 0412345678",
        decode=decode_domain_pdu,
    ),
    Row(
        "attach user request (MS-RDPBCGR 4.1.6)",
        AttachUserRequest(),
        "28  # choice 10",
        decode=decode_domain_pdu,
    ),
    Row(
        "attach user confirm (MS-RDPBCGR 4.1.7)",
        AttachUserConfirm(Result.SUCCESSFUL, 1007),
        "2e 00 0006  # choice 11 with initiator, result 0, 6 + 1001",
        decode=decode_domain_pdu,
    ),
    Row(
        "attach user confirm, refused (constructed)",
        AttachUserConfirm(Result.TOO_MANY_USERS),
        "2d a0  # choice 11 without initiator, result 0b1101 across both bytes",
        decode=decode_domain_pdu,
    ),
    Row(
        "channel join request (MS-RDPBCGR 4.1.8.1.1)",
        ChannelJoinRequest(1007, 1007),
        "38 0006 03ef",
        decode=decode_domain_pdu,
    ),
    Row(
        "channel join confirm (MS-RDPBCGR 4.1.8.1.2)",
        ChannelJoinConfirm(Result.SUCCESSFUL, 1007, 1007, 1007),
        "3e 00 0006 03ef 03ef  # choice 15 with channelId",
        decode=decode_domain_pdu,
    ),
    Row(
        "channel join confirm, refused (constructed)",
        ChannelJoinConfirm(Result.NO_SUCH_CHANNEL, 1007, 2000),
        "3c 60 0006 07d0  # choice 15 without channelId, result 3",
        decode=decode_domain_pdu,
    ),
    Row(
        "disconnect provider ultimatum in BER (rdesktop 1.9, seen on loopback)",
        DisconnectProviderUltimatum(Reason.USER_REQUESTED),
        "30 06 0202 0003 3000  # SEQUENCE of INTEGER 3 and an empty SEQUENCE",
        decode=decode_domain_pdu,
        lossless=False,
    ),
    Row(
        "disconnect provider ultimatum (mstsc, shared/vectors Example_1)",
        DisconnectProviderUltimatum(Reason.USER_REQUESTED),
        "21 80  # choice 8, reason 0b011 across both bytes",
        decode=decode_domain_pdu,
        refuses_trailing=False,
    ),
    Row(
        "send data request (mstsc, shared/vectors Example_1)",
        SendDataRequest(1009, 1003, bytes.fromhex("1600 1700 f103 ea030100 0001 0800 1f00 0000 0100 ea03")),
        """64 0008 03eb        # choice 25, initiator 8 + 1001, channel 1003
           70 16               # high priority, begin and end; 22 bytes
           1600 1700 f103 ea030100 0001 0800 1f00 0000 0100 ea03""",
        decode=decode_domain_pdu,
    ),
    Row(
        "send data indication, 200 bytes (constructed)",
        SendDataIndication(1002, 1004, bytes(200), DataPriority.LOW),
        "68 0001 03ec f0 80c8" + "00" * 200,
        decode=decode_domain_pdu,
    ),
    Row(
        "send data request with two length bytes (FreeRDP, constructed)",
        SendDataRequest(1007, 1003, b"\1\2", two_byte_length=True),
        "64 0006 03eb 70 8002 0102",
        decode=decode_domain_pdu,
    ),
    Row(
        "send data indication, first segment, top priority (constructed)",
        SendDataIndication(1002, 1003, b"", DataPriority.TOP, Segmentation.BEGIN),
        "68 0001 03eb 20 00",
        decode=decode_domain_pdu,
    ),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize("data", [b"", b"\x34\0\x06", b"\x7f\x65\0", b"\x6c\0\0\0\0\0\0", b"\xff"])
def test_other_domain_pdus_are_refused(data: bytes) -> None:
    with pytest.raises(DecodeError, match="unknown domain PDU") as caught:
        decode_domain_pdu(data)
    assert caught.value.path == "DomainPdu.choice"
    assert caught.value.offset == 0


def test_each_type_refuses_another_choice() -> None:
    for choice, cls in DOMAIN_PDU_TYPES.items():
        with pytest.raises(DecodeError, match=f"{cls.__name__}.choice: 2, expected {choice} "):
            decode(cls, b"\x08" + bytes(10))


@pytest.mark.parametrize(("data", "form"), [("640006 03eb 70 03 0102", 3), ("640006 03eb 70 8001 0102", 1)])
def test_the_length_is_checked_against_the_frame(data: str, form: int) -> None:
    with pytest.raises(DecodeError, match=rf"SendDataRequest\.userData: length {form}, but 2 bytes follow"):
        decode_domain_pdu(bytes.fromhex(data))


def test_a_forced_long_length_is_a_matter_of_style() -> None:
    short, long = (
        SendDataIndication(1002, 1003, b"x"),
        SendDataIndication(1002, 1003, b"x", two_byte_length=True),
    )
    assert short == long
    assert encode(short) != encode(long)


def test_a_length_that_needs_two_bytes_is_no_style() -> None:
    pdu = decode(SendDataRequest, encode(SendDataRequest(1002, 1003, bytes(128))))
    assert not pdu.two_byte_length


def test_user_data_has_a_limit() -> None:
    assert (
        len(decode(SendDataRequest, encode(SendDataRequest(1002, 1003, bytes(0x7FFF)))).user_data) == 0x7FFF
    )
    with pytest.raises(EncodeError, match=r"SendDataRequest\.userData: length 32768"):
        encode(SendDataRequest(1002, 1003, bytes(0x8000)))


@pytest.mark.parametrize(
    ("pdu", "message"),
    [
        (AttachUserConfirm(Result(16)), r"AttachUserConfirm\.result: 16 does not fit 4 bits"),
        (DisconnectProviderUltimatum(Reason(8)), r"\.reason: 8 does not fit 3 bits"),
        (AttachUserConfirm(Result.SUCCESSFUL, 1000), r"\.initiator: 1000, expected 1001 to 65535"),
        (ChannelJoinRequest(1001, 0x10000), r"\.channelId: 65536 does not fit 2 bytes"),
    ],
)
def test_values_that_do_not_fit(pdu: AttachUserConfirm, message: str) -> None:
    with pytest.raises(EncodeError, match=message):
        encode(pdu)


def test_an_initiator_beyond_16_bits_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"ChannelJoinRequest\.initiator: 66536, at most 65535 allowed"):
        decode_domain_pdu(bytes.fromhex("38 ffff 03eb"))


def test_unknown_reasons_survive() -> None:
    pdu = decode_domain_pdu(b"\x23\x80")
    assert pdu == DisconnectProviderUltimatum(Reason(7))
    assert encode(pdu) == b"\x23\x80"


USER_IDS = st.integers(1001, 0xFFFF)
CHANNEL_IDS = st.integers(0, 0xFFFF)
RESULTS = st.builds(Result, st.integers(0, 15))
SEND_DATA = (
    USER_IDS,
    CHANNEL_IDS,
    st.binary(max_size=300),
    st.sampled_from(DataPriority),
    st.builds(Segmentation, st.integers(0, 3)),
    st.booleans(),
)
PDUS = st.one_of(
    st.builds(ErectDomainRequest, st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF)),
    st.builds(DisconnectProviderUltimatum, st.builds(Reason, st.integers(0, 7))),
    st.builds(AttachUserConfirm, RESULTS, st.none() | USER_IDS),
    st.builds(ChannelJoinRequest, USER_IDS, CHANNEL_IDS),
    st.builds(ChannelJoinConfirm, RESULTS, USER_IDS, CHANNEL_IDS, st.none() | CHANNEL_IDS),
    st.builds(SendDataRequest, *SEND_DATA),
    st.builds(SendDataIndication, *SEND_DATA),
)


@given(PDUS)
@settings(max_examples=100)
def test_generated_pdus_come_back(pdu: SendDataRequest) -> None:
    data = encode(pdu)
    decoded = decode_domain_pdu(data)
    assert decoded == pdu
    assert encode(decoded) == data


@given(st.integers(0, 255), st.binary(max_size=20))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(first: int, rest: bytes) -> None:
    try:
        pdu = decode_domain_pdu(bytes([first]) + rest)
    except PeerError:
        return
    assert decode_domain_pdu(encode(pdu)) == pdu


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 129, 255])
@pytest.mark.parametrize("is_long", [False, True])
def test_either_form_of_a_length_comes_back(size: int, is_long: bool) -> None:
    """Up to 127 there are two forms, from there on only one."""
    pdu = SendDataIndication(1002, 1003, bytes(size), two_byte_length=is_long)
    read = decode_domain_pdu(encode(pdu))
    assert read == pdu
    assert isinstance(read, SendDataIndication)
    assert read.two_byte_length == (is_long and size <= 127)
    assert encode(read) == encode(pdu)
