"""Planar with less color, and with alpha: against our decoder, the scalar one, and libfreerdp's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.screens import desktop, photo, text
from pyrdpmux.codec import planar
from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import EncodeError
from tests.codec import pictures
from tests.codec.reference import libfreerdp

SIZES = [(1, 1), (3, 5), (64, 20), (1, 400)]

#: color loss level -> least PSNR in dB of a photograph, without and with chroma subsampling
FLOORS = {1: (45.0, 37.0), 2: (43.0, 37.0), 3: (40.0, 36.0), 4: (35.0, 33.0), 5: (30.0, 29.0)}


def psnr(one: Pixels, other: Pixels) -> float:
    error = float(np.mean((one[..., :3].astype(float) - other[..., :3]) ** 2))
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def screen_tile(screen: Pixels) -> Pixels:
    return np.ascontiguousarray(screen[200:264, 300:364])


@pytest.mark.parametrize(("loss", "floors"), FLOORS.items())
def test_color_is_lost_only_as_far_as_agreed(loss: int, floors: tuple[float, float]) -> None:
    tile = screen_tile(photo())
    for subsampling, floor in zip((False, True), floors, strict=True):
        [stream] = planar.encode_tiles([tile], color_loss_level=loss, subsampling=subsampling)
        assert psnr(planar.decode(stream, 64, 64), tile) >= floor


def test_gray_loses_nothing_that_shows() -> None:
    tile = np.repeat(screen_tile(text())[..., :1], 4, axis=2)
    for loss in range(1, 8):
        [stream] = planar.encode_tiles([tile], color_loss_level=loss, subsampling=True)
        assert np.array_equal(planar.decode(stream, 64, 64)[..., :3], tile[..., :3])


def test_less_color_takes_less_room() -> None:
    tile = screen_tile(desktop())
    sizes = [len(planar.encode_tiles([tile])[0])]
    sizes += [
        len(planar.encode_tiles([tile], color_loss_level=loss, subsampling=True)[0]) for loss in (1, 3, 5)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < sizes[0] * 0.6


@pytest.mark.skipif(libfreerdp.library() is None, reason="libfreerdp2 is not installed")
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("subsampling", [False, True])
@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("rle", [False, True])
def test_libfreerdp_sees_the_same(height: int, width: int, subsampling: bool, alpha: bool, rle: bool) -> None:
    codec = libfreerdp.Planar(max(width, 8), max(height, 8))
    for kind in pictures.KINDS:
        tile = pictures.picture(height, width, kind)
        for loss in (1, 6):
            [stream] = planar.encode_tiles(
                [tile], rle, color_loss_level=loss, subsampling=subsampling, alpha=alpha
            )
            theirs = codec.decode(stream, width, height)
            assert theirs is not None
            assert np.array_equal(theirs[..., :3], planar.decode(stream, width, height)[..., :3])


@given(tiles=pictures.tiles(), rle=st.booleans(), bottom_up=st.booleans())
def test_alpha_is_kept_exactly(tiles: np.ndarray, rle: bool, bottom_up: bool) -> None:
    streams = planar.encode_tiles(tiles, rle, bottom_up=bottom_up, alpha=True)
    for tile, stream in zip(tiles, streams, strict=True):
        height, width = tile.shape[:2]
        assert np.array_equal(planar.decode(stream, width, height, bottom_up=bottom_up), tile)


@given(tiles=pictures.tiles(), loss=st.integers(1, 7), subsampling=st.booleans())
def test_whatever_is_lossy_decodes(tiles: np.ndarray, loss: int, subsampling: bool) -> None:
    for tile, stream in zip(
        tiles, planar.encode_tiles(tiles, color_loss_level=loss, subsampling=subsampling), strict=True
    ):
        assert planar.decode(stream, tile.shape[1], tile.shape[0]).shape == tile.shape


@pytest.mark.parametrize(("loss", "subsampling"), [(8, False), (-1, False), (0, True)])
def test_what_the_header_cannot_say_is_refused(loss: int, subsampling: bool) -> None:
    with pytest.raises(EncodeError, match="Planar"):
        planar.encode_tiles([np.zeros((4, 4, 4), np.uint8)], color_loss_level=loss, subsampling=subsampling)
