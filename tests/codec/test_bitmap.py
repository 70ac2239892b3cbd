"""Rectangles of a frame to bitmaps and back, all depths, edges and paddings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.screens import desktop
from pyrdpmux.codec import bitmap
from pyrdpmux.codec.color import PALETTE, reduce_and_expand
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from tests.codec.pictures import attempt, picture
from tests.codec.reference import libfreerdp

DEPTHS = (8, 15, 16, 24, 32)
WIDTH, HEIGHT = 333, 170
GRID = [
    Rect(x, y, min(64, WIDTH - x), min(64, HEIGHT - y))
    for y in range(0, HEIGHT, 64)
    for x in range(0, WIDTH, 64)
]
ODD = [
    Rect(5, 6, 7, 8),
    Rect(WIDTH - 1, 0, 1, HEIGHT),
    Rect(0, 5, WIDTH, 3),
    Rect(5, 6, 7, 8),
    Rect(0, 0, 1, 1),
]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("compress", [True, False])
def test_all_rectangles_come_back(depth: int, compress: bool) -> None:
    frame = desktop(HEIGHT, WIDTH)
    frame[100:, 200:] = picture(HEIGHT - 100, WIDTH - 200, "random")
    encoded = bitmap.encode_rectangles(frame, GRID + ODD, depth, compress=compress)
    for (x, y, width, height), part in zip(GRID + ODD, encoded, strict=True):
        assert (part.width % 4, part.height, part.bits_per_pixel) == (0, height, depth)
        assert width <= part.width < width + 4
        if not compress:
            assert not part.is_compressed
        assert len(part.data) <= part.width * height * ((depth + 7) // 8) + 2
        pixels = bitmap.decode(part.data, part.width, part.height, depth, part.is_compressed)
        assert (pixels[:, :width] == reduce_and_expand(frame[y : y + height, x : x + width], depth)).all()
        assert (pixels[:, width:] == pixels[:, width - 1 : width]).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_what_does_not_pay_is_not_compressed(depth: int) -> None:
    frame = picture(64, 64, "random")
    part = bitmap.encode_rectangles(frame, [Rect(0, 0, 64, 64)], depth)[0]
    assert part.is_compressed == (depth == 32)
    assert len(part.data) <= 64 * 64 * ((depth + 7) // 8)


@pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
@pytest.mark.parametrize("depth", [15, 16, 24, 32])
def test_uncompressed_is_what_libfreerdp_expects(depth: int) -> None:
    frame = picture(9, 13, "random")
    part = bitmap.encode_rectangles(frame, [Rect(2, 1, 10, 7)], depth, compress=False)[0]
    shown = libfreerdp.to_bgrx(part.data, part.width, part.height, depth)[::-1]
    assert (shown[:, :10, :3] == reduce_and_expand(frame[1:8, 2:12], depth)[..., :3]).all()


def test_mixed_sizes_and_their_order() -> None:
    frame = picture(64, 128, "steps")
    mixed = [Rect(0, 0, 64, 64), Rect(64, 0, 20, 5), Rect(64, 0, 64, 64), Rect(1, 1, 20, 5)]
    encoded = bitmap.encode_rectangles(frame, mixed, 16)
    assert encoded == [bitmap.encode_rectangles(frame, [one], 16)[0] for one in mixed]
    assert bitmap.encode_rectangles(frame, [], 16) == []


@pytest.mark.parametrize(
    "rect",
    [
        Rect(-1, 0, 4, 4),
        Rect(0, -1, 4, 4),
        Rect(0, 0, 0, 4),
        Rect(0, 0, 4, 0),
        Rect(61, 0, 4, 4),
        Rect(0, 61, 4, 4),
        Rect(60, 0, 5, 4),
        Rect(-1, 0, 5, 4),
    ],
)
def test_rectangles_outside_the_frame(rect: Rect) -> None:
    with pytest.raises(EncodeError):
        bitmap.encode_rectangles(picture(64, 64, "flat"), [rect])


@pytest.mark.parametrize("depth", [0, 1, 4, 30])
def test_unknown_depths(depth: int) -> None:
    with pytest.raises(EncodeError):
        bitmap.encode_rectangles(picture(4, 4, "flat"), [Rect(0, 0, 4, 4)], depth)
    with pytest.raises(DecodeError, match="bitsPerPixel"):
        bitmap.decode(b"", 4, 4, depth, True)


def test_lines_of_another_server_are_padded_to_four_bytes() -> None:
    # 2.2.9.1.1.3.1.2.2: "Each row contains a multiple of four bytes (including up to three bytes of padding)"
    data = b"\x01\x02\x03\xee\x04\x05\x06\xee"
    pixels = bitmap.decode(data, 3, 2, 8, False)
    assert (pixels == PALETTE[[[4, 5, 6], [1, 2, 3]]]).all()


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=64),
    st.integers(-1, 9),
    st.integers(-1, 9),
    st.sampled_from([*DEPTHS, 7]),
    st.booleans(),
)
def test_garbage(data: bytes, width: int, height: int, depth: int, is_compressed: bool) -> None:
    decoded = attempt(lambda data: bitmap.decode(data, width, height, depth, is_compressed), data)
    assert decoded is None or decoded.shape == (height, width, 4)


@pytest.mark.parametrize("depth", DEPTHS)
def test_truncated_uncompressed(depth: int) -> None:
    data = bitmap.encode_rectangles(picture(3, 4, "random"), [Rect(0, 0, 4, 3)], depth, compress=False)[
        0
    ].data
    for size in range(len(data)):
        with pytest.raises(DecodeError, match="bitmapDataStream"):
            bitmap.decode(data[:size], 4, 3, depth, False)


def test_padded_width() -> None:
    assert [bitmap.padded_width(width) for width in range(1, 10)] == [4, 4, 4, 4, 8, 8, 8, 8, 12]


def test_the_frame_stays_as_it_is() -> None:
    frame = picture(64, 64, "blocks")
    before = frame.copy()
    frame.flags.writeable = False
    for depth in DEPTHS:
        bitmap.encode_rectangles(frame, [Rect(0, 0, 64, 64), Rect(0, 0, 33, 9)], depth)
    assert np.array_equal(frame, before)


@pytest.mark.parametrize(("width", "height"), [(4, 1), (64, 64), (61, 40), (52, 3), (100, 2)])
def test_clients_that_cannot_skip_alpha_get_an_opaque_plane(width: int, height: int) -> None:
    frame = np.zeros((height, width, 4), np.uint8)
    frame[:, : width // 2] = (10, 20, 30, 0)
    [tile] = bitmap.encode_rectangles(frame, [Rect(0, 0, width, height)], skip_alpha=False)
    shown = bitmap.decode(tile.data, tile.width, tile.height, 32, tile.is_compressed)
    assert np.array_equal(shown[:, :width, :3], frame[..., :3])
    if tile.is_compressed:
        assert tile.data[0] == 0x10  # rdesktop takes no other format header
        assert (shown[..., 3] == 255).all()


def test_noise_without_skipped_alpha_is_not_compressed() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (64, 64, 4), np.uint8)
    [tile] = bitmap.encode_rectangles(frame, [Rect(0, 0, 64, 64)], skip_alpha=False)
    assert not tile.is_compressed
    assert tile.data == frame[::-1].tobytes()
