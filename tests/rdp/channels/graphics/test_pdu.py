"""Every message of the graphics pipeline: byte by byte, in runs, and what no peer may say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.graphics.cache import (
    CacheEntry,
    CacheImportOffer,
    CacheImportReply,
    CacheToSurface,
    EvictCacheEntry,
    SurfaceToCache,
)
from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    CapsAdvertise,
    CapsConfirm,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.channels.graphics.drawing import (
    CodecId,
    DeleteEncodingContext,
    SolidFill,
    SurfaceToSurface,
    WireToSurface1,
    WireToSurface2,
)
from pyrdpmux.rdp.channels.graphics.frames import (
    EndFrame,
    FrameAcknowledge,
    QoeFrameAcknowledge,
    StartFrame,
    frame_timestamp,
)
from pyrdpmux.rdp.channels.graphics.header import GraphicsCommand, PixelFormat, Point
from pyrdpmux.rdp.channels.graphics.pdu import (
    GRAPHICS_TYPES,
    UnknownGraphics,
    decode_graphics,
    encode_graphics,
    split_graphics,
)
from pyrdpmux.rdp.channels.graphics.surfaces import (
    CreateSurface,
    DeleteSurface,
    MapSurfaceToOutput,
    MapSurfaceToScaledOutput,
    MapSurfaceToScaledWindow,
    MapSurfaceToWindow,
    ResetGraphics,
)
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition, MonitorFlags
from pyrdpmux.wire import encode
from tests.rdp.pdu.properties import Case, property_tests, short_bytes, structure, u16, u32
from tests.rows import Row, row_tests

Version = CapabilityVersion
V8 = GraphicsCapabilitySet.of(Version.VERSION_8, GraphicsFlags.THINCLIENT)
V10_1 = GraphicsCapabilitySet.of(Version.VERSION_10_1)
V10_7 = GraphicsCapabilitySet.of(Version.VERSION_10_7, GraphicsFlags.SMALL_CACHE)
FUTURE = GraphicsCapabilitySet(CapabilityVersion(0x000B0000), b"\x01\x02\x03")

ROWS = [
    Row(
        "a ClearCodec bitmap (2.2.2.1, constructed)",
        WireToSurface1(1, CodecId.CLEARCODEC, Rect(448, 384, 76, 44), b"\x49\x0b\0"),
        "0100 0000 1c000000  0100 0800 20 c0018001 0c02ac01 03000000 490b00",
    ),
    Row(
        "a progressive pass (2.2.2.2, constructed)",
        WireToSurface2(1, CodecId.CAPROGRESSIVE, 7, b"\xc0", PixelFormat.ARGB_8888),
        "0200 0000 16000000  0100 0900 07000000 21 01000000 c0",
    ),
    Row(
        "its context is over (2.2.2.3, constructed)",
        DeleteEncodingContext(1, 7),
        "0300 0000 0e000000  0100 07000000",
    ),
    Row(
        "two rectangles in one color (2.2.2.4, constructed)",
        SolidFill(1, 0xFF112233, (Rect(0, 0, 64, 64), Rect(1, 2, 0xFFFE, 1))),
        "0400 0000 20000000  0100 332211ff 0200 00000000 40004000 01000200 ffff0300",
    ),
    Row("no rectangle (2.2.2.4, constructed)", SolidFill(0, 0, ()), "0400 0000 10000000  0000 00000000 0000"),
    Row(
        "a rectangle whose right is before its left (2.2.1.2, constructed)",
        SolidFill(0, 0, (Rect(10, 20, -10, -20),)),
        "0400 0000 18000000  0000 00000000 0100 0a001400 00000000",
    ),
    Row(
        "a scroll to two places, one off the surface (2.2.2.5, constructed)",
        SurfaceToSurface(1, 2, Rect(0, 16, 640, 464), (Point(0, 0), Point(-1, -32768))),
        "0500 0000 1e000000  0100 0200 00001000 8002e001 0200 00000000 ffff0080",
    ),
    Row(
        "a tile into the cache (2.2.2.6, recorded: mstsc with Windows Server 2016)",
        SurfaceToCache(0, 0xA9CE5F6EBFB017F6, 2, Rect(0, 0, 64, 64)),
        "0600 0000 1c000000  0000 f617b0bf6e5fcea9 0200 00000000 40004000",
    ),
    Row(
        "a tile out of the cache (2.2.2.7, recorded: mstsc with Windows Server 2016)",
        CacheToSurface(2, 0, (Point(64, 0),)),
        "0700 0000 12000000  0200 0000 0100 40000000",
    ),
    Row("a slot is free (2.2.2.8, recorded)", EvictCacheEntry(0x415), "0800 0000 0a000000  1504"),
    Row(
        "a surface (2.2.2.9, recorded: mstsc with Windows Server 2016)",
        CreateSurface(0, 1024, 768, PixelFormat.ARGB_8888),
        "0900 0000 0f000000  0000 0004 0003 21",
    ),
    Row("it is gone (2.2.2.10, constructed)", DeleteSurface(3), "0a00 0000 0a000000  0300"),
    Row(
        "a frame begins (2.2.2.11, recorded: mstsc with Windows Server 2016)",
        StartFrame(1, 0x00232ACF),
        "0b00 0000 10000000  cf2a2300 01000000",
    ),
    Row("it ends (2.2.2.12, constructed)", EndFrame(0xFFFFFFFF), "0c00 0000 0c000000  ffffffff"),
    Row(
        "it is acknowledged (2.2.2.13, recorded: mstsc with Windows Server 2016)",
        FrameAcknowledge(0, 0x0DE3, 1),
        "0d00 0000 14000000  e30d0000 00000000 01000000",
    ),
    Row(
        "an output of two monitors (2.2.2.14, constructed)",
        ResetGraphics(
            2048,
            768,
            (
                MonitorDefinition(0, 0, 1023, 767, MonitorFlags.PRIMARY),
                MonitorDefinition(1024, -1, 2047, 766),
            ),
        ),
        "0e00 0000 54010000  00080000 00030000 02000000"
        " 00000000 00000000 ff030000 ff020000 01000000 00040000 ffffffff ff070000 fe020000 00000000"
        + "00"
        * 280,
    ),
    Row(
        "a surface on the output (2.2.2.15, constructed)",
        MapSurfaceToOutput(1, 16, 0x7FFE),
        "0f00 0000 14000000  0100 0000 10000000 fe7f0000",
    ),
    Row(
        "an offer of two entries (2.2.2.16, constructed)",
        CacheImportOffer((CacheEntry(0xA9CE5F6EBFB017F6, 16384), CacheEntry(1, 4))),
        "1000 0000 22000000  0200 f617b0bf6e5fcea9 00400000 0100000000000000 04000000",
    ),
    Row(
        "a reply for two of them (2.2.2.17, constructed)",
        CacheImportReply((1, 0x1000)),
        "1100 0000 0e000000  0200 0100 0010",
    ),
    Row(
        "capabilities of four versions, one unknown (2.2.2.18, constructed)",
        CapsAdvertise((V8, V10_1, V10_7, FUTURE)),
        """1200 0000 45000000  0400
           04000800 04000000 01000000
           00010a00 10000000 00000000000000000000000000000000
           01070a00 04000000 02000000
           00000b00 03000000 010203""",
    ),
    Row(
        "one is confirmed (2.2.2.19, recorded: mstsc with Windows Server 2016)",
        CapsConfirm(GraphicsCapabilitySet.of(Version.VERSION_10_2, GraphicsFlags.SMALL_CACHE)),
        "1300 0000 14000000  00020a00 04000000 02000000",
    ),
    Row(
        "a surface in a window (2.2.2.20, constructed)",
        MapSurfaceToWindow(1, 0x1122334455667788, 640, 480),
        "1500 0000 1a000000  0100 8877665544332211 80020000 e0010000",
    ),
    Row(
        "how good it was (2.2.2.21, recorded: mstsc with Windows Server 2016)",
        QoeFrameAcknowledge(3, 0x00129991, 4, 2),
        "1600 0000 14000000  03000000 91991200 0400 0200",
    ),
    Row(
        "a surface shown at twice its size (2.2.2.22, constructed)",
        MapSurfaceToScaledOutput(1, 0, 0, 1280, 960),
        "1700 0000 1c000000  0100 0000 00000000 00000000 00050000 c0030000",
    ),
    Row(
        "the same in a window (2.2.2.23, constructed)",
        MapSurfaceToScaledWindow(1, 2, 640, 480, 1280, 960),
        "1800 0000 22000000  0100 0200000000000000 80020000 e0010000 00050000 c0030000",
    ),
    Row(
        "a command of a future (2.2.1.5, constructed)",
        UnknownGraphics(GraphicsCommand(0x77), b"\x01\x02", 3),
        "7700 0300 0a000000  0102",
    ),
    Row(
        "flags, which no message has (2.2.1.5, constructed)",
        EndFrame(1),
        "0c00 ffff 0c000000 01000000",
        lossless=False,
    ),
    Row(
        "padding with something in it (2.2.2.14, constructed)",
        ResetGraphics(1, 2),
        "0e00 0000 54010000  01000000 02000000 00000000" + "55" * 320,
        lossless=False,
    ),
]

TestRows = row_tests(ROWS)

coordinates = st.integers(0, 0xFFFF)
rects = st.builds(Rect.from_corners, coordinates, coordinates, coordinates, coordinates)
i16 = st.integers(-0x8000, 0x7FFF)
points = st.lists(st.builds(Point, i16, i16), max_size=20).map(tuple)
u64 = st.integers(0, 0xFFFFFFFFFFFFFFFF)
codecs = u16.map(CodecId)
formats = st.integers(0, 0xFF).map(PixelFormat)
sets = st.builds(GraphicsCapabilitySet, u32.map(CapabilityVersion), short_bytes)
monitors = st.builds(
    MonitorDefinition,
    *[st.integers(-0x80000000, 0x7FFFFFFF)] * 4,
    u32.map(MonitorFlags),
)

CASES: dict[str, Case] = {
    "wire to surface 1": structure(WireToSurface1, u16, codecs, rects, short_bytes, formats),
    "wire to surface 2": structure(WireToSurface2, u16, codecs, u32, short_bytes, formats),
    "delete encoding context": structure(DeleteEncodingContext, u16, u32),
    "solid fill": structure(SolidFill, u16, u32, st.lists(rects, max_size=20).map(tuple)),
    "surface to surface": structure(SurfaceToSurface, u16, u16, rects, points),
    "surface to cache": structure(SurfaceToCache, u16, u64, u16, rects),
    "cache to surface": structure(CacheToSurface, u16, u16, points),
    "evict cache entry": structure(EvictCacheEntry, u16),
    "create surface": structure(CreateSurface, u16, u16, u16, formats),
    "delete surface": structure(DeleteSurface, u16),
    "start frame": structure(StartFrame, u32, u32),
    "end frame": structure(EndFrame, u32),
    "frame acknowledge": structure(FrameAcknowledge, u32, u32, u32),
    "reset graphics": structure(ResetGraphics, u32, u32, st.lists(monitors, max_size=16).map(tuple)),
    "map surface to output": structure(MapSurfaceToOutput, u16, u32, u32),
    "cache import offer": structure(
        CacheImportOffer, st.lists(st.builds(CacheEntry, u64, u32), max_size=20).map(tuple)
    ),
    "cache import reply": structure(CacheImportReply, st.lists(u16, max_size=20).map(tuple)),
    "caps advertise": structure(CapsAdvertise, st.lists(sets, max_size=20).map(tuple)),
    "caps confirm": structure(CapsConfirm, sets),
    "map surface to window": structure(MapSurfaceToWindow, u16, u64, u32, u32),
    "qoe frame acknowledge": structure(QoeFrameAcknowledge, u32, u32, u16, u16),
    "map surface to scaled output": structure(MapSurfaceToScaledOutput, u16, u32, u32, u32, u32),
    "map surface to scaled window": structure(MapSurfaceToScaledWindow, u16, u64, u32, u32, u32, u32),
    "unknown": structure(UnknownGraphics, st.integers(0x19, 0xFFFF).map(GraphicsCommand), short_bytes, u16),
}
TestProperties = property_tests(CASES)


def test_every_message_has_a_row_and_a_case() -> None:
    known = {*GRAPHICS_TYPES.values(), UnknownGraphics}
    assert {type(row.value) for row in ROWS} == known
    assert len(CASES) == len(known)
    assert set(GRAPHICS_TYPES) == {int(command) for command in GraphicsCommand.__members__.values()}


# -- runs --------------------------------------------------------------------------------------------


def test_a_run_of_messages_is_read_as_it_was_written() -> None:
    pdus = tuple([row.value for row in ROWS])
    data = encode_graphics(pdus)
    assert data == b"".join([encode(pdu) for pdu in pdus])
    assert decode_graphics(data) == pdus


def test_a_run_is_cut_into_its_messages_as_they_are() -> None:
    parts = tuple([row.data for row in ROWS])
    assert split_graphics(b"".join(parts)) == parts
    with pytest.raises(DecodeError, match=r"pdu\[1\].header.cmdId"):
        split_graphics(parts[0] + b"\1")


def test_of_a_run_nothing_is_left_over() -> None:
    data = encode_graphics([EndFrame(1), EndFrame(2)])
    for size in range(len(data)):
        if size in (0, len(data) // 2):
            assert len(decode_graphics(data[:size])) == size // 12
            continue
        with pytest.raises(DecodeError, match=r"^Graphics.pdu"):
            decode_graphics(data[:size])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("0b00 0000 07000000", r"pdu\[0\].header.pduLength: 7, at least 8 expected \(offset 4\)"),
        ("7700 0000 ffffffff 00", r"pdu\[0\].body: need 4294967287 bytes, 1 left \(offset 8\)"),
        ("0c00 0000 0c000000 01000000 0c", r"pdu\[1\].header.cmdId: need 2 bytes"),
        ("0c00 0000 0d000000 01000000 00", r"pdu\[0\].body: 1 bytes too many \(offset 12\)"),
        ("0a00 0000 09000000 00", r"surfaceId: need 2 bytes, 1 left"),
        ("0400 0000 18000000 0000 00000000 0200 0000000000000000", r"fillRectCount: 2, at most 1 here"),
        ("0700 0000 0e000000 0000 0000 ffff", r"destPtsCount: 65535, at most 0 here"),
        ("0e00 0000 53010000" + "00" * 331, r"pduLength: 339, expected 340"),
        ("0e00 0000 54010000 01000000 01000000 11000000" + "00" * 320, r"monitorCount: 17, at most 16"),
        ("1200 0000 0a000000 4100", r"capsSetCount: 65, at most 0 here"),
        ("1300 0000 10000000 00000b00 01010000", r"capsDataLength: 257, at most 256 allowed"),
        ("0100 0000 19000000 0000 0000 20 0000000000000000 01000000", r"bitmapDataLength: 1, 0 bytes left"),
    ],
)
def test_what_does_not_parse(data: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_graphics(bytes.fromhex(data.replace(" ", "")))


def test_an_offer_is_bounded() -> None:
    entries = (CacheEntry(1, 4),) * 5461
    (offer,) = decode_graphics(encode(CacheImportOffer(entries)))
    assert offer == CacheImportOffer(entries)
    for pdu in (CacheImportOffer((*entries, CacheEntry(1, 4))), CacheImportReply((1,) * 5462)):
        with pytest.raises(EncodeError, match="5462, at most 5461 allowed"):
            encode(pdu)
    data = bytearray(encode(CacheImportOffer(entries)) + bytes(12))
    data[4:10] = (len(data)).to_bytes(4, "little") + (5462).to_bytes(2, "little")
    with pytest.raises(DecodeError, match="5462, at most 5461 here"):
        decode_graphics(bytes(data))


def test_only_so_many_messages_in_a_run() -> None:
    data = encode_graphics([EndFrame(1)] * 3)
    assert len(decode_graphics(data, max_pdus=3)) == 3
    with pytest.raises(DecodeError, match="more than 2 PDUs"):
        decode_graphics(data, max_pdus=2)


@pytest.mark.parametrize(
    "pdu",
    [
        SolidFill(1, 0, (Rect(0, 0, 0x10000, 1),)),
        SolidFill(1, 0, (Rect(-1, 0, 2, 1),)),
        SolidFill(1, 0, (Rect(0, 0, 1, 1),) * 0x10000),
        CacheToSurface(1, 1, (Point(0x8000, 0),)),
        SurfaceToCache(1, 1 << 64, 1, Rect(0, 0, 1, 1)),
        CreateSurface(0x10000, 1, 1),
        ResetGraphics(1, 1, (MonitorDefinition(0, 0, 0, 0),) * 17),
    ],
)
def test_what_does_not_fit_is_not_written(pdu: SolidFill) -> None:
    with pytest.raises(EncodeError):
        encode_graphics([pdu])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=12), st.sampled_from(sorted(GRAPHICS_TYPES)), st.binary(max_size=80))
def test_garbage_raises_decode_errors_only(front: bytes, command: int, body: bytes) -> None:
    header = encode(UnknownGraphics(GraphicsCommand(command), body))
    for data in (front, header, header + front):
        try:
            pdus = decode_graphics(data)
        except DecodeError:
            continue
        assert decode_graphics(encode_graphics(pdus)) == pdus


# -- numbers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "hour", "minute", "second", "millisecond"),
    [(0, 0, 0, 0, 0), (86399.9995, 23, 59, 59, 999), (1795305600.25, 0, 0, 0, 250), (3661.5, 1, 1, 1, 500)],
)
def test_timestamps_are_times_of_day(
    seconds: float, hour: int, minute: int, second: int, millisecond: int
) -> None:
    value = frame_timestamp(seconds)
    assert (value >> 22, value >> 16 & 63, value >> 10 & 63, value & 1023) == (
        hour,
        minute,
        second,
        millisecond,
    )


def test_what_capability_sets_say() -> None:
    assert V8.flags == GraphicsFlags.THINCLIENT
    assert V10_1.flags == FUTURE.flags == GraphicsFlags(0)
    assert all(item.is_known for item in (V8, V10_1, V10_7))
    assert not FUTURE.is_known
    # as long as another version's
    assert not GraphicsCapabilitySet(Version.VERSION_8, bytes(16)).is_known
    assert not GraphicsCapabilitySet(Version.VERSION_10_1, bytes(4)).is_known
    assert [version.name for version in sorted(Version.__members__.values())] == list(Version.__members__)
