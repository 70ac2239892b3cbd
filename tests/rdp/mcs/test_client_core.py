"""Client Core Data: with every tail that may be absent, and what newer clients may add."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.mcs.client_core import (
    ClientCoreData,
    ClientEarlyCapabilityFlags,
    ColorDepth,
    ConnectionType,
    HighColorDepth,
    KeyboardType,
    Orientation,
    SupportedColorDepths,
    Version,
)
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

#: sizes of the optional fields, in order; pad1octet belongs to connectionType but may be absent, too
TAIL_SIZES = (2, 2, 4, 2, 2, 2, 64, 1, 1, 4, 4, 4, 2, 4, 4)
FIXED_SIZE = 128
#: where a core data block may end
ENDS = tuple(FIXED_SIZE + sum(TAIL_SIZES[:count]) for count in range(len(TAIL_SIZES) + 1))

MSTSC = ClientCoreData(
    desktop_width=1024,
    desktop_height=768,
    version=Version.RDP_10_2,
    client_build=14393,
    client_name="ENDPOINT",
    post_beta2_color_depth=ColorDepth.BPP_8,
    client_product_id=1,
    serial_number=0,
    high_color_depth=HighColorDepth.BPP_24,
    supported_color_depths=SupportedColorDepths(0x0F),
    early_capability_flags=ClientEarlyCapabilityFlags(0x07AF),
    client_dig_product_id="92c2ce4c-857b-4660-91a7-1d2b363",
    connection_type=ConnectionType.AUTODETECT,
    server_selected_protocol=SecurityProtocol.HYBRID_EX,
    desktop_physical_width=271,
    desktop_physical_height=203,
    desktop_orientation=Orientation.LANDSCAPE,
    desktop_scale_factor=100,
    device_scale_factor=100,
)

MSTSC_HEX = """
    0700 0800                                       # version 10.2
    0004 0003 01ca 03aa                             # 1024 x 768, 8 bpp, RNS_UD_SAS_DEL
    09040000 39380000                               # US keyboard, build 14393
    45004e00440050004f0049004e00540000000000000000000000000000000000  # "ENDPOINT"
    04000000 00000000 0c000000                      # enhanced keyboard with 12 function keys
    0000000000000000000000000000000000000000000000000000000000000000  # imeFileName
    0000000000000000000000000000000000000000000000000000000000000000
    01ca 0100 00000000                              # postBeta2ColorDepth, clientProductId, serialNumber
    1800 0f00 af07                                  # 24 bpp, all depths, early capabilities
    390032006300320063006500340063002d0038003500370062002d0034003600  # clientDigProductId
    360030002d0039003100610037002d0031006400320062003300360033000000
    07 00 08000000                                  # autodetect, pad, HYBRID_EX
    0f010000 cb000000 0000 64000000 64000000        # 271 x 203 mm, landscape, 100 %, 100 %
"""

ROWS = [
    Row(
        "mstsc 10.0.14393, all fields (shared/vectors Example_1)",
        MSTSC,
        MSTSC_HEX,
        valid_prefixes=ENDS,
        refuses_trailing=False,
    ),
    Row(
        "no optional field (RDP 4.0, constructed)",
        ClientCoreData(640, 480, Version.RDP_4_0, client_name="A"),
        """0100 0800 8002 e001 01ca 03aa 09040000 00000000
           4100 000000000000000000000000000000000000000000000000000000000000
           04000000 00000000 0c000000"""
        + "00" * 64,
        refuses_trailing=False,
    ),
    Row(
        "unknown values (constructed)",
        ClientCoreData(
            640,
            480,
            Version(0x00090001),
            ColorDepth(0x1234),
            keyboard_type=KeyboardType(99),
            post_beta2_color_depth=ColorDepth(0),
            client_product_id=0,
            serial_number=0,
            high_color_depth=HighColorDepth(32),
            supported_color_depths=SupportedColorDepths(0xFF00),
            early_capability_flags=ClientEarlyCapabilityFlags(0xF000),
        ),
        """0100 0900 8002 e001 3412 03aa 09040000 00000000 """
        + "00" * 32
        + "63000000 00000000 0c000000"
        + "00" * 64
        + "0000 0000 00000000 2000 00ff 00f0",
        valid_prefixes=ENDS[:7],
        refuses_trailing=False,
    ),
]

TestRows = row_tests(ROWS)

OPTIONAL = [field.name for field in fields(ClientCoreData) if field.default is None]


def test_there_are_as_many_optional_attributes_as_the_specification_has() -> None:
    assert len(OPTIONAL) == len(TAIL_SIZES) - 1  # without pad1octet


@pytest.mark.parametrize("count", range(len(OPTIONAL) + 1))
def test_absent_stays_absent(count: int) -> None:
    changes: dict[str, Any] = dict.fromkeys(OPTIONAL[count:])
    core = replace(MSTSC, **changes)
    data = encode(core)
    assert len(data) in ENDS
    assert encode(MSTSC).startswith(data)
    assert decode(ClientCoreData, data) == core


@pytest.mark.parametrize("name", OPTIONAL[:-1])
def test_a_gap_cannot_be_written(name: str) -> None:
    changes: dict[str, Any] = {name: None}
    with pytest.raises(EncodeError, match=r"present although .* is absent"):
        encode(replace(MSTSC, **changes))


def test_a_gap_is_named() -> None:
    with pytest.raises(EncodeError) as caught:
        encode(replace(MSTSC, serial_number=None))
    assert str(caught.value) == "ClientCoreData.highColorDepth: present although serialNumber is absent"


def test_half_a_field_is_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        decode(ClientCoreData, encode(MSTSC)[:135])
    assert str(caught.value) == "ClientCoreData.serialNumber: need 4 bytes, 3 left (offset 132)"


def test_what_a_newer_client_adds_is_kept() -> None:
    data = encode(MSTSC) + b"\1\2\3"
    core = decode(ClientCoreData, data)
    assert core == replace(MSTSC, extension=b"\1\2\3")
    assert encode(core) == data
    with pytest.raises(EncodeError, match="extension: present although deviceScaleFactor is absent"):
        encode(replace(core, device_scale_factor=None))


def test_the_pad_behind_the_connection_type_may_be_missing() -> None:
    data = encode(MSTSC)[: FIXED_SIZE + sum(TAIL_SIZES[:8])]
    core = decode(ClientCoreData, data)
    assert core.connection_type == ConnectionType.AUTODETECT
    assert core.server_selected_protocol is None
    assert encode(core) == data + b"\0"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=7)
CORES = st.builds(
    ClientCoreData,
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.builds(Version, st.integers(0, 0xFFFFFFFF)),
    client_name=TEXT,
    ime_file_name=TEXT,
    keyboard_layout=st.integers(0, 0xFFFFFFFF),
)


@given(CORES, st.integers(0, len(OPTIONAL)), TEXT)
@settings(max_examples=50)
def test_generated_blocks_come_back(core: ClientCoreData, count: int, product: str) -> None:
    full = {name: getattr(MSTSC, name) for name in OPTIONAL} | {"client_dig_product_id": product}
    core = replace(core, **{name: full[name] for name in OPTIONAL[:count]})
    assert decode(ClientCoreData, encode(core)) == core


@given(st.binary(min_size=100, max_size=260))
@settings(max_examples=50)
def test_garbage_raises_only_peer_errors(data: bytes) -> None:
    try:
        core = decode(ClientCoreData, data)
    except PeerError:
        return
    assert decode(ClientCoreData, encode(core)) == core
