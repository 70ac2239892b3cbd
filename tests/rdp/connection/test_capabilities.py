"""What a client is offered, and what is made of its answer."""

from dataclasses import fields
from typing import Any

import pytest

from pyrdpmux.errors import StateError
from pyrdpmux.rdp.connection.output_format import DEFAULT_MAX_REQUEST_SIZE, OutputFormat
from pyrdpmux.rdp.connection.server.capabilities import demanded_capabilities, wanted_bits_per_pixel
from pyrdpmux.rdp.fastpath.fragment import MAX_FRAGMENT_SIZE
from pyrdpmux.rdp.fastpath.header import MAX_SENT_SIZE, is_fast_path
from pyrdpmux.rdp.mcs.client_core import ClientCoreData, ColorDepth, HighColorDepth, SupportedColorDepths
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet, LongCapability, find_capability
from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    ExtraFlags,
    GeneralCapability,
    MultifragmentUpdateCapability,
)
from pyrdpmux.rdp.pdu.capabilities.input import (
    InputCapability,
    InputFlags,
    LargePointerCapability,
    LargePointerFlags,
    PointerCapability,
)
from pyrdpmux.rdp.pdu.pointer import ColorPointer, LargePointer, NewPointer, scan_line_size
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, CompressedDataHeader
from tests.pair.linked import rdp_policy, server_config
from tests.pair.test_connect import Cookies
from tests.rdp.connection.scripted import CAPABILITIES, Early, Scripted, blocks, core, plaintext_config

ALL = SupportedColorDepths(0x0F)
WANT_32 = Early.WANT_32BPP_SESSION


def old_core(depth: ColorDepth, post_beta2: ColorDepth | None = None) -> ClientCoreData:
    """Of a client that stops there: RDP 4 and 5."""
    return ClientCoreData(800, 600, color_depth=depth, post_beta2_color_depth=post_beta2)


@pytest.mark.parametrize(
    ("data", "maximum", "depth"),
    [
        # 2.2.1.3.2: 32 needs the flag and the support bit
        (core(WANT_32, supported_color_depths=ALL), 32, 32),
        (core(WANT_32, supported_color_depths=SupportedColorDepths(0x07)), 32, 24),
        (core(Early(0), supported_color_depths=ALL), 32, 24),
        (core(None, supported_color_depths=ALL), 32, 24),
        (core(WANT_32, supported_color_depths=None), 32, 24),
        # highColorDepth
        (core(Early(0), high_color_depth=HighColorDepth.BPP_24), 32, 24),
        (core(Early(0), high_color_depth=HighColorDepth(16)), 32, 16),
        (core(Early(0), high_color_depth=HighColorDepth(15)), 32, 15),
        (core(Early(0), high_color_depth=HighColorDepth(8)), 32, 8),
        (core(Early(0), high_color_depth=HighColorDepth(4)), 32, 8),
        (core(Early(0), high_color_depth=HighColorDepth(99)), 32, 8),
        # older clients stop before it
        (old_core(ColorDepth.BPP_8), 32, 8),
        (old_core(ColorDepth.BPP_8, ColorDepth.BPP_16_565), 32, 16),
        (old_core(ColorDepth.BPP_8, ColorDepth.BPP_16_555), 32, 15),
        (old_core(ColorDepth.BPP_8, ColorDepth.BPP_24), 32, 24),
        (old_core(ColorDepth.BPP_4), 32, 8),
        (old_core(ColorDepth(0x1234)), 32, 8),
        # never more than configured
        (core(WANT_32, supported_color_depths=ALL), 24, 24),
        (core(WANT_32, supported_color_depths=ALL), 16, 16),
        (core(WANT_32, supported_color_depths=ALL), 15, 15),
        (core(WANT_32, supported_color_depths=ALL), 8, 8),
        (core(WANT_32, supported_color_depths=ALL), 1, 8),
        (core(Early(0), high_color_depth=HighColorDepth(15)), 16, 15),
    ],
)
def test_the_color_depth_is_the_clients(data: ClientCoreData, maximum: int, depth: int) -> None:
    assert wanted_bits_per_pixel(data, maximum) == depth


def confirmed(*capabilities: CapabilitySet, config: Any = None, **changes: Any) -> Scripted:
    client = Scripted(config or plaintext_config(), blocks(**changes)).reach("CapabilitiesExchange")
    client.send(client.confirm_active(capabilities))
    assert client.server.phase_name == "ConnectionFinalization"
    return client


@pytest.mark.parametrize(
    ("preferred", "agreed"), [(32, 32), (24, 24), (16, 16), (15, 15), (8, 8), (4, 32), (0, 32), (48, 32)]
)
def test_a_client_may_insist_on_less(preferred: int, agreed: int) -> None:
    """rdesktop says so only in its Bitmap Capability Set; nonsense there is ignored."""
    client = confirmed(BitmapCapability(preferred, 800, 600))
    assert client.server.output.bits_per_pixel == agreed


def test_a_client_cannot_insist_on_more() -> None:
    client = confirmed(BitmapCapability(32, 800, 600), high_color_depth=HighColorDepth(16), early=Early(0))
    assert client.server.output.bits_per_pixel == 16


def test_a_client_without_capabilities_gets_the_least() -> None:
    assert confirmed().server.output == OutputFormat(
        width=800,
        height=600,
        bits_per_pixel=32,
        is_fast_path=False,
        max_request_size=DEFAULT_MAX_REQUEST_SIZE,
        omits_compression_header=False,
        may_skip_alpha=False,
        pointer_cache_size=0,
        color_pointer_cache_size=0,
        max_pointer_side=32,
    )


def test_a_capability_that_has_grown_counts_like_the_one_we_know() -> None:
    general = GeneralCapability(extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED)
    assert confirmed(LongCapability(general, b"new")).server.output.is_fast_path


def test_a_modern_client_gets_everything() -> None:
    output = confirmed(
        GeneralCapability(
            extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED | ExtraFlags.NO_BITMAP_COMPRESSION_HDR
        ),
        PointerCapability(1, 20, 21),
        MultifragmentUpdateCapability(608299),
        LargePointerCapability(LargePointerFlags.UP_TO_96X96 | LargePointerFlags.UP_TO_384X384),
    ).server.output
    assert output.is_fast_path
    assert output.omits_compression_header
    assert output.max_request_size == 608299
    assert (output.color_pointer_cache_size, output.pointer_cache_size) == (20, 21)
    assert output.max_pointer_side == 384


@pytest.mark.parametrize(
    ("flags", "size", "side"),
    [
        (LargePointerFlags(0), 608299, 32),
        (LargePointerFlags.UP_TO_96X96, 608299, 96),
        (LargePointerFlags.UP_TO_96X96, 38055, 96),
        (LargePointerFlags.UP_TO_96X96, 38054, 32),
        (LargePointerFlags.UP_TO_384X384, 608299, 384),
        (LargePointerFlags.UP_TO_384X384, 608298, 96),
        (LargePointerFlags.UP_TO_96X96 | LargePointerFlags.UP_TO_384X384, 608299, 384),
        (LargePointerFlags.UP_TO_384X384, 1000, 32),
        (LargePointerFlags.UP_TO_384X384, None, 32),
    ],
)
def test_large_pointers_need_a_reassembly_buffer(
    flags: LargePointerFlags, size: int | None, side: int
) -> None:
    """2.2.7.2.7: clients must announce one; those that do not get what they can take."""
    sets: list[CapabilitySet] = [
        GeneralCapability(extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED),
        PointerCapability(1, 20, 21),
        LargePointerCapability(flags),
    ]
    if size is not None:
        sets.append(MultifragmentUpdateCapability(size))
    client = confirmed(*sets)
    assert client.server.output.max_pointer_side == side
    client.send(*client.finalization())
    masks = bytes(side * side * 4), bytes(side * scan_line_size(side, 1))
    if side > 32:
        client.server.send_pointer(LargePointer(32, 0, 0, 0, side, side, *masks))
    else:
        client.server.send_pointer(NewPointer(32, ColorPointer(0, 0, 0, side, side, *masks)))
    client.collect()
    assert sum(len(frame) for frame in client.frames) > len(masks[0])


def test_we_announce_the_buffer_that_our_pointers_oblige_us_to() -> None:
    server = Scripted().reach("CapabilitiesExchange").session
    sets = demanded_capabilities(server, 640, 480)
    multifragment = find_capability(sets, MultifragmentUpdateCapability)
    large = find_capability(sets, LargePointerCapability)
    assert multifragment is not None
    assert large is not None
    assert large.flags & LargePointerFlags.UP_TO_384X384
    assert multifragment.max_request_size >= 608299


def test_an_old_pointer_capability_has_one_cache() -> None:
    output = confirmed(PointerCapability(1, 20, None)).server.output
    assert (output.color_pointer_cache_size, output.pointer_cache_size) == (20, 0)


@pytest.mark.parametrize("size", [0, 1, 608299])
def test_the_buffer_of_the_client_counts_where_it_is_of_use(size: int) -> None:
    output = confirmed(MultifragmentUpdateCapability(size)).server.output
    assert output.max_request_size == max(size, DEFAULT_MAX_REQUEST_SIZE)
    assert DEFAULT_MAX_REQUEST_SIZE <= MAX_FRAGMENT_SIZE


def test_there_is_no_output_before_confirm_active() -> None:
    client = Scripted().reach("CapabilitiesExchange")
    with pytest.raises(StateError):
        client.server.output  # noqa: B018


def test_what_is_demanded() -> None:
    server = Scripted().reach("CapabilitiesExchange").session
    sets = demanded_capabilities(server, 640, 480)
    assert len({type(capability) for capability in sets}) == len(sets)
    bitmap = find_capability(sets, BitmapCapability)
    assert bitmap is not None
    assert (bitmap.preferred_bits_per_pixel, bitmap.desktop_width, bitmap.desktop_height) == (32, 640, 480)
    assert bitmap.desktop_resize_flag == 1
    input_set = find_capability(sets, InputCapability)
    assert input_set is not None
    assert input_set.input_flags & InputFlags.FASTPATH_INPUT2
    assert input_set.input_flags & InputFlags.UNICODE
    general = find_capability(sets, GeneralCapability)
    assert general is not None
    assert general.refresh_rect_support
    assert general.suppress_output_support


@pytest.mark.parametrize("has_store", [False, True])
def test_auto_reconnect_is_offered_where_there_is_a_store(has_store: bool) -> None:
    config = plaintext_config(auto_reconnect=Cookies() if has_store else None)
    server = Scripted(config).reach("CapabilitiesExchange").session
    general = find_capability(demanded_capabilities(server, 1, 1), GeneralCapability)
    assert general is not None
    assert bool(general.extra_flags & ExtraFlags.AUTORECONNECT_SUPPORTED) == has_store


def test_an_output_format_is_compared_as_a_whole() -> None:
    """Whoever caches by it (shared encoders) relies on that."""
    one, same = confirmed().server.output, confirmed().server.output
    assert one == same
    assert hash(one) == hash(same)
    assert {field.name for field in fields(one)} >= {"bits_per_pixel", "max_request_size"}


@pytest.mark.parametrize(
    "capabilities",
    [
        CAPABILITIES,
        CAPABILITIES[:-1],  # no reassembly of fast-path updates
        CAPABILITIES[1:],  # no fast path
        (CAPABILITIES[0], MultifragmentUpdateCapability(20000)),
    ],
)
@pytest.mark.parametrize("has_header", [False, True])
@pytest.mark.parametrize(
    "level", [EncryptionLevel.NONE, EncryptionLevel.CLIENT_COMPATIBLE, EncryptionLevel.FIPS]
)
def test_a_bitmap_of_the_largest_size_can_be_sent(
    capabilities: tuple[CapabilitySet, ...], has_header: bool, level: EncryptionLevel
) -> None:
    client = Scripted(server_config(rdp_policy(level=level))).reach("CapabilitiesExchange")
    client.send(client.confirm_active(capabilities), *client.finalization())
    server = client.server
    client.frames.clear()
    size = server.output.max_bitmap_size
    flags = BitmapFlags.COMPRESSION if has_header else BitmapFlags(0)
    header = CompressedDataHeader(64, 16384) if has_header else None
    server.send_bitmaps([BitmapData(0, 0, 63, 63, 64, 64, 32, flags, bytes(size), header)])
    client.collect()
    assert sum(len(frame) for frame in client.frames) > size
    for frame in client.frames:
        assert len(frame) <= 0x3FFF + 15  # TPKT, X.224 and MCS headers around the user data
        if is_fast_path(frame[0]):
            assert len(frame) <= MAX_SENT_SIZE
