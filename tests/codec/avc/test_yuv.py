"""Colors: the matrices, value by value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec.avc import yuv
from tests.codec import pictures


def clamp(value: int) -> int:
    return max(0, min(255, value))


def to_yuv(blue: int, green: int, red: int) -> tuple[int, int, int]:
    return (
        clamp((54 * red + 183 * green + 19 * blue + 128) >> 8),
        clamp(((-29 * red - 99 * green + 128 * blue + 127) >> 8) + 128),
        clamp(((128 * red - 116 * green - 12 * blue + 127) >> 8) + 128),
    )


def to_bgr(y: int, u: int, v: int) -> tuple[int, int, int]:
    u, v = u - 128, v - 128
    return (
        clamp((256 * y + 475 * u) >> 8),
        clamp((256 * y - 48 * u - 120 * v) >> 8),
        clamp((256 * y + 403 * v) >> 8),
    )


def colors() -> NDArray[np.uint8]:
    """All corners, and thousands between, as (64, 128, 4)."""
    result = np.random.default_rng(1).integers(0, 256, (64, 128, 4)).astype(np.uint8)
    corners = [(b, g, r, 0) for b in (0, 1, 128, 255) for g in (0, 127, 255) for r in (0, 128, 254, 255)]
    result[0, : len(corners)] = corners
    return result


def test_forward_matrix() -> None:
    pixels = colors()
    found = np.stack(yuv.to_yuv444(pixels), axis=2).reshape(-1, 3).tolist()
    assert found == [list(to_yuv(*color[:3])) for color in pixels.reshape(-1, 4).tolist()]


def test_reverse_matrix() -> None:
    planes = colors()
    y, u, v = (planes[..., channel] for channel in range(3))
    found = yuv.from_yuv444(y, u, v)
    assert (found[..., 3] == 255).all()
    expected = [list(to_bgr(*color[:3])) for color in planes.reshape(-1, 4).tolist()]
    assert found[..., :3].reshape(-1, 3).tolist() == expected


def test_there_and_back_is_near() -> None:
    pixels = colors()
    back = yuv.from_yuv444(*yuv.to_yuv444(pixels))
    difference = back[..., :3].astype(int) - pixels[..., :3]
    assert abs(difference).max() <= 3
    assert abs(difference.mean()) < 0.6


def test_grays_are_exact() -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(4, axis=2)
    assert (yuv.from_yuv444(*yuv.to_yuv444(pixels))[..., :3] == pixels[..., :3]).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 99))
def test_chroma_of_four_pixels(rows: int, columns: int, seed: int) -> None:
    pixels = pictures.picture(4 * rows, 2 * columns, "random", seed)
    y, u, v = yuv.planes(yuv.to_yuv420(pixels))
    full = yuv.to_yuv444(pixels)
    assert (y == full[0]).all()
    four = pixels.reshape(2 * rows, 2, columns, 2, 4).sum(axis=(1, 3), dtype=int)
    mean = ((four + 2) >> 2)[..., :3].reshape(-1, 3).tolist()
    assert np.stack([u, v], axis=2).reshape(-1, 2).tolist() == [list(to_yuv(*color)[1:]) for color in mean]


def test_chroma_is_repeated() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 256, (131, 67)).astype(np.uint8)
    u, v = (rng.integers(0, 256, (66, 34)).astype(np.uint8) for _ in range(2))
    large = [plane.repeat(2, axis=0).repeat(2, axis=1)[:131, :67] for plane in (u, v)]
    out = np.zeros((140, 70, 4), np.uint8)
    yuv.from_yuv420(y, u, v, out[4:135, 2:69])
    assert (out[4:135, 2:69] == yuv.from_yuv444(y, *large)).all()
    assert not out[:4].any()


def test_planes_are_views() -> None:
    picture = yuv.i420(8, 6)
    picture.fill(0)
    for value, plane in enumerate(yuv.planes(picture), 1):
        plane.fill(value)
    assert picture.reshape(-1).tolist() == [1] * 48 + [2] * 12 + [3] * 12


@pytest.mark.parametrize(("height", "width"), [(1, 1), (16, 32), (17, 31), (15, 33)])
def test_padding(height: int, width: int) -> None:
    pixels = pictures.picture(height, width, "random")
    whole = yuv.padded(pixels)
    assert whole.shape[0] % 16 == whole.shape[1] % 32 == 0
    assert yuv.coded_size(width, height) == (whole.shape[1], whole.shape[0])
    assert (whole[:height, :width] == pixels).all()
    assert (whole[height:, :width] == pixels[-1]).all()
    assert (whole[:, width:] == whole[:, width - 1 : width]).all()
