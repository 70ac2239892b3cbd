"""GCC Conference Create Request and Response: rows, block headers, consistency of lengths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.mcs.client_core import Version
from pyrdpmux.rdp.mcs.client_data import (
    ChannelDefinition,
    ChannelOptions,
    ClientClusterData,
    ClientCoreData,
    ClientMessageChannelData,
    ClientMonitorData,
    ClientMonitorExtendedData,
    ClientMultitransportChannelData,
    ClientNetworkData,
    ClientSecurityData,
    ClusterFlags,
    EncryptionMethod,
    MonitorAttributes,
    MonitorDefinition,
    MonitorFlags,
    RedirectionVersion,
    UnknownClientData,
)
from pyrdpmux.rdp.mcs.gcc import (
    CLIENT_DATA_TYPES,
    SERVER_DATA_TYPES,
    ConferenceCreateRequest,
    ConferenceCreateResponse,
    ConferenceResult,
)
from pyrdpmux.rdp.mcs.server_data import (
    ServerCoreData,
    ServerEarlyCapabilityFlags,
    ServerMessageChannelData,
    ServerMultitransportChannelData,
    ServerNetworkData,
    ServerSecurityData,
    UnknownServerData,
)
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

REQUEST_HEX = """
    00 05 00147c0001            # key: object { 0 0 20 124 0 1 }
    81 1c                       # connectPDU, 284 bytes
    00 08                       # conferenceCreateRequest with userData
    00 10 00                    # conferenceName "1", flags, terminationMethod
    01 c0 00 44756361           # one set, h221NonStandard "Duca"
    81 0e                       # 270 bytes of blocks
    01c0 8400                   # CS_CORE
        04000800 00050004 01ca 03aa 09040000 ce0e0000
        45004c0054004f004e0053002d00440045005600320000000000000000000000
        04000000 00000000 0c000000
        0000000000000000000000000000000000000000000000000000000000000000
        0000000000000000000000000000000000000000000000000000000000000000
    04c0 0c00 0d000000 00000000 # CS_CLUSTER
    02c0 0c00 1b000000 00000000 # CS_SECURITY
    03c0 1400 01000000 7264706472000000 00008080  # CS_NET
    05c0 2000 00000000 01000000 00000000 00000000 ff040000 ff030000 01000000  # CS_MONITOR
    06c0 0800 00000000          # CS_MCS_MSGCHANNEL
    08c0 2400 00000000 14000000 01000000 00000000 00000000 00000000 64000000 64000000  # CS_MONITOR_EX
    0ac0 0800 00000000          # CS_MULTITRANSPORT
    0cc0 0600 abcd              # CS_UNUSED1
    77c0 0400                   # unknown, empty
"""

ROWS = [
    Row(
        "request (MS-RDPBCGR 4.1.3, shortened, with the blocks it lacks)",
        ConferenceCreateRequest(
            (
                ClientCoreData(
                    1280,
                    1024,
                    Version.RDP_5_0,
                    client_build=3790,
                    client_name="ELTONS-DEV2",
                    keyboard_layout=0x409,
                ),
                ClientClusterData(ClusterFlags.REDIRECTION_SUPPORTED, RedirectionVersion.VERSION4),
                ClientSecurityData(EncryptionMethod(0x1B)),
                ClientNetworkData((ChannelDefinition(b"rdpdr", ChannelOptions(0x80800000)),)),
                ClientMonitorData((MonitorDefinition(0, 0, 1279, 1023, MonitorFlags.PRIMARY),)),
                ClientMessageChannelData(),
                ClientMonitorExtendedData((MonitorAttributes(0, 0),)),
                ClientMultitransportChannelData(),
                UnknownClientData(0xC00C, b"\xab\xcd"),
                UnknownClientData(0xC077, b""),
            )
        ),
        REQUEST_HEX,
    ),
    Row(
        "request without blocks (constructed)",
        ConferenceCreateRequest(()),
        "00 05 00147c0001 0d 0008 001000 01 c0 00 44756361 00",
    ),
    Row(
        "response (Windows Server 2016, shared/vectors Example_1)",
        ConferenceCreateResponse(
            (
                ServerCoreData(
                    Version.RDP_10_2,
                    SecurityProtocol.SSL | SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX,
                    ServerEarlyCapabilityFlags(6),
                ),
                ServerNetworkData(1003, (1004, 1005, 1006, 1007)),
                ServerSecurityData(),
                ServerMessageChannelData(1008),
                ServerMultitransportChannelData(),
            )
        ),
        """00 05 00147c0001 2a     # connectPDU: 42 whatever follows
           14 760a 0101 00         # conferenceCreateResponse, nodeID 30218 + 1001, tag 1, success
           01 c0 00 4d63446e 3a    # one set, "McDn", 58 bytes
           010c 1000 07000800 0b000000 06000000
           030c 1000 eb03 0400 ec03 ed03 ee03 ef03
           020c 0c00 00000000 00000000
           040c 0600 f003
           080c 0800 00000000""",
    ),
    Row(
        "response, refused, with an unknown block (constructed)",
        ConferenceCreateResponse(
            (UnknownServerData(0x0C77, b"\1"),), ConferenceResult.USER_REJECTED, 65536, 300
        ),
        "00 05 00147c0001 2a 14 fc17 02012c 10 01 c0 00 4d63446e 05 770c 0500 01",
    ),
]

TestRows = row_tests(ROWS)


def request(blocks: str, length: int | None = None) -> bytes:
    data = bytes.fromhex(blocks)
    size = len(data) if length is None else length
    return (
        bytes.fromhex("00 05 00147c0001")
        + bytes([size + 13])
        + bytes.fromhex("0008 001000 01 c0 00 44756361")
        + bytes([size])
        + data
    )


def test_types_are_those_of_the_tables() -> None:
    assert sorted(CLIENT_DATA_TYPES) == [0xC001, 0xC002, 0xC003, 0xC004, 0xC005, 0xC006, 0xC008, 0xC00A]
    assert sorted(SERVER_DATA_TYPES) == [0x0C01, 0x0C02, 0x0C03, 0x0C04, 0x0C08]


def test_the_first_block_of_a_kind() -> None:
    blocks = (
        ClientSecurityData(EncryptionMethod.FIPS),
        ClientMessageChannelData(1),
        ClientMessageChannelData(2),
    )
    assert ConferenceCreateRequest(blocks).first(ClientMessageChannelData) == ClientMessageChannelData(1)
    assert ConferenceCreateRequest(blocks).first(ClientNetworkData) is None
    assert ConferenceCreateResponse((ServerNetworkData(1003),)).first(ServerNetworkData) == ServerNetworkData(
        1003
    )


def test_the_response_length_is_ignored() -> None:
    data = bytearray(encode(ConferenceCreateResponse(())))
    data[7] = 0x7F
    assert decode(ConferenceCreateResponse, bytes(data)) == ConferenceCreateResponse(())


def test_another_conference_name_is_skipped() -> None:
    data = bytes.fromhex("00 05 00147c0001 0e 0008 02123000 01 c0 00 44756361 00")
    assert decode(ConferenceCreateRequest, data) == ConferenceCreateRequest(())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (request("06c0 0300"), r"\.blocks\.length: 3, but the block can have 4 to 4 "),
        (request("06c0 0900 00000000"), r"\.blocks\.length: 9, but the block can have 4 to 8 "),
        (request("06c0 0900 00000000 00"), r"ClientMessageChannelData: 1 bytes too many"),
        (request("06c0 0600 0000"), r"ClientMessageChannelData\.flags: need 4 bytes, 2 left \(offset 25\)"),
        (request("06c0"), r"\.blocks\.length: need 2 bytes, 0 left"),
        (request("")[:-1] + b"\1", r"value: length 1, but 0 bytes follow"),
        (b"\1" + request("")[1:], r"t124Identifier: 010500147c0001, expected 000500147c0001"),
        (request("").replace(b"Duca", b"McDn"), r"h221NonStandard: b'McDn', expected b'Duca'"),
        (request("").replace(b"\0\x08", b"\0\x48"), r"connectGCCPDU: 0x0048, expected 0x0008"),
    ],
)
def test_inconsistencies_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decode(ConferenceCreateRequest, data)


def test_the_request_has_a_limit() -> None:
    block = UnknownClientData(0xC077, bytes(4092))
    assert decode(ConferenceCreateRequest, encode(ConferenceCreateRequest((block,)))).blocks == (block,)
    with pytest.raises(DecodeError, match="at most 4096 allowed"):
        decode(
            ConferenceCreateRequest,
            encode(ConferenceCreateRequest((UnknownClientData(0xC077, bytes(4093)),))),
        )


def test_a_block_that_does_not_fit_is_named() -> None:
    with pytest.raises(EncodeError, match=r"ConferenceCreateRequest\.length: 65536 does not fit 2 bytes"):
        encode(ConferenceCreateRequest((UnknownClientData(0xC077, bytes(65532)),)))
    with pytest.raises(EncodeError, match=r"ConferenceCreateRequest\.ClientCoreData\.desktopWidth: 65536"):
        encode(ConferenceCreateRequest((ClientCoreData(65536, 1),)))


UNKNOWN_DATA = st.binary(max_size=100)
CLIENT_BLOCKS = st.one_of(
    st.builds(UnknownClientData, st.integers(0xC00B, 0xFFFF), UNKNOWN_DATA),
    st.builds(ClientMessageChannelData, st.integers(0, 0xFFFFFFFF)),
    st.builds(ClientCoreData, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
)
SERVER_BLOCKS = st.one_of(
    st.builds(UnknownServerData, st.integers(0x0C09, 0xFFFF), UNKNOWN_DATA),
    st.builds(ServerMessageChannelData, st.integers(0, 0xFFFF)),
    st.builds(
        ServerNetworkData, st.integers(0, 0xFFFF), st.lists(st.integers(0, 0xFFFF), max_size=5).map(tuple)
    ),
)
CONFERENCES = st.one_of(
    st.builds(ConferenceCreateRequest, st.lists(CLIENT_BLOCKS, max_size=6).map(tuple)),
    st.builds(
        ConferenceCreateResponse,
        st.lists(SERVER_BLOCKS, max_size=6).map(tuple),
        st.builds(ConferenceResult, st.integers(0, 15)),
        st.integers(1001, 66536),
        st.integers(0, 0xFFFFFFFF),
    ),
)


@given(CONFERENCES)
@settings(max_examples=60)
def test_generated_conferences_come_back(conference: ConferenceCreateRequest) -> None:
    data = encode(conference)
    decoded = decode(type(conference), data)
    assert decoded == conference
    assert encode(decoded) == data


@given(st.binary(max_size=100))
@settings(max_examples=60)
def test_garbage_raises_only_peer_errors(data: bytes) -> None:
    for cls in (ConferenceCreateRequest, ConferenceCreateResponse):
        for frame in (data, request(data.hex())):
            try:
                conference = decode(cls, frame)
            except PeerError:
                continue
            assert decode(cls, encode(conference)) == conference
