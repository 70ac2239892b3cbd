"""The client's smaller settings blocks: rows, limits, unknown bits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.mcs.client_core import Orientation
from pyrdpmux.rdp.mcs.client_data import (
    MAX_MONITORS,
    MAX_STATIC_CHANNELS,
    ChannelDefinition,
    ChannelOptions,
    ClientClusterData,
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
    MultitransportFlags,
    RedirectionVersion,
)
from pyrdpmux.wire import Structure, decode, encode
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "security (mstsc, shared/vectors Example_1)",
        ClientSecurityData(
            EncryptionMethod.BITS_40
            | EncryptionMethod.BITS_128
            | EncryptionMethod.BITS_56
            | EncryptionMethod.FIPS
        ),
        "1b000000 00000000",
    ),
    Row(
        "security, French locale (constructed)",
        ClientSecurityData(EncryptionMethod.NONE, EncryptionMethod.BITS_128),
        "00000000 02000000",
    ),
    Row(
        "network (MS-RDPBCGR 4.1.3)",
        ClientNetworkData(
            (
                ChannelDefinition(b"rdpdr", ChannelOptions.INITIALIZED | ChannelOptions.COMPRESS_RDP),
                ChannelDefinition(
                    b"cliprdr",
                    ChannelOptions.INITIALIZED
                    | ChannelOptions.ENCRYPT_RDP
                    | ChannelOptions.COMPRESS_RDP
                    | ChannelOptions.SHOW_PROTOCOL,
                ),
                ChannelDefinition(b"rdpsnd", ChannelOptions.INITIALIZED | ChannelOptions.ENCRYPT_RDP),
            )
        ),
        """03000000
           7264706472000000 00008080    # rdpdr
           636c697072647200 0000a0c0    # cliprdr
           726470736e640000 000000c0    # rdpsnd""",
    ),
    Row("network without channels (constructed)", ClientNetworkData(), "00000000"),
    Row(
        "cluster (mstsc, shared/vectors Example_1)",
        ClientClusterData(ClusterFlags.REDIRECTION_SUPPORTED, RedirectionVersion.VERSION6),
        "15000000 00000000  # supported, 5 << 2",
    ),
    Row(
        "cluster with a session and unknown bits (constructed)",
        ClientClusterData(
            ClusterFlags.REDIRECTED_SESSIONID_FIELD_VALID
            | ClusterFlags.REDIRECTED_SMARTCARD
            | ClusterFlags(0x80000000),
            RedirectionVersion(15),
            7,
        ),
        "7e000080 07000000",
    ),
    Row(
        "monitors (constructed)",
        ClientMonitorData(
            (
                MonitorDefinition(0, 0, 1919, 1079, MonitorFlags.PRIMARY),
                MonitorDefinition(-1280, -24, -1, 999),
            )
        ),
        """00000000 02000000
           00000000 00000000 7f070000 37040000 01000000
           00fbffff e8ffffff ffffffff e7030000 00000000""",
    ),
    Row("message channel (mstsc, shared/vectors Example_1)", ClientMessageChannelData(), "00000000"),
    Row(
        "multitransport (constructed)",
        ClientMultitransportChannelData(
            MultitransportFlags.UDP_FEC_RELIABLE
            | MultitransportFlags.UDP_FEC_LOSSY
            | MultitransportFlags.UDP_PREFERRED
            | MultitransportFlags.SOFT_SYNC_TCP_TO_UDP
        ),
        "05030000",
    ),
    Row(
        "monitor attributes (constructed)",
        ClientMonitorExtendedData(
            (MonitorAttributes(531, 299), MonitorAttributes(200, 300, Orientation.PORTRAIT, 140, 140))
        ),
        """00000000 14000000 02000000  # flags, size of one, count
           13020000 2b010000 00000000 64000000 64000000
           c8000000 2c010000 5a000000 8c000000 8c000000""",
    ),
]

TestRows = row_tests(ROWS)


@pytest.mark.parametrize(
    ("cls", "prefix", "size", "maximum", "name"),
    [
        (ClientNetworkData, "", 12, MAX_STATIC_CHANNELS, "channelCount"),
        (ClientMonitorData, "00000000", 20, MAX_MONITORS, "monitorCount"),
        (ClientMonitorExtendedData, "00000000 14000000", 20, MAX_MONITORS, "monitorCount"),
    ],
)
def test_counts_have_limits(cls: type[Structure], prefix: str, size: int, maximum: int, name: str) -> None:
    head = bytes.fromhex(prefix)
    allowed = head + bytes([maximum, 0, 0, 0]) + bytes(size * maximum)
    assert encode(decode(cls, allowed)) == allowed
    with pytest.raises(DecodeError) as caught:
        decode(cls, head + bytes([maximum + 1, 0, 0, 0]) + bytes(size * (maximum + 1)))
    assert caught.value.path == f"{cls.__name__}.{name}"
    assert caught.value.reason == f"{maximum + 1}, at most {maximum} allowed"
    assert caught.value.offset == len(head)


def test_monitor_attributes_have_one_size() -> None:
    with pytest.raises(DecodeError, match="monitorAttributeSize: 24, expected 20"):
        decode(ClientMonitorExtendedData, bytes.fromhex("00000000 18000000 00000000"))


def test_a_channel_name_without_null_is_echoed() -> None:
    data = b"\1\0\0\0ABCDEFGH\0\0\0\0"
    network = decode(ClientNetworkData, data)
    assert network.channels[0].name == b"ABCDEFGH"
    assert encode(network) == data
    with pytest.raises(EncodeError, match=r"channelDefArray\[0\]\.name: 9 bytes, at most 8 fit"):
        encode(ClientNetworkData((ChannelDefinition(b"ABCDEFGHI"),)))


@pytest.mark.parametrize(
    "cluster",
    [
        ClientClusterData(ClusterFlags.REDIRECTION_SUPPORTED, RedirectionVersion(16)),
        ClientClusterData(ClusterFlags(0x14)),
    ],
)
def test_cluster_flags_and_version_do_not_overlap(cluster: ClientClusterData) -> None:
    with pytest.raises(EncodeError, match="do not fit together"):
        encode(cluster)


U32 = st.integers(0, 0xFFFFFFFF)
I32 = st.integers(-0x80000000, 0x7FFFFFFF)
NAMES = st.binary(max_size=8).map(lambda name: name.replace(b"\0", b"x"))
BLOCKS = st.one_of(
    st.builds(ClientSecurityData, st.builds(EncryptionMethod, U32), st.builds(EncryptionMethod, U32)),
    st.builds(
        ClientNetworkData,
        st.lists(
            st.builds(ChannelDefinition, NAMES, st.builds(ChannelOptions, U32)), max_size=MAX_STATIC_CHANNELS
        ).map(tuple),
    ),
    st.builds(
        ClientMonitorData,
        st.lists(
            st.builds(MonitorDefinition, I32, I32, I32, I32, st.builds(MonitorFlags, U32)), max_size=16
        ).map(tuple),
        U32,
    ),
    st.builds(
        ClientMonitorExtendedData,
        st.lists(
            st.builds(MonitorAttributes, U32, U32, st.builds(Orientation, U32), U32, U32), max_size=16
        ).map(tuple),
        U32,
    ),
    st.builds(ClientMultitransportChannelData, st.builds(MultitransportFlags, U32)),
    st.builds(ClientMessageChannelData, U32),
)
CLASSES = [type(row.value) for row in ROWS]


@given(BLOCKS)
@settings(max_examples=100)
def test_generated_blocks_come_back(block: ClientNetworkData) -> None:
    assert decode(type(block), encode(block)) == block


@given(st.sampled_from(CLASSES), st.binary(max_size=60))
@settings(max_examples=100)
def test_garbage_raises_only_peer_errors(cls: type[ClientNetworkData], data: bytes) -> None:
    try:
        block = decode(cls, data)
    except PeerError:
        return
    assert decode(cls, encode(block)) == block
