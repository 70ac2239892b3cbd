"""Every kind of update, drawn; and what a hostile server may not draw."""

import numpy as np
import pytest

from pyrdpmux.codec import nscodec
from pyrdpmux.codec.color import Pixels, reduce_and_expand
from pyrdpmux.codec.pointer import encode_pointer
from pyrdpmux.codec.rfx.decoder import Decoder
from pyrdpmux.codec.rfx.encoder import Encoder
from pyrdpmux.errors import DecodeError, LimitExceeded
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.codecs import NSCODEC, NSCODEC_ID, REMOTEFX, REMOTEFX_ID
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.rdp.fastpath.surface import (
    ExtendedBitmapData,
    FrameAction,
    FrameMarker,
    SetSurfaceBits,
    StreamSurfaceBits,
    SurfaceCommands,
)
from pyrdpmux.rdp.fastpath.update import CompressedUpdate, UpdateCode
from pyrdpmux.rdp.pdu.pointer import (
    CachedPointer,
    ColorPointer,
    LargePointer,
    NewPointer,
    PointerPosition,
    SystemPointer,
    SystemPointerType,
)
from pyrdpmux.rdp.pdu.update import (
    BitmapData,
    BitmapFlags,
    BitmapUpdate,
    OrdersUpdate,
    PaletteEntry,
    PaletteUpdate,
    SynchronizeUpdate,
    UnknownUpdate,
    UpdateType,
)
from tests.harness.peers.picture_server import bitmaps_of

WIDTH, HEIGHT = 150, 70


def picture(width: int = WIDTH, height: int = HEIGHT, seed: int = 1) -> Pixels:
    """Flat, stripes and noise, so that each codec uses all that it has."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4)).astype(np.uint8)
    pixels[: height // 3, :, :3] = 40, 80, 160
    pixels[height // 3 : height // 2, ::3, :3] = 255
    return pixels


def renderer(width: int = WIDTH, height: int = HEIGHT) -> Renderer:
    made = Renderer(25, [NSCODEC, REMOTEFX])
    made.resize(width, height)
    return made


def colors(pixels: Pixels) -> Pixels:
    return pixels[..., :3]


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("bits_per_pixel", [32, 24, 16, 15, 8])
def test_bitmaps_of_every_depth(bits_per_pixel: int, compress: bool) -> None:
    shown = renderer()
    shown.apply(BitmapUpdate(tuple(bitmaps_of(picture(), bits_per_pixel, compress))))
    assert np.array_equal(colors(shown.framebuffer), colors(reduce_and_expand(picture(), bits_per_pixel)))
    assert shown.changes > 1


def test_the_palette_is_the_servers() -> None:
    shown = renderer(4, 1)
    shown.apply(PaletteUpdate((PaletteEntry(1, 2, 3), PaletteEntry(200, 100, 50))))
    shown.apply(BitmapUpdate((BitmapData(0, 0, 3, 0, 4, 1, 8, BitmapFlags(0), b"\0\1\1\0"),)))
    assert shown.framebuffer[0, :, :3].tolist() == [[3, 2, 1], [50, 100, 200], [50, 100, 200], [3, 2, 1]]


def test_the_same_again_is_painted_but_no_change() -> None:
    shown = renderer()
    update = BitmapUpdate(tuple(bitmaps_of(picture(), 32)))
    shown.apply(update)
    painted, changes = shown.painted, shown.changes
    shown.apply(update)
    shown.apply(SynchronizeUpdate())
    assert (shown.painted, shown.changes) == (2 * painted, changes)


def test_what_cannot_be_drawn_is_counted() -> None:
    shown = renderer()
    shown.apply(OrdersUpdate(1, b"order"))
    shown.apply(CompressedUpdate(UpdateCode.BITMAP, b"", 0x20))
    shown.apply(UnknownUpdate(UpdateType(9), b""))
    shown.apply(SynchronizeUpdate())
    assert (shown.undrawn, shown.painted) == (3, 0)


def test_what_lies_outside_is_cut_off() -> None:
    shown = renderer(64, 64)
    shown.apply(BitmapUpdate((BitmapData(32, 60, 95, 123, 64, 64, 32, BitmapFlags(0), b"\xff" * 64 * 256),)))
    shown.apply(BitmapUpdate((BitmapData(999, 999, 1002, 999, 4, 1, 32, BitmapFlags(0), b"\x80" * 16),)))
    assert shown.framebuffer.shape == (64, 64, 4)
    assert (colors(shown.framebuffer) == 255).sum() == 32 * 4 * 3


def surface(codec_id: int, data: bytes, left: int = 0, top: int = 0) -> SetSurfaceBits:
    bitmap = ExtendedBitmapData(32, codec_id, WIDTH, HEIGHT, data)
    return SetSurfaceBits(left, top, left + WIDTH, top + HEIGHT, bitmap)


def test_plain_surface_bits_are_bottom_up() -> None:
    shown = renderer()
    shown.apply(SurfaceCommands((surface(0, picture()[::-1].tobytes()),)))
    assert np.array_equal(colors(shown.framebuffer), colors(picture()))


def test_streamed_surface_bits_are_drawn_too() -> None:
    shown = renderer()
    whole = surface(0, picture()[::-1].tobytes())
    shown.apply(
        SurfaceCommands((StreamSurfaceBits(whole.left, whole.top, whole.right, whole.bottom, whole.bitmap),))
    )
    assert np.array_equal(colors(shown.framebuffer), colors(picture()))


def test_nscodec() -> None:
    [data] = nscodec.encode(picture(), [Rect(0, 0, WIDTH, HEIGHT)])
    shown = renderer()
    shown.apply(SurfaceCommands((surface(NSCODEC_ID, data),)))
    assert np.array_equal(colors(shown.framebuffer), colors(nscodec.decode(data, WIDTH, HEIGHT)))


def test_remotefx_counts_from_the_commands_corner() -> None:
    [data] = Encoder(WIDTH, HEIGHT).encode(picture())
    expected = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    Decoder().decode(data, expected)
    shown = renderer(WIDTH + 20, HEIGHT + 10)
    shown.apply(SurfaceCommands((surface(REMOTEFX_ID, data, 20, 10),)))
    assert np.array_equal(colors(shown.framebuffer[10:, 20:]), colors(expected))
    assert not colors(shown.framebuffer[:10]).any()
    assert shown.changes == 2


def test_frames_that_have_ended_are_to_be_acknowledged() -> None:
    shown = renderer()
    shown.apply(SurfaceCommands((FrameMarker(FrameAction.BEGIN, 7), FrameMarker(FrameAction.END, 7))))
    assert shown.ended_frames == [7]


@pytest.mark.parametrize(
    "update",
    [
        SurfaceCommands((surface(9, b""),)),
        SurfaceCommands((surface(0, b"short"),)),
        BitmapUpdate((BitmapData(0, 0, 3, 0, 4, 1, 33, BitmapFlags(0), b""),)),
        BitmapUpdate((BitmapData(0, 0, 3, 0, 1024, 1024, 24, BitmapFlags.COMPRESSION, b"\0" * 8),)),
        CachedPointer(3),
        ColorPointer(25, 0, 0, 1, 1, bytes(4), bytes(2)),
    ],
)
def test_a_servers_mistake_is_a_decode_error(update: object) -> None:
    with pytest.raises(DecodeError):
        renderer().apply(update)


def arrow() -> Pixels:
    image = np.zeros((4, 4, 4), np.uint8)
    image[:2, :2] = 10, 20, 30, 255
    return image


def shapes() -> list[tuple[str, object]]:
    wide, narrow = encode_pointer(arrow(), 32), encode_pointer(arrow(), 24)
    return [
        ("color", ColorPointer(1, 1, 1, 4, 4, *narrow)),
        ("new", NewPointer(32, ColorPointer(1, 1, 1, 4, 4, *wide))),
        ("large", LargePointer(32, 1, 1, 1, 4, 4, *wide)),
    ]


@pytest.mark.parametrize(("name", "shape"), shapes(), ids=[name for name, _ in shapes()])
def test_pointer_shapes_are_kept_and_drawn(name: str, shape: object) -> None:
    shown = renderer(8, 8)
    shown.apply(shape)
    shown.apply(SystemPointer(SystemPointerType.NULL))
    assert shown.is_pointer_hidden
    shown.apply(CachedPointer(1))
    shown.apply(PointerPosition(1, 1))
    assert not shown.is_pointer_hidden
    assert shown.pointer_position == (1, 1)
    pixels = shown.framebuffer.copy()
    shown.draw_pointer(pixels, (1, 1))
    assert (pixels[:2, :2, :3] == (10, 20, 30)).all()
    assert colors(pixels).sum() == 4 * 60
    for corner in ((0, 0), (7, 7), (70, 70)):  # partly, or wholly, outside
        shown.draw_pointer(pixels, corner)


def test_the_system_pointer_has_no_shape_of_the_servers() -> None:
    shown = renderer(8, 8)
    shown.apply(SystemPointer(SystemPointerType.DEFAULT))
    shown.draw_pointer(shown.framebuffer, (1, 1))
    assert shown.pointer is None
    assert not shown.is_pointer_hidden
    assert not shown.framebuffer.any()


def test_a_desktop_has_a_limit() -> None:
    with pytest.raises(LimitExceeded, match="MAX_DESKTOP_PIXELS"):
        renderer().resize(0xFFFF, 0xFFFF)


def test_a_new_size_is_black_and_forgets() -> None:
    shown = renderer(8, 8)
    shown.apply(shapes()[0][1])
    shown.apply(BitmapUpdate(tuple(bitmaps_of(picture(8, 8), 32))))
    shown.resize(12, 4)
    assert shown.framebuffer.shape == (4, 12, 4)
    assert not shown.framebuffer.any()
    with pytest.raises(DecodeError):
        shown.apply(CachedPointer(1))
