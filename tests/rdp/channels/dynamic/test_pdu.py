"""DRDYNVC: every PDU of both sides, widths at their edges, and what Windows and mstsc said."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.channels.dynamic.header import Command, command_of
from pyrdpmux.rdp.channels.dynamic.pdu import (
    CLIENT_PDU_TYPES,
    SERVER_PDU_TYPES,
    CapabilitiesRequest,
    CapabilitiesResponse,
    ClientPdu,
    Close,
    CreateRequest,
    CreateResponse,
    Data,
    DataCompressed,
    DataFirst,
    DataFirstCompressed,
    ServerPdu,
    decode_client_pdu,
    decode_server_pdu,
)
from pyrdpmux.rdp.channels.dynamic.soft_sync import (
    SoftSyncChannelList,
    SoftSyncFlags,
    SoftSyncRequest,
    SoftSyncResponse,
    TunnelType,
)
from pyrdpmux.rdp.channels.static import ChannelPdu
from pyrdpmux.wire import decode, encode
from tests.rdp.pdu.properties import i32, property_tests, short_bytes, structure, u16, u32
from tests.rows import Row, row_tests

MSTSC = Path(__file__).parents[4] / "../shared/vectors/mstsc"

ROWS = [
    Row(
        "capabilities request, version 1 (2.2.1.1.1, constructed)",
        CapabilitiesRequest(1, None),
        "50 00 0100",
    ),
    Row(
        "capabilities request, version 2 with a bit in Sp (4.1.1)",
        CapabilitiesRequest(2, (0x3333, 0x1111, 0x0A3D, 0x04A7)),
        "58 00 0200 3333 1111 3d0a a704",
        lossless=False,
    ),
    Row(
        "capabilities request, version 3 (recorded, Windows Server 2016)",
        CapabilitiesRequest(3, (0x3333, 0x1111, 0x0A3D, 0x04A7)),
        "50 00 0300 3333 1111 3d0a a704",
    ),
    Row(
        "capabilities request of a version to come (constructed)",
        CapabilitiesRequest(4, (0, 0, 0, 0)),
        "50 00 0400 0000 0000 0000 0000",
    ),
    Row("capabilities response (4.1.2)", CapabilitiesResponse(2), "50 00 0200"),
    Row(
        "capabilities response with bits in Sp (recorded, mstsc)",
        CapabilitiesResponse(3),
        "58 00 0300",
        lossless=False,
    ),
    Row("create request (4.2.1)", CreateRequest(3, "testdvc"), "10 03 74657374647663 00"),
    Row(
        "create request of priority class 3 (recorded, Windows Server 2016)",
        CreateRequest(14, "AUDIO_PLAYBACK_DVC", 3),
        "1c 0e 415544494f5f504c41594241434b5f445643 00",
    ),
    Row(
        "create request with a wide number (constructed)",
        CreateRequest(0x10000, "\xe9"),
        "12 00000100 e9 00",
    ),
    Row("create response (4.2.2)", CreateResponse(3), "10 03 00000000"),
    Row(
        "create response: no listener (E_FAIL, constructed)",
        CreateResponse(0x100, -0x7FFFBFFB),
        "11 0001 05400080",
    ),
    Row(
        "data first (4.3.1, cut short)",
        DataFirst(3, 3195, b"q" * 12),
        "24 03 7b0c 717171717171717171717171",
        valid_prefixes=tuple(range(4, 16)),
        refuses_trailing=False,
    ),
    Row(
        "data first, all wide (constructed)",
        DataFirst(0x12345, 0x10000, b""),
        "2a 45230100 00000100",
        refuses_trailing=False,
    ),
    Row(
        "data (4.3.2, cut short)",
        Data(3, b"qqqq"),
        "30 03 71717171",
        valid_prefixes=(2, 3, 4, 5),
        refuses_trailing=False,
    ),
    Row(
        "data first compressed (2.2.3.3, constructed)",
        DataFirstCompressed(0xFF, 0xFF, b"\xe0\x06a"),
        "60 ff ff e006 61",
        valid_prefixes=(3, 4, 5),
        refuses_trailing=False,
    ),
    Row(
        "data compressed (2.2.3.4, constructed)",
        DataCompressed(7, b"\xe0\x06a"),
        "70 07 e006 61",
        valid_prefixes=(2, 3, 4),
        refuses_trailing=False,
    ),
    Row("close (4.4)", Close(3), "40 03"),
    Row("close, two bytes (constructed)", Close(0xFFFF), "41 ffff"),
    Row(
        "soft-sync request (2.2.5.1, constructed)",
        SoftSyncRequest(
            SoftSyncFlags.TCP_FLUSHED | SoftSyncFlags.CHANNEL_LIST_PRESENT,
            (
                SoftSyncChannelList(TunnelType.UDPFECR, (7, 8)),
                SoftSyncChannelList(TunnelType.UDPFECL, ()),
            ),
        ),
        """80 00 1c000000 0300 0200
           01000000 0200 07000000 08000000
           03000000 0000""",
    ),
    Row(
        "soft-sync request without lists (constructed)",
        SoftSyncRequest(SoftSyncFlags.TCP_FLUSHED, (), 2),
        "80 00 08000000 0100 0200",
    ),
    Row(
        "soft-sync response (2.2.5.2, constructed)",
        SoftSyncResponse((TunnelType.UDPFECR, TunnelType(5))),
        "90 00 02000000 01000000 05000000",
    ),
]

TestRows = row_tests(ROWS)

channel_ids = st.sampled_from([0, 1, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFFFFFF])
names = st.text(st.characters(max_codepoint=0xFF, blacklist_characters="\0"), max_size=60)
CASES = {
    "capabilities request": structure(CapabilitiesRequest, st.integers(2, 9), st.tuples(u16, u16, u16, u16)),
    "capabilities response": structure(CapabilitiesResponse, u16),
    "create request": structure(CreateRequest, channel_ids, names, st.integers(0, 3)),
    "create response": structure(CreateResponse, channel_ids, i32),
    "data first": structure(DataFirst, channel_ids, channel_ids, short_bytes),
    "data": structure(Data, channel_ids, short_bytes),
    "data first compressed": structure(DataFirstCompressed, channel_ids, u32, short_bytes),
    "data compressed": structure(DataCompressed, channel_ids, short_bytes),
    "close": structure(Close, channel_ids),
    "soft-sync response": structure(
        SoftSyncResponse, st.lists(st.sampled_from(TunnelType), max_size=3).map(tuple)
    ),
    "anything of a client": (decode_client_pdu, encode, st.builds(Close, channel_ids)),
    "anything of a server": (decode_server_pdu, encode, st.builds(Close, channel_ids)),
}
TestProperties = property_tests(CASES)


def test_each_side_has_commands_of_its_own() -> None:
    assert decode_client_pdu(bytes.fromhex("50000200")) == CapabilitiesResponse(2)
    assert decode_server_pdu(bytes.fromhex("50000100")) == CapabilitiesRequest(1, None)
    assert decode_client_pdu(bytes.fromhex("100300000000")) == CreateResponse(3)
    assert decode_server_pdu(bytes.fromhex("10034100")) == CreateRequest(3, "A")
    with pytest.raises(DecodeError):
        decode_client_pdu(encode(SoftSyncRequest()))
    with pytest.raises(DecodeError):
        decode_server_pdu(encode(SoftSyncResponse()))


@pytest.mark.parametrize("data", ["", "00", "a003", "ff"])
def test_what_is_not_recognized_is_refused(data: str) -> None:
    for decoder in (decode_client_pdu, decode_server_pdu):
        with pytest.raises(DecodeError, match="unknown PDU"):
            decoder(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ("43 03", "Close.ChannelId"),
        ("2c 03 00000000 00", "DataFirst.Length"),
        ("50 00 0000", "CapabilitiesRequest.Version"),
        ("10 03 4141", "CreateRequest.ChannelName"),
        ("10 03 4100 41", "CreateRequest.ChannelName"),
        ("10 03 " + "41" * 257 + "00", "CreateRequest.ChannelName"),
        ("80 00 09000000 0100 0000", "SoftSyncRequest.Length"),
        ("80 00 08000000 0200 1100", "SoftSyncRequest.NumberOfTunnels"),
    ],
)
def test_what_cannot_be_is_refused(data: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_server_pdu(bytes.fromhex(data))
    assert caught.value.path == path


@pytest.mark.parametrize(
    "pdu",
    [
        CapabilitiesRequest(1, (1, 2, 3, 4)),
        CapabilitiesRequest(2, None),
        CreateRequest(1, "a\0b"),
        CreateRequest(1, "a" * 256),
        CreateRequest(1, "\u20ac"),
        CreateRequest(1, "a", 4),
        Close(1 << 32),
    ],
)
def test_what_does_not_fit_is_not_written(pdu: CapabilitiesRequest | CreateRequest | Close) -> None:
    with pytest.raises(EncodeError):
        encode(pdu)


def test_bandwidth_shares_are_those_of_the_specifications_example() -> None:
    shares = CapabilitiesRequest(2, (936, 3276, 9362, 21845)).bandwidth_shares
    assert [round(share, 2) for share in shares] == [0.70, 0.20, 0.07, 0.03]
    assert CapabilitiesRequest(2, (0, 100, 0, 300)).bandwidth_shares == (0, 0.75, 0, 0.25)
    assert CapabilitiesRequest(1, None).bandwidth_shares == (0, 0, 0, 0)


def recorded_messages(path: Path) -> Iterator[tuple[str, bytes]]:
    """Direction and message of everything on ``drdynvc``, which is channel 1007 in these sessions."""
    for line in path.read_text().splitlines():
        unit = json.loads(line)
        data = bytes.fromhex(unit["hex"])[7:]  # after TPKT and X.224
        if unit["kind"] == "tpkt" and data[:1] in (b"\x64", b"\x68") and data[3:5] == b"\x03\xef":
            yield unit["dir"], decode(ChannelPdu, data[8:] if data[6] & 0x80 else data[7:]).data


@pytest.mark.skipif(not MSTSC.exists(), reason=f"{MSTSC} is not there")
def test_every_recorded_pdu_decodes_and_re_encodes_identically_but_for_sp() -> None:
    seen: Counter[str] = Counter()
    for path in sorted(MSTSC.glob("*.jsonl")):
        for direction, message in recorded_messages(path):
            pdu: ClientPdu | ServerPdu
            pdu = decode_client_pdu(message) if direction == "c2s" else decode_server_pdu(message)
            seen[type(pdu).__name__] += 1
            written = encode(pdu)
            has_sp = not isinstance(pdu, CreateRequest | DataFirst | DataFirstCompressed)
            first = message[0] & 0xF3 if has_sp else message[0]
            assert written == bytes([first]) + message[1:]
    assert seen["CapabilitiesRequest"] == 2
    assert seen["CreateRequest"] == 15
    assert seen["DataFirst"] > 5


def test_the_tables_are_complete() -> None:
    known = set(CLIENT_PDU_TYPES) | set(SERVER_PDU_TYPES)
    assert known == set(Command)
    assert command_of(0x9F) == Command.SOFT_SYNC_RESPONSE
