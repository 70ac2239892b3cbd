"""The server's settings blocks: rows, optional tails, limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.mcs.client_core import Version
from pyrdpmux.rdp.mcs.client_data import MAX_STATIC_CHANNELS, EncryptionMethod, MultitransportFlags
from pyrdpmux.rdp.mcs.server_data import (
    MAX_SERVER_CERTIFICATE_SIZE,
    EncryptionLevel,
    ServerCoreData,
    ServerEarlyCapabilityFlags,
    ServerMessageChannelData,
    ServerMultitransportChannelData,
    ServerNetworkData,
    ServerSecurityData,
)
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "core (Windows Server 2016, shared/vectors Example_1)",
        ServerCoreData(
            Version.RDP_10_2,
            SecurityProtocol.SSL | SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX,
            ServerEarlyCapabilityFlags.DYNAMIC_DST_SUPPORTED
            | ServerEarlyCapabilityFlags.EDGE_ACTIONS_SUPPORTED_V2,
        ),
        "07000800 0b000000 06000000",
        valid_prefixes=(4, 8),
    ),
    Row(
        "core (MS-RDPBCGR 4.1.4)",
        ServerCoreData(Version.RDP_5_0, SecurityProtocol.RDP),
        "04000800 00000000",
        valid_prefixes=(4,),
        refuses_trailing=True,
    ),
    Row("core of an old server (constructed)", ServerCoreData(Version.RDP_4_0), "01000800"),
    Row(
        "security under enhanced security (shared/vectors Example_1)",
        ServerSecurityData(),
        "00000000 00000000",
    ),
    Row(
        "security (random of MS-RDPBCGR 4.1.4, certificate cut short)",
        ServerSecurityData(
            EncryptionMethod.BITS_128,
            EncryptionLevel.CLIENT_COMPATIBLE,
            bytes.fromhex("101177203061 0a12e434a11ef2c39f317da45f01893496e0ff1108697f1ac3d2"),
            bytes.fromhex("01000000 01000000"),
        ),
        """02000000 02000000 20000000 08000000
           1011772030610a12e434a11ef2c39f317da45f01893496e0ff1108697f1ac3d2
           01000000 01000000""",
        valid_prefixes=(8,),
    ),
    Row(
        "network, even count (shared/vectors Example_1)",
        ServerNetworkData(1003, (1004, 1005, 1006, 1007)),
        "eb03 0400 ec03 ed03 ee03 ef03",
    ),
    Row(
        "network, odd count (MS-RDPBCGR 4.1.4)",
        ServerNetworkData(1003, (1004, 1005, 1006)),
        "eb03 0300 ec03 ed03 ee03 0000  # Pad",
        valid_prefixes=(10,),
    ),
    Row("message channel (shared/vectors Example_1)", ServerMessageChannelData(1008), "f003"),
    Row(
        "multitransport (constructed)",
        ServerMultitransportChannelData(MultitransportFlags.UDP_FEC_RELIABLE),
        "01000000",
    ),
]

TestRows = row_tests(ROWS)


def test_early_capabilities_need_requested_protocols() -> None:
    with pytest.raises(EncodeError, match="present although clientRequestedProtocols is absent"):
        encode(ServerCoreData(early_capability_flags=ServerEarlyCapabilityFlags(0)))


@pytest.mark.parametrize(
    "block", [ServerSecurityData(server_random=bytes(32)), ServerSecurityData(server_certificate=b"x")]
)
def test_random_and_certificate_come_together(block: ServerSecurityData) -> None:
    with pytest.raises(EncodeError, match="expected both random and certificate or none of them"):
        encode(block)


@pytest.mark.parametrize(
    ("lengths", "path"),
    [("21000000 00000000", "serverRandomLen"), ("20000000 01400000", "serverCertLen")],
)
def test_security_lengths_have_limits(lengths: str, path: str) -> None:
    data = bytes.fromhex("02000000 02000000" + lengths) + bytes(MAX_SERVER_CERTIFICATE_SIZE + 64)
    with pytest.raises(DecodeError) as caught:
        decode(ServerSecurityData, data)
    assert caught.value.path == f"ServerSecurityData.{path}"


def test_there_are_at_most_31_channels() -> None:
    network = ServerNetworkData(1003, tuple(range(1004, 1004 + MAX_STATIC_CHANNELS)))
    assert decode(ServerNetworkData, encode(network)) == network
    with pytest.raises(DecodeError, match="channelCount: 32, at most 31 allowed"):
        decode(ServerNetworkData, bytes.fromhex("eb03 2000") + bytes(64))


U32 = st.integers(0, 0xFFFFFFFF)
PROTOCOLS = st.builds(SecurityProtocol, U32)
VERSIONS = st.builds(Version, U32)
CHANNEL_IDS = st.integers(0, 0xFFFF)
BLOCKS = st.one_of(
    st.builds(ServerCoreData, VERSIONS, st.none() | PROTOCOLS),
    st.builds(ServerCoreData, VERSIONS, PROTOCOLS, st.builds(ServerEarlyCapabilityFlags, U32)),
    st.builds(ServerSecurityData, st.builds(EncryptionMethod, U32), st.builds(EncryptionLevel, U32)),
    st.builds(
        ServerSecurityData,
        st.builds(EncryptionMethod, U32),
        st.builds(EncryptionLevel, U32),
        st.binary(max_size=32),
        st.binary(max_size=300),
    ),
    st.builds(ServerNetworkData, CHANNEL_IDS, st.lists(CHANNEL_IDS, max_size=31).map(tuple)),
    st.builds(ServerMessageChannelData, CHANNEL_IDS),
    st.builds(ServerMultitransportChannelData, st.builds(MultitransportFlags, U32)),
)


@given(BLOCKS)
@settings(max_examples=100)
def test_generated_blocks_come_back(block: ServerCoreData) -> None:
    assert decode(type(block), encode(block)) == block


@given(st.sampled_from([type(row.value) for row in ROWS]), st.binary(max_size=60))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(cls: type[ServerCoreData], data: bytes) -> None:
    try:
        block = decode(cls, data)
    except PeerError:
        return
    assert decode(cls, encode(block)) == block
