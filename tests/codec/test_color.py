"""Depth reduction and expansion: against plain arithmetic, and against what libfreerdp's client shows."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pyrdpmux.codec import color
from pyrdpmux.errors import EncodeError
from tests.codec.pictures import picture
from tests.codec.reference import libfreerdp

needs_libfreerdp = pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")

ALL_SAMPLES = {15: 1 << 15, 16: 1 << 16}


def channels(pixels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """Blue, green, red."""
    return [pixels[..., index].astype(np.int64) for index in range(3)]


@pytest.fixture
def pixels() -> NDArray[np.uint8]:
    return picture(37, 53, "random")


def test_565(pixels: NDArray[np.uint8]) -> None:
    blue, green, red = channels(pixels)
    assert (color.to_rgb565(color.words(pixels)) == (red >> 3 << 11 | green >> 2 << 5 | blue >> 3)).all()


def test_555(pixels: NDArray[np.uint8]) -> None:
    blue, green, red = channels(pixels)
    assert (color.to_rgb555(color.words(pixels)) == (red >> 3 << 10 | green >> 3 << 5 | blue >> 3)).all()


def test_24(pixels: NDArray[np.uint8]) -> None:
    blue, green, red = channels(pixels)
    assert (color.to_bgr24(color.words(pixels)) == (red << 16 | green << 8 | blue)).all()


def test_indices_are_the_nearest_of_the_cube(pixels: NDArray[np.uint8]) -> None:
    shown = color.reduce_and_expand(pixels, 8)
    for before, after in zip(channels(pixels), channels(shown), strict=True):
        assert (abs(after - before) <= 25).all()
        assert (after % 51 == 0).all()


def test_palette_is_exact_for_its_own_cube() -> None:
    cube = color.PALETTE[None, :216]
    assert (color.to_indices(color.words(cube)) == np.arange(216)).all()
    assert (color.reduce_and_expand(cube, 8) == cube).all()
    assert len({tuple(entry) for entry in color.PALETTE.tolist()}) == 256


@needs_libfreerdp
@pytest.mark.parametrize("bits", ALL_SAMPLES)
def test_expansion_is_libfreerdps(bits: int) -> None:
    samples = np.arange(ALL_SAMPLES[bits], dtype=np.uint16).reshape(-1, 256)
    shown = libfreerdp.to_bgrx(samples.tobytes(), 256, len(samples), bits)
    assert (color.expand(samples, bits) == shown).all()


@pytest.mark.parametrize("bits", ALL_SAMPLES)
def test_expansion_keeps_the_ends_and_the_order(bits: int) -> None:
    for shift, width in ((0, 5), (5, bits - 10), (bits - 5, 5)):
        samples = (np.arange(1 << width) << shift).astype(np.uint16).reshape(1, -1)
        shown = color.expand(samples, bits)[..., :3].max(axis=2)[0].astype(int)
        assert (shown[0], shown[-1]) == (0, 255)
        assert (np.diff(shown) >= 0).all()


def test_24_and_32_lose_nothing(pixels: NDArray[np.uint8]) -> None:
    for bits in (24, 32):
        shown = color.reduce_and_expand(pixels, bits)
        assert (shown[..., :3] == pixels[..., :3]).all()
        assert (shown[..., 3] == 255).all()


def test_another_palette() -> None:
    palette = np.arange(1024, dtype=np.uint16).astype(np.uint8).reshape(256, 4)
    shown = color.expand(np.array([[3, 200]], np.uint8), 8, palette)
    assert shown[0, :, :3].tolist() == palette[[3, 200], :3].tolist()


def test_words_do_not_copy_views(pixels: NDArray[np.uint8]) -> None:
    view = pixels[3:10, 5:20]
    assert np.shares_memory(color.words(view), pixels)
    assert (color.words(pixels[..., ::-1]) == color.words(pixels).byteswap()).all()


@pytest.mark.parametrize("bits", [0, 1, 4, 30, 32])
def test_unknown_depths(bits: int) -> None:
    with pytest.raises(EncodeError):
        color.sample_size(bits)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4))]
)
def test_what_are_not_pixels(bad: NDArray[np.uint8]) -> None:
    with pytest.raises(EncodeError):
        color.words(bad)
