"""Demand Active, Confirm Active and Deactivate All, without their share control headers."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.pdu.activation import MAX_CAPABILITY_SETS, ConfirmActive, DeactivateAll, DemandActive
from pyrdpmux.rdp.pdu.capabilities import CapabilitySetType, UnknownCapability
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import (
    BitmapCacheHostSupportCapability,
    BitmapCacheRev2Capability,
    CacheFlags,
    CellCacheInfo,
    OffscreenCacheCapability,
)
from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_IGNORE,
    CODEC_IMAGE_REMOTEFX,
    CODEC_NSCODEC,
    CODEC_REMOTEFX,
    BitmapCodec,
    BitmapCodecsCapability,
    NsCodecProperties,
)
from pyrdpmux.rdp.pdu.capabilities.drawing import (
    DrawNineGridCapability,
    NineGridSupportLevel,
    RailSupportLevel,
    RemoteProgramsCapability,
    WindowListCapability,
    WindowSupportLevel,
)
from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    DrawingFlags,
    ExtraFlags,
    FrameAcknowledgeCapability,
    GeneralCapability,
    MultifragmentUpdateCapability,
    OsMajorType,
    OsMinorType,
    SurfaceCommandFlags,
    SurfaceCommandsCapability,
)
from pyrdpmux.rdp.pdu.capabilities.input import (
    InputCapability,
    InputFlags,
    LargePointerCapability,
    LargePointerFlags,
    PointerCapability,
    SoundCapability,
)
from pyrdpmux.rdp.pdu.capabilities.order import (
    BrushCapability,
    BrushSupportLevel,
    CacheDefinition,
    ColorCacheCapability,
    GlyphCacheCapability,
    GlyphSupportLevel,
    OrderCapability,
    OrderFlags,
    OrderSupportExFlags,
)
from pyrdpmux.rdp.pdu.capabilities.session import (
    ControlCapability,
    FontCapability,
    ShareCapability,
    VirtualChannelCapability,
    VirtualChannelFlags,
    WindowActivationCapability,
)
from pyrdpmux.wire import decode, encode
from tests.rdp.pdu.properties import property_tests, short_bytes, structure, u16, u32
from tests.rows import Row, row_tests

SETS = st.lists(
    st.builds(ShareCapability, u16)
    | st.builds(UnknownCapability, st.just(CapabilitySetType(0x99)), short_bytes),
    max_size=4,
).map(tuple)

ROWS = [
    Row(
        "demand active (Windows Server 2016, shared/vectors Example_1)",
        DemandActive(
            share_id=66538,
            capabilities=(
                ShareCapability(node_id=1002),
                GeneralCapability(
                    os_major_type=OsMajorType.WINDOWS,
                    os_minor_type=OsMinorType.WINDOWS_NT,
                    extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED
                    | ExtraFlags.LONG_CREDENTIALS_SUPPORTED
                    | ExtraFlags.AUTORECONNECT_SUPPORTED
                    | ExtraFlags.ENC_SALTED_CHECKSUM
                    | ExtraFlags.NO_BITMAP_COMPRESSION_HDR,
                    refresh_rect_support=1,
                    suppress_output_support=1,
                ),
                VirtualChannelCapability(flags=VirtualChannelFlags.COMPR_CS_8K, chunk_size=1600),
                ColorCacheCapability(),
                PointerCapability(),
                LargePointerCapability(flags=LargePointerFlags.UP_TO_96X96),
                FontCapability(),
                BitmapCapability(
                    preferred_bits_per_pixel=32,
                    desktop_width=1024,
                    desktop_height=768,
                    drawing_flags=DrawingFlags.ALLOW_DYNAMIC_COLOR_FIDELITY
                    | DrawingFlags.ALLOW_COLOR_SUBSAMPLING
                    | DrawingFlags.ALLOW_SKIP_ALPHA
                    | DrawingFlags.UNUSED_FLAG,
                ),
                BitmapCodecsCapability(
                    codecs=(
                        BitmapCodec(
                            guid=CODEC_NSCODEC,
                            codec_id=0,
                            properties=NsCodecProperties(
                                allow_dynamic_fidelity=1, allow_subsampling=1, color_loss_level=3
                            ),
                        ),
                        BitmapCodec(guid=CODEC_REMOTEFX, codec_id=0, properties=b"\x00\x00\x00\x00"),
                        BitmapCodec(guid=CODEC_IGNORE, codec_id=0, properties=b"\x00\x00\x00\x00"),
                        BitmapCodec(guid=CODEC_IMAGE_REMOTEFX, codec_id=0, properties=b"\x00\x00\x00\x00"),
                    )
                ),
                OrderCapability(
                    order_flags=OrderFlags.NEGOTIATE_ORDER_SUPPORT
                    | OrderFlags.ZERO_BOUNDS_DELTAS_SUPPORT
                    | OrderFlags.COLOR_INDEX_SUPPORT
                    | OrderFlags.EXTRA_FLAGS,
                    order_support=bytes.fromhex(
                        "0101010101000000010000010000000101010101010101000101010100000000"
                    ),
                    order_support_ex_flags=OrderSupportExFlags.CACHE_BITMAP_REV3_SUPPORT
                    | OrderSupportExFlags.ALTSEC_FRAME_MARKER_SUPPORT,
                    text_flags=1697,
                    desktop_save_size=1000000,
                ),
                BitmapCacheHostSupportCapability(),
                InputCapability(
                    input_flags=InputFlags.SCANCODES
                    | InputFlags.MOUSEX
                    | InputFlags.UNICODE
                    | InputFlags.FASTPATH_INPUT2
                    | InputFlags.UNUSED1
                    | InputFlags.MOUSE_HWHEEL
                    | InputFlags.QOE_TIMESTAMPS
                ),
                RemoteProgramsCapability(
                    support_level=RailSupportLevel.SUPPORTED
                    | RailSupportLevel.DOCKED_LANGBAR_SUPPORTED
                    | RailSupportLevel.SHELL_INTEGRATION_SUPPORTED
                    | RailSupportLevel.LANGUAGE_IME_SYNC_SUPPORTED
                    | RailSupportLevel.SERVER_TO_CLIENT_IME_SYNC_SUPPORTED
                    | RailSupportLevel.HIDE_MINIMIZED_APPS_SUPPORTED
                    | RailSupportLevel.WINDOW_CLOAKING_SUPPORTED
                ),
                WindowListCapability(
                    support_level=WindowSupportLevel.SUPPORTED_EX, icon_cache_count=3, icon_cache_entries=12
                ),
                MultifragmentUpdateCapability(max_request_size=38055),
                SurfaceCommandsCapability(
                    command_flags=SurfaceCommandFlags.SET_SURFACE_BITS
                    | SurfaceCommandFlags.FRAME_MARKER
                    | SurfaceCommandFlags.STREAM_SURFACE_BITS
                ),
                FrameAcknowledgeCapability(max_unacknowledged_frame_count=0),
            ),
        ),
        """ea030100 0400 b301 52445000  # header
           1100 0000 0900 0800  # combinedCapabilities
           ea03 0000  # ShareCapability
           0100 1800  # combinedCapabilities
           0100 0300 0002 0000 0000 1d04 0000 0000 0000 01 01  # GeneralCapability
           1400 0c00  # combinedCapabilities
           02000000 40060000  # VirtualChannelCapability
           0a00 0800  # combinedCapabilities
           0600 0000  # ColorCacheCapability
           0800 0a00  # combinedCapabilities
           0100 1900 1900  # PointerCapability
           1b00 0600  # combinedCapabilities
           0100  # LargePointerCapability
           0e00 0800  # combinedCapabilities
           0100 0000  # FontCapability
           0200 1c00  # combinedCapabilities
           2000 0100 0100 0100 0004 0003 0000 0100 0100 00 1e 0100 0000  # BitmapCapability
           1d00 6000  # combinedCapabilities
           04 b91b8dca0f004f15589fae2d1a87e2d6 00 0300 01 01 03
           122f777672bd6344afb3b73c9c6f7886 00 0400 00000000
           a651439c3535ae42910ccdfce5760b58 00 0400 00000000
           d4cc44278a9d744e803c0ecbeea19c54 00 0400 00000000  # BitmapCodecsCapability
           0300 5800  # combinedCapabilities
           00000000000000000000000000000000 40420f00 0100 1400 0000 0100 0000 aa00
           0101010101000000010000010000000101010101010101000101010100000000 a106
           0600 40420f00 40420f00 0100 0000 0000 0000  # OrderCapability
           1200 0800  # combinedCapabilities
           01 00 0000  # BitmapCacheHostSupportCapability
           0d00 5800  # combinedCapabilities
           7503 0000 00000000 00000000 00000000 00000000
           000000000000000000000000000000000000000000000000000000000000000000000000
           00000000000000000000000000000000000000000000000000000000  # InputCapability
           1700 0800  # combinedCapabilities
           7f000000  # RemoteProgramsCapability
           1800 0b00  # combinedCapabilities
           02000000 03 0c00  # WindowListCapability
           1a00 0800  # combinedCapabilities
           a7940000  # MultifragmentUpdateCapability
           1c00 0c00  # combinedCapabilities
           52000000 00000000  # SurfaceCommandsCapability
           1e00 0800  # combinedCapabilities
           00000000  # FrameAcknowledgeCapability
           00000000  # header""",
        valid_prefixes=(447,),
        lossless=False,  # padding is filled
    ),
    Row(
        "confirm active (mstsc, shared/vectors Example_1)",
        ConfirmActive(
            share_id=66538,
            capabilities=(
                GeneralCapability(
                    os_major_type=OsMajorType.WINDOWS,
                    os_minor_type=OsMinorType.WINDOWS_NT,
                    extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED
                    | ExtraFlags.LONG_CREDENTIALS_SUPPORTED
                    | ExtraFlags.AUTORECONNECT_SUPPORTED
                    | ExtraFlags.ENC_SALTED_CHECKSUM
                    | ExtraFlags.NO_BITMAP_COMPRESSION_HDR,
                ),
                BitmapCapability(
                    preferred_bits_per_pixel=32,
                    desktop_width=1024,
                    desktop_height=768,
                    drawing_flags=DrawingFlags.ALLOW_DYNAMIC_COLOR_FIDELITY
                    | DrawingFlags.ALLOW_SKIP_ALPHA
                    | DrawingFlags.UNUSED_FLAG,
                ),
                OrderCapability(
                    order_flags=OrderFlags.NEGOTIATE_ORDER_SUPPORT
                    | OrderFlags.ZERO_BOUNDS_DELTAS_SUPPORT
                    | OrderFlags.COLOR_INDEX_SUPPORT
                    | OrderFlags.EXTRA_FLAGS,
                    order_support=bytes.fromhex(
                        "0101010101000001010100010000000101010101010101000101010000000000"
                    ),
                    order_support_ex_flags=OrderSupportExFlags.CACHE_BITMAP_REV3_SUPPORT
                    | OrderSupportExFlags.ALTSEC_FRAME_MARKER_SUPPORT,
                    text_flags=1697,
                    text_ansi_code_page=1252,
                ),
                BitmapCacheRev2Capability(
                    cache_flags=CacheFlags.PERSISTENT_KEYS_EXPECTED | CacheFlags.ALLOW_CACHE_WAITING_LIST,
                    cell_cache_count=3,
                    cell_caches=(
                        CellCacheInfo(entries=120),
                        CellCacheInfo(entries=120),
                        CellCacheInfo(entries=2556, is_persistent=True),
                        CellCacheInfo(),
                        CellCacheInfo(),
                    ),
                ),
                ColorCacheCapability(),
                WindowActivationCapability(),
                ControlCapability(),
                PointerCapability(color_pointer_cache_size=20, pointer_cache_size=21),
                ShareCapability(),
                InputCapability(
                    input_flags=InputFlags.SCANCODES | InputFlags.UNICODE | InputFlags.MOUSE_RELATIVE,
                    keyboard_layout=1033,
                    keyboard_type=4,
                    keyboard_function_key=12,
                ),
                SoundCapability(sound_flags=1),
                FontCapability(),
                GlyphCacheCapability(
                    glyph_cache=(
                        CacheDefinition(entries=254, maximum_cell_size=4),
                        CacheDefinition(entries=254, maximum_cell_size=4),
                        CacheDefinition(entries=254, maximum_cell_size=8),
                        CacheDefinition(entries=254, maximum_cell_size=8),
                        CacheDefinition(entries=254, maximum_cell_size=16),
                        CacheDefinition(entries=254, maximum_cell_size=32),
                        CacheDefinition(entries=254, maximum_cell_size=64),
                        CacheDefinition(entries=254, maximum_cell_size=128),
                        CacheDefinition(entries=254, maximum_cell_size=256),
                        CacheDefinition(entries=64, maximum_cell_size=2048),
                    ),
                    frag_cache=CacheDefinition(entries=256, maximum_cell_size=256),
                    glyph_support_level=GlyphSupportLevel.ENCODE,
                ),
                BrushCapability(brush_support_level=BrushSupportLevel.COLOR_8X8),
                OffscreenCacheCapability(support_level=1, cache_size=10240, cache_entries=100),
                VirtualChannelCapability(flags=VirtualChannelFlags.COMPR_SC, chunk_size=0),
                DrawNineGridCapability(
                    support_level=NineGridSupportLevel.SUPPORTED_REV2, cache_size=2560, cache_entries=256
                ),
                MultifragmentUpdateCapability(max_request_size=38055),
                SurfaceCommandsCapability(
                    command_flags=SurfaceCommandFlags.SET_SURFACE_BITS
                    | SurfaceCommandFlags.FRAME_MARKER
                    | SurfaceCommandFlags.STREAM_SURFACE_BITS
                ),
                LargePointerCapability(flags=LargePointerFlags.UP_TO_96X96),
                FrameAcknowledgeCapability(max_unacknowledged_frame_count=2),
                WindowListCapability(
                    support_level=WindowSupportLevel.SUPPORTED_EX, icon_cache_count=3, icon_cache_entries=12
                ),
                BitmapCodecsCapability(
                    codecs=(
                        BitmapCodec(
                            guid=CODEC_NSCODEC,
                            codec_id=1,
                            properties=NsCodecProperties(
                                allow_dynamic_fidelity=1, allow_subsampling=1, color_loss_level=3
                            ),
                        ),
                        BitmapCodec(
                            guid=CODEC_IMAGE_REMOTEFX,
                            codec_id=5,
                            properties=bytes.fromhex(
                                "310000000100000025000000c0cb080000000100c1cb1d00000001c0cf0200080000014000020101010001400002010104"
                            ),
                        ),
                        BitmapCodec(
                            guid=CODEC_REMOTEFX,
                            codec_id=3,
                            properties=bytes.fromhex(
                                "310000000100000025000000c0cb080000000100c1cb1d00000001c0cf0200080000014000000101010001400000010104"
                            ),
                        ),
                    )
                ),
            ),
        ),
        """ea030100 ea03 0600 8202 4d5354534300  # header
           1700 0000 0100 1800  # combinedCapabilities
           0100 0300 0002 0000 0000 1d04 0000 0000 0000 00 00  # GeneralCapability
           0200 1c00  # combinedCapabilities
           2000 0100 0100 0100 0004 0003 0000 0100 0100 00 1a 0100 0000  # BitmapCapability
           0300 5800  # combinedCapabilities
           00000000000000000000000000000000 00000000 0100 1400 0000 0100 0000 aa00
           0101010101000001010100010000000101010101010101000101010000000000 a106
           0600 00000000 00840300 0000 0000 e404 0000  # OrderCapability
           1300 2800  # combinedCapabilities
           0300 00 03 78000000 78000000 fc090080 00000000 00000000
           000000000000000000000000  # BitmapCacheRev2Capability
           0a00 0800  # combinedCapabilities
           0600 0000  # ColorCacheCapability
           0700 0c00  # combinedCapabilities
           0000 0000 0000 0000  # WindowActivationCapability
           0500 0c00  # combinedCapabilities
           0000 0000 0200 0200  # ControlCapability
           0800 0a00  # combinedCapabilities
           0100 1400 1500  # PointerCapability
           0900 0800  # combinedCapabilities
           0000 0000  # ShareCapability
           0d00 5800  # combinedCapabilities
           9100 2000 09040000 04000000 00000000 0c000000
           000000000000000000000000000000000000000000000000000000000000000000000000
           00000000000000000000000000000000000000000000000000000000  # InputCapability
           0c00 0800  # combinedCapabilities
           0100 0000  # SoundCapability
           0e00 0800  # combinedCapabilities
           0100 0000  # FontCapability
           1000 3400  # combinedCapabilities
           fe00 0400 fe00 0400 fe00 0800 fe00 0800 fe00 1000 fe00 2000 fe00 4000
           fe00 8000 fe00 0001 4000 0008 0001 0001 0300 0000  # GlyphCacheCapability
           0f00 0800  # combinedCapabilities
           01000000  # BrushCapability
           1100 0c00  # combinedCapabilities
           01000000 0028 6400  # OffscreenCacheCapability
           1400 0c00  # combinedCapabilities
           01000000 00000000  # VirtualChannelCapability
           1500 0c00  # combinedCapabilities
           02000000 000a 0001  # DrawNineGridCapability
           1a00 0800  # combinedCapabilities
           a7940000  # MultifragmentUpdateCapability
           1c00 0c00  # combinedCapabilities
           52000000 00000000  # SurfaceCommandsCapability
           1b00 0600  # combinedCapabilities
           0100  # LargePointerCapability
           1e00 0800  # combinedCapabilities
           02000000  # FrameAcknowledgeCapability
           1800 0b00  # combinedCapabilities
           02000000 03 0c00  # WindowListCapability
           1d00 a300  # combinedCapabilities
           03 b91b8dca0f004f15589fae2d1a87e2d6 01 0300 01 01 03
           d4cc44278a9d744e803c0ecbeea19c54 05 3100
           310000000100000025000000c0cb080000000100c1cb1d00000001c0cf02000800000140
           00020101010001400002010104 122f777672bd6344afb3b73c9c6f7886 03 3100
           310000000100000025000000c0cb080000000100c1cb1d00000001c0cf02000800000140
           00000101010001400000010104  # BitmapCodecsCapability""",
        lossless=False,  # padding is filled
    ),
    Row(
        "demand active without sessionId (T.128, constructed)",
        DemandActive(0x000103EA, (ShareCapability(0x03EA),), b"RDP", None),
        """ea030100 0300 0c00 524450
           0100 0000 0900 0800 ea03 0000""",
        refuses_trailing=True,
    ),
    Row(
        "confirm active without capabilities (constructed)",
        ConfirmActive(1, ()),
        "01000000 ea03 0600 0400 4d5354534300 0000 0000",
    ),
    Row(
        "deactivate all (2.2.3.1.1, constructed)",
        DeactivateAll(0x000103EA),
        "ea030100 0100 00",
        valid_prefixes=(0, 4),
    ),
    Row(
        "deactivate all without source descriptor (constructed)",
        DeactivateAll(5, None),
        "05000000",
        valid_prefixes=(0,),
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "demand": structure(DemandActive, u32, SETS, short_bytes, st.none() | u32),
    "confirm": structure(ConfirmActive, u32, SETS, short_bytes, u16),
    "deactivate": structure(DeactivateAll, u32, st.none() | short_bytes),
}

TestProperties = property_tests(CASES)


def test_too_many_sets_are_refused_before_they_are_read() -> None:
    data = encode(ConfirmActive(1, (ShareCapability(),) * (MAX_CAPABILITY_SETS + 1)))
    with pytest.raises(DecodeError, match="65, at most 64 allowed") as caught:
        decode(ConfirmActive, data)
    assert caught.value.path == "ConfirmActive.numberCapabilities"


def test_the_combined_length_covers_the_sets_and_their_count_only() -> None:
    data = encode(DemandActive(1, (ShareCapability(),), b"RDP\0"))
    assert data[4:8] == bytes([4, 0, 4 + 8, 0])


def test_a_count_that_leaves_sets_over_is_refused() -> None:
    data = bytearray(encode(ConfirmActive(1, (ShareCapability(), ShareCapability()))))
    at = data.index(b"MSTSC\0") + 6
    data[at] = 1
    with pytest.raises(DecodeError, match="8 bytes too many"):
        decode(ConfirmActive, bytes(data))


def test_a_set_that_claims_more_than_its_pdu_names_its_place() -> None:
    data = bytearray(encode(ConfirmActive(1, (ShareCapability(),))))
    data[-6] = 9
    with pytest.raises(DecodeError) as caught:
        decode(ConfirmActive, bytes(data))
    assert caught.value.path == "ConfirmActive.ShareCapability"
