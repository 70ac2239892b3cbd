"""The graphics pipeline, drawn: commands one by one, frames, and what a hostile server may not do."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec import planar, uncompressed
from pyrdpmux.codec.alpha import encode as encode_alpha
from pyrdpmux.codec.clear.encoder import Encoder as ClearEncoder
from pyrdpmux.codec.color import Pixels
from pyrdpmux.codec.progressive.decoder import Decoder as ProgressiveDecoder
from pyrdpmux.codec.progressive.encoder import Encoder as ProgressiveEncoder
from pyrdpmux.codec.rfx.decoder import Decoder as RemoteFxDecoder
from pyrdpmux.codec.rfx.encoder import Encoder as RemoteFxEncoder
from pyrdpmux.codec.table import CODECS
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.graphics_renderer import MAX_SURFACES, GraphicsRenderer
from pyrdpmux.harness.peers.graphics_surface import MAX_DAMAGE
from pyrdpmux.rdp.channels.graphics.cache import (
    CacheImportReply,
    CacheToSurface,
    EvictCacheEntry,
    SurfaceToCache,
)
from pyrdpmux.rdp.channels.graphics.drawing import (
    CodecId,
    DeleteEncodingContext,
    SolidFill,
    SurfaceToSurface,
    WireToSurface1,
    WireToSurface2,
)
from pyrdpmux.rdp.channels.graphics.frames import EndFrame, FrameAcknowledge, StartFrame
from pyrdpmux.rdp.channels.graphics.header import GraphicsCommand, PixelFormat, Point
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu, UnknownGraphics
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

WIDTH, HEIGHT = 160, 96
RED = 0xFFFF0000
WHOLE = Rect(0, 0, WIDTH, HEIGHT)

needs_h264 = pytest.mark.skipif(not CODECS["avc420"].is_available, reason="not installed: PyAV (extra h264)")


def picture(width: int = WIDTH, height: int = HEIGHT, seed: int = 1) -> Pixels:
    """Flat, a gradient and noise."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 255 // width, y * 255 // height, (x + y) // 3 % 256, 0 * x + 255], axis=2)
    pixels = pixels.astype(np.uint8)
    pixels[: height // 4, : width // 2, :3] = 10, 200, 30
    noise = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 2, 3))
    pixels[-(height // 4) :, width - width // 2 :, :3] = noise
    return pixels


def renderer(*commands: GraphicsPdu, **limits: int) -> GraphicsRenderer:
    """With surface 1, which is all of the output."""
    made = GraphicsRenderer(np.zeros((HEIGHT, WIDTH, 4), np.uint8), **limits)
    return play(made, CreateSurface(1, WIDTH, HEIGHT), MapSurfaceToOutput(1), *commands)


def play(made: GraphicsRenderer, *commands: GraphicsPdu) -> GraphicsRenderer:
    for command in commands:
        made.apply(command)
    return made


def raw(surface_id: int, x: int, y: int, pixels: Pixels, **changes: Any) -> WireToSurface1:
    height, width = pixels.shape[:2]
    [data] = uncompressed.encode(pixels, [Rect(0, 0, width, height)])
    return WireToSurface1(surface_id, CodecId.UNCOMPRESSED, Rect(x, y, width, height), data, **changes)


def filled(surface_id: int, color: int, *rects: Rect) -> SolidFill:
    return SolidFill(surface_id, color, rects)


def colors(pixels: Pixels) -> Pixels:
    return pixels[..., :3]


def same(one: Pixels, other: Pixels) -> bool:
    return np.array_equal(colors(one), colors(other))


# -- encoded bitmaps ---------------------------------------------------------------------------------

PLACE = Rect(16, 8, 65, 47)


def encoded(codec_id: CodecId, pixels: Pixels, place: Rect) -> WireToSurface1:
    rect = [Rect(0, 0, place.width, place.height)]
    match codec_id:
        case CodecId.UNCOMPRESSED:
            [data] = uncompressed.encode(pixels, rect)
        case CodecId.PLANAR:
            [data] = planar.encode(pixels, rect, bottom_up=False)
        case _:
            [data] = ClearEncoder().encode(pixels, rect)
    return WireToSurface1(1, codec_id, place, data)


@pytest.mark.parametrize("codec_id", [CodecId.UNCOMPRESSED, CodecId.PLANAR, CodecId.CLEARCODEC])
def test_bitmaps_without_loss(codec_id: CodecId) -> None:
    made = renderer(raw(1, 0, 0, picture()))
    tile = picture(PLACE.width, PLACE.height, seed=5)
    made.apply(encoded(codec_id, tile, PLACE))
    expected = picture()
    expected[PLACE.y : PLACE.bottom, PLACE.x : PLACE.right] = tile
    assert same(made.output, expected)
    assert (made.painted, made.changes) == (2, 2)


def test_clear_codec_remembers_across_surfaces() -> None:
    encoder, tile = ClearEncoder(), picture(64, 64)
    made = renderer(CreateSurface(2, 64, 64), MapSurfaceToOutput(2, 96, 0))
    for surface_id in (1, 2, 1):
        [data] = encoder.encode(tile, [Rect(0, 0, 64, 64)])
        made.apply(WireToSurface1(surface_id, CodecId.CLEARCODEC, Rect(0, 0, 64, 64), data))
    assert same(made.output[:64, :64], tile)
    assert same(made.output[:64, 96:], tile)


def test_remotefx() -> None:
    tile = np.ascontiguousarray(picture()[: PLACE.height, : PLACE.width])
    [data] = RemoteFxEncoder(PLACE.width, PLACE.height).encode(tile, [Rect(0, 0, *PLACE[2:])])
    made = renderer(WireToSurface1(1, CodecId.CAVIDEO, PLACE, data))
    expected = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    RemoteFxDecoder().decode(data, expected[PLACE.y : PLACE.bottom, PLACE.x : PLACE.right])
    assert same(made.output, expected)
    assert np.abs(made.output[8:55, 16:81, :3].astype(int) - colors(tile)).mean() < 8


def test_progressive_passes_of_two_surfaces() -> None:
    encoders = {number: ProgressiveEncoder(WIDTH, HEIGHT) for number in (1, 2)}
    made = renderer(CreateSurface(2, WIDTH, HEIGHT))
    expected = {number: np.zeros((HEIGHT, WIDTH, 4), np.uint8) for number in (1, 2)}
    decoders = {number: ProgressiveDecoder(WIDTH, HEIGHT) for number in (1, 2)}
    for seed in (1, 2):
        for number, encoder in encoders.items():
            for data in encoder.encode(picture(seed=seed + number), [WHOLE]):
                made.apply(WireToSurface2(number, CodecId.CAPROGRESSIVE, 7, data))
                decoders[number].decode(data, expected[number])
    for number in (1, 2):
        assert same(made.surfaces[number].pixels, expected[number])
    assert same(made.output, expected[1])


def test_progressive_tiles_are_the_surfaces_whatever_the_context_is() -> None:
    """MS-RDPEGFX 3.3.1.3; Windows Server 2016 sends differences to what a deleted context had."""
    encoder, decoder = ProgressiveEncoder(WIDTH, HEIGHT), ProgressiveDecoder(WIDTH, HEIGHT)
    made, expected = renderer(), np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    for context_id in (1, 2):
        for data in encoder.encode(picture(seed=context_id), [WHOLE]):
            made.apply(WireToSurface2(1, CodecId.CAPROGRESSIVE, context_id, data))
            decoder.decode(data, expected)
        made.apply(DeleteEncodingContext(1, context_id))
    assert same(made.output, expected)


@needs_h264
@pytest.mark.parametrize(
    ("codec_id", "name", "options"),
    [
        (CodecId.AVC420, "avc420", {}),
        (CodecId.AVC444, "avc444", {"version": 1}),
        (CodecId.AVC444V2, "avc444", {"version": 2}),
    ],
)
def test_video(codec_id: CodecId, name: str, options: dict[str, int]) -> None:
    encoder = CODECS[name].encode(WIDTH, HEIGHT, **options)
    decoder = CODECS[name].decode(WIDTH, HEIGHT, **options)
    made, expected = renderer(), np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    for seed in (1, 2):
        [data] = encoder.encode(picture(seed=seed), [Rect(0, 0, 96, 64)])
        made.apply(WireToSurface1(1, codec_id, Rect(0, 0, 96, 64), data))
        decoder.decode(data, expected)
        assert same(made.output, expected)
    assert not made.output[64:, :, :3].any()


def test_opacity_is_what_fills_and_alpha_bitmaps_make_it() -> None:
    made = renderer(CreateSurface(3, WIDTH, HEIGHT, PixelFormat.ARGB_8888), MapSurfaceToOutput(3))
    made.apply(filled(3, 0x80102030, Rect(0, 0, 20, 20)))
    made.apply(raw(3, 0, 0, picture(10, 10)))
    pixels = made.surfaces[3].pixels
    assert (pixels[:20, :20, 3] == 0x80).all(), "bitmaps leave it alone"
    shades = picture(10, 10)
    shades[..., 3] = np.arange(100).reshape(10, 10)
    [data] = encode_alpha(shades, [Rect(0, 0, 10, 10)])
    made.apply(WireToSurface1(3, CodecId.ALPHA, Rect(5, 5, 10, 10), data))
    assert np.array_equal(pixels[5:15, 5:15, 3], shades[..., 3])
    assert pixels[12, 12, :3].tolist() == [0x30, 0x20, 0x10]
    assert (made.output[:20, :20, 3] == 255).all()
    made.apply(filled(1, 0x00102030, Rect(0, 0, 1, 1)))
    assert made.surfaces[1].pixels[0, 0].tolist() == [0x30, 0x20, 0x10, 255]


# -- copies, fills and the cache ---------------------------------------------------------------------


@pytest.mark.parametrize("step", [(1, 0), (-1, 0), (0, 1), (0, -1), (7, 5), (-7, -5), (60, 40)])
def test_copies_overlap(step: tuple[int, int]) -> None:
    source = Rect(20, 20, 60, 30)
    target = Point(20 + step[0], 20 + step[1])
    made = renderer(raw(1, 0, 0, picture()), SurfaceToSurface(1, 1, source, (target,)))
    expected = picture()
    expected[target.y : target.y + 30, target.x : target.x + 60] = picture()[20:50, 20:80]
    assert same(made.output, expected)


def test_each_copy_sees_the_one_before() -> None:
    made = renderer(
        raw(1, 0, 0, picture()),
        SurfaceToSurface(1, 1, Rect(0, 0, 20, 20), (Point(10, 0), Point(40, 40))),
    )
    expected = picture()
    expected[:20, 10:30] = picture()[:20, :20]
    expected[40:60, 40:60] = expected[:20, :20].copy()
    assert same(made.output, expected)


def test_from_a_surface_that_does_not_show() -> None:
    made = renderer(CreateSurface(2, 30, 20), filled(2, RED, Rect(0, 0, 30, 20)))
    assert not made.output[..., :3].any()
    made.apply(SurfaceToSurface(2, 1, Rect(5, 5, 10, 10), (Point(0, 0), Point(150, 86))))
    assert (made.output[:10, :10, :3] == (0, 0, 255)).all()
    assert (made.output[86:, 150:, :3] == (0, 0, 255)).all()
    assert made.changes == 1


def test_the_cache_outlives_its_surface_and_a_reset() -> None:
    made = renderer(raw(1, 0, 0, picture()), SurfaceToCache(1, 99, 4, Rect(80, 72, 64, 24)))
    play(made, DeleteSurface(1), ResetGraphics(200, 100))
    play(made, CreateSurface(1, 200, 100), MapSurfaceToOutput(1))
    made.apply(CacheToSurface(4, 1, (Point(0, 0), Point(136, 76))))
    assert made.output.shape == (100, 200, 4)
    for x, y in ((0, 0), (136, 76)):
        assert same(made.output[y : y + 24, x : x + 64], picture()[72:96, 80:144])
    made.apply(EvictCacheEntry(4))
    with pytest.raises(DecodeError):
        made.apply(CacheToSurface(4, 1, (Point(0, 0),)))


def test_what_is_imported() -> None:
    """QUIRK(Windows Server 2016): 0 is the slot of what is there already."""
    made = renderer()
    made.offered = tuple([picture(8, 8, seed=seed) for seed in range(3)])
    play(made, CacheImportReply((5, 0)), CacheToSurface(5, 1, (Point(0, 0),)))
    assert len(made.cache) == 1
    assert same(made.output[:8, :8], picture(8, 8, seed=0))
    play(renderer(), CacheImportReply(()))


# -- the output --------------------------------------------------------------------------------------


def test_nothing_of_a_frame_shows_before_its_end() -> None:
    made = renderer(StartFrame(7), raw(1, 0, 0, picture()))
    assert not made.output[..., :3].any()
    made.apply(filled(1, RED, Rect(3, 3, 4, 4)))
    assert made.acknowledgements == []
    made.apply(EndFrame(7))
    assert same(made.output[8:], picture()[8:])
    assert (made.output[3:7, 3:7, :3] == (0, 0, 255)).all()
    assert (made.frames_decoded, made.frame_id) == (1, None)
    made.queue_depth = 5000
    play(made, StartFrame(9), EndFrame(9))
    assert made.acknowledgements == [FrameAcknowledge(7, 0, 1), FrameAcknowledge(9, 5000, 2)]


def test_mapped_surfaces_have_no_order() -> None:
    """As with FreeRDP: what is painted last shows, and only what is painted."""
    made = renderer(CreateSurface(2, 40, 40), filled(2, RED, Rect(0, 0, 40, 40)))
    made.apply(MapSurfaceToOutput(2, 10, 10))
    assert not made.output[..., :3].any(), "it was painted before it was mapped"
    made.apply(SurfaceToSurface(2, 2, Rect(0, 0, 40, 40), (Point(0, 0),)))
    assert (made.output[10:50, 10:50, :3] == (0, 0, 255)).all()
    made.apply(filled(1, 0xFF00FF00, Rect(0, 0, 20, 20)))
    assert (made.output[10:20, 10:20, :3] == (0, 255, 0)).all()
    made.apply(DeleteSurface(2))
    assert (made.output[20:50, 20:50, :3] == (0, 0, 255)).all(), "it stays where it was"


def test_what_is_mapped_beyond_the_output_is_cut_off() -> None:
    made = renderer(CreateSurface(2, 40, 40), MapSurfaceToOutput(2, WIDTH - 8, HEIGHT - 4))
    made.apply(filled(2, RED, Rect(0, 0, 40, 40)))
    assert (made.output[-4:, -8:, :3] == (0, 0, 255)).all()
    assert int(made.output[..., 2].astype(bool).sum()) == 32
    play(made, MapSurfaceToOutput(2, 0xFFFFFFFF, 5), filled(2, RED, Rect(0, 0, 40, 40)))


def test_scaled() -> None:
    made = renderer(CreateSurface(2, 40, 20), MapSurfaceToScaledOutput(2, 10, 6, 80, 60))
    made.apply(raw(2, 0, 0, picture(40, 20)))
    assert same(made.output[6:66, 10:90], picture(40, 20).repeat(2, axis=1).repeat(3, axis=0))
    made.apply(filled(2, RED, Rect(3, 4, 5, 6)))
    assert (made.output[6 + 12 : 6 + 30, 16:26, :3] == (0, 0, 255)).all()
    play(made, MapSurfaceToScaledOutput(2, 0, 0, 15, 7), raw(2, 0, 0, picture(40, 20)))
    assert made.output[0, 0, :3].tolist() == picture(40, 20)[0, 0, :3].tolist()
    play(made, MapSurfaceToScaledOutput(2, 0, 0, 40, 20), raw(2, 0, 0, picture(40, 20)))
    assert same(made.output[:20, :40], picture(40, 20))


def test_a_reset_loses_what_the_surfaces_had() -> None:
    monitors = (MonitorDefinition(0, 0, 159, 95, MonitorFlags.PRIMARY),)
    made = renderer(raw(1, 0, 0, picture()), ResetGraphics(WIDTH, HEIGHT, monitors))
    assert made.monitors == monitors
    assert same(made.output, picture()), "of the same size"
    made.apply(SurfaceToSurface(1, 1, WHOLE, (Point(0, 0),)))
    assert (made.output == 255).all()


def test_windows_and_commands_of_a_future() -> None:
    made = renderer(MapSurfaceToWindow(1, 5, 10, 10), MapSurfaceToScaledWindow(1, 5, 10, 10, 20, 20))
    made.apply(filled(1, RED, WHOLE))
    assert not made.output[..., :3].any()
    made.apply(UnknownGraphics(GraphicsCommand(0x99), b"?"))
    assert made.undrawn == 3


def test_a_frame_of_very_many_rectangles() -> None:
    rects = [Rect(n % WIDTH, n // WIDTH % HEIGHT, 1, 1) for n in range(MAX_DAMAGE + 10)]
    made = renderer(StartFrame(1), filled(1, RED, *rects))
    assert len(made.surfaces[1].damage) == 1
    made.apply(EndFrame(1))
    assert (made.output[:25, :, :3] == (0, 0, 255)).all()


# -- mistakes ----------------------------------------------------------------------------------------

OUTSIDE = [Rect(-1, 0, 5, 5), Rect(156, 0, 5, 5), Rect(0, 92, 5, 5), Rect(5, 5, -2, 3), Rect(5, 5, 3, -1)]


def mistakes() -> Iterable[tuple[str, Sequence[GraphicsPdu]]]:
    """Each by the field that is named."""
    for rect in OUTSIDE:
        yield "SolidFill.fillRects", [filled(1, RED, rect)]
        yield "SurfaceToCache.rectSrc", [SurfaceToCache(1, 1, 1, rect)]
        yield "SurfaceToSurface.rectSrc", [SurfaceToSurface(1, 1, rect, (Point(0, 0),))]
        yield "WireToSurface1.destRect", [WireToSurface1(1, CodecId.UNCOMPRESSED, rect, b"")]
    small = Rect(0, 0, 5, 5)
    for point in (Point(-1, 0), Point(156, 0), Point(0, 92)):
        yield "SurfaceToSurface.destPts", [SurfaceToSurface(1, 1, small, (Point(0, 0), point))]
        yield "CacheToSurface.destPts", [SurfaceToCache(1, 1, 1, small), CacheToSurface(1, 1, (point,))]
    missing: list[GraphicsPdu] = [
        DeleteSurface(9),
        MapSurfaceToOutput(9),
        MapSurfaceToScaledOutput(9, 0, 0, 1, 1),
        MapSurfaceToWindow(9, 1, 1, 1),
        filled(9, RED),
        SurfaceToCache(9, 1, 1, small),
        DeleteEncodingContext(9, 1),
        WireToSurface1(9, CodecId.UNCOMPRESSED, small, b""),
        WireToSurface2(9, CodecId.CAPROGRESSIVE, 1, b""),
    ]
    for pdu in missing:
        yield f"{type(pdu).__name__}.surfaceId", [pdu]
    yield "CacheToSurface.surfaceId", [CacheToSurface(1, 9, ())]
    yield "SurfaceToSurface.surfaceIdSrc", [SurfaceToSurface(9, 1, small, ())]
    yield "SurfaceToSurface.surfaceIdDest", [SurfaceToSurface(1, 9, small, ())]
    yield "CacheToSurface.cacheSlot", [CacheToSurface(3, 1, ())]
    yield "EvictCacheEntry.cacheSlot", [EvictCacheEntry(3)]
    yield "SurfaceToCache.cacheSlot", [SurfaceToCache(1, 1, 0, small)]
    yield "SurfaceToCache.rectSrc", [SurfaceToCache(1, 1, 1, Rect(0, 0, 0, 5))]
    yield "CacheImportReply.importedEntriesCount", [CacheImportReply((1,))]
    yield "CreateSurface.surfaceId", [CreateSurface(1, 5, 5)]
    yield "CreateSurface.width", [CreateSurface(2, 0, 5)]
    yield "CreateSurface.width", [CreateSurface(2, 0xFFFF, 0xFFFF)]
    yield "CreateSurface.pixelFormat", [CreateSurface(2, 5, 5, PixelFormat(0x22))]
    yield "CreateSurface.surfaceId", [CreateSurface(n, 1, 1) for n in range(2, MAX_SURFACES + 3)]
    yield "ResetGraphics.width", [ResetGraphics(0, 100)]
    yield "ResetGraphics.width", [ResetGraphics(32766, 32766)]
    yield "MapSurfaceToScaledOutput.targetWidth", [MapSurfaceToScaledOutput(1, 0, 0, 0, 5)]
    yield "StartFrame.frameId", [StartFrame(1), StartFrame(2)]
    yield "EndFrame.frameId", [StartFrame(1), EndFrame(2)]
    yield "EndFrame.frameId", [EndFrame(1)]
    yield "WireToSurface1.codecId", [WireToSurface1(1, CodecId(0x77), small, b"")]
    yield "WireToSurface1.codecId", [WireToSurface1(1, CodecId.CAPROGRESSIVE, small, b"")]
    yield "WireToSurface1.destRect", [WireToSurface1(1, CodecId.PLANAR, Rect(3, 3, 0, 0), b"")]
    often = (Point(0, 0),) * 0xFFFF
    yield "SolidFill.fillRectCount", [filled(1, RED, *[WHOLE] * 0xFFFF)]
    yield "SurfaceToSurface.destPtsCount", [SurfaceToSurface(1, 1, WHOLE, often)]
    yield "CacheToSurface.destPtsCount", [SurfaceToCache(1, 1, 1, WHOLE), CacheToSurface(1, 1, often)]
    yield "WireToSurface2.codecId", [WireToSurface2(1, CodecId.CLEARCODEC, 1, b"")]


@pytest.mark.parametrize(("field", "commands"), list(mistakes()))
def test_a_servers_mistake_names_the_field(field: str, commands: Sequence[GraphicsPdu]) -> None:
    with pytest.raises(DecodeError) as caught:
        renderer(*commands)
    assert caught.value.path == field


def test_the_cache_is_as_small_as_agreed() -> None:
    made = renderer(cache_slots=2, cache_bytes=256)
    made.apply(SurfaceToCache(1, 1, 2, Rect(0, 0, 8, 8)))
    with pytest.raises(DecodeError, match="cacheSlot"):
        made.apply(SurfaceToCache(1, 1, 3, Rect(0, 0, 1, 1)))
    with pytest.raises(DecodeError, match="rectSrc"):
        made.apply(SurfaceToCache(1, 1, 1, Rect(0, 0, 1, 1)))


AVAILABLE = [
    codec_id
    for codec_id in CodecId
    if CODECS["avc420"].is_available or codec_id not in (CodecId.AVC420, CodecId.AVC444, CodecId.AVC444V2)
]


@settings(max_examples=60)
@given(
    st.lists(
        st.builds(
            WireToSurface1,
            st.just(1),
            st.sampled_from(AVAILABLE),
            st.just(Rect(0, 0, 9, 7)),
            st.binary(max_size=60),
        )
        | st.builds(
            WireToSurface2, st.just(1), st.just(CodecId.CAPROGRESSIVE), st.just(1), st.binary(max_size=60)
        ),
        max_size=3,
    )
)
def test_any_bytes_of_any_codec(commands: list[WireToSurface1 | WireToSurface2]) -> None:
    made = renderer()
    for command in commands:
        try:
            made.apply(command)
        except DecodeError:
            continue
    inside = (CodecId.AVC420, CodecId.AVC444, CodecId.AVC444V2, CodecId.CAPROGRESSIVE)
    if not any(command.codec_id in inside for command in commands):  # these bring rectangles of their own
        assert not made.output[7:, :, :3].any()
        assert not made.output[:, 9:, :3].any()


IDS, SMALL = st.integers(0, 3), st.integers(0, 40)
RECTS = st.builds(Rect, st.integers(0, 30), st.integers(0, 30), st.integers(-2, 12), st.integers(-2, 12))
POINTS = st.lists(st.builds(Point, st.integers(-3, 30), st.integers(-3, 30)), max_size=3).map(tuple)
COMMANDS = st.one_of(
    st.builds(ResetGraphics, st.integers(0, 50), st.integers(0, 50)),
    st.builds(CreateSurface, IDS, SMALL, SMALL, st.sampled_from(PixelFormat)),
    st.builds(DeleteSurface, IDS),
    st.builds(MapSurfaceToOutput, IDS, SMALL, SMALL),
    st.builds(MapSurfaceToScaledOutput, IDS, SMALL, SMALL, SMALL, SMALL),
    st.builds(StartFrame, IDS),
    st.builds(EndFrame, IDS),
    st.builds(SolidFill, IDS, st.integers(0, 0xFFFFFFFF), st.lists(RECTS, max_size=3).map(tuple)),
    st.builds(SurfaceToSurface, IDS, IDS, RECTS, POINTS),
    st.builds(SurfaceToCache, IDS, st.just(1), IDS, RECTS),
    st.builds(CacheToSurface, IDS, IDS, POINTS),
    st.builds(EvictCacheEntry, IDS),
    st.builds(raw, IDS, SMALL, SMALL, st.builds(picture, st.integers(4, 9), st.integers(4, 9))),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(COMMANDS, max_size=40))
def test_any_commands(commands: list[GraphicsPdu]) -> None:
    """Mistakes name the command, frames hold back, and what is kept is what is counted."""
    made = renderer(CreateSurface(2, 20, 20), MapSurfaceToOutput(2, 3, 3), cache_slots=2, cache_bytes=900)
    for command in commands:
        before = made.output.copy()
        path = type(command).__name__
        try:
            made.apply(command)
        except DecodeError as error:
            path = error.path
        assert path.startswith(type(command).__name__)
        if made.frame_id is not None and not isinstance(command, ResetGraphics):
            assert np.array_equal(made.output, before)
        assert made.cache.used == sum(made.cache.find(n).nbytes for n in (1, 2) if made.cache.has(n)) <= 900
    assert len(made.acknowledgements) == made.frames_decoded
