"""Pixels as they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec import uncompressed
from pyrdpmux.codec.color import DEPTHS, reduce_and_expand
from pyrdpmux.errors import DecodeError
from tests.codec import pictures


def test_bytes_in_order() -> None:
    tile = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert uncompressed.encode_tiles([tile]) == [bytes(range(24))]
    assert uncompressed.encode_tiles([tile], bottom_up=True) == [bytes([*range(12, 24), *range(12)])]
    assert uncompressed.encode_tiles([tile], 24) == [bytes([b for b in range(24) if b % 4 != 3])]


@settings(max_examples=40, deadline=None)
@given(pictures.tiles(), st.sampled_from([*DEPTHS, 32]), st.booleans())
def test_round_trip(tiles: NDArray[np.uint8], depth: int, bottom_up: bool) -> None:
    height, width = tiles.shape[1:3]
    for tile, data in zip(tiles, uncompressed.encode_tiles(tiles, depth, bottom_up=bottom_up), strict=True):
        decoded = uncompressed.decode(data, width, height, depth, bottom_up=bottom_up)
        assert (decoded == (tile if depth == 32 else reduce_and_expand(tile, depth))).all()


@pytest.mark.parametrize("size", [0, 23, 25, 48])
def test_the_size_is_exact(size: int) -> None:
    out = np.full((2, 3, 4), 9, np.uint8)
    with pytest.raises(DecodeError):
        uncompressed.decode(bytes(size), 3, 2, out=out)
    assert (out == 9).all()


def test_out_may_be_a_part_of_a_frame() -> None:
    frame = np.zeros((9, 9, 4), np.uint8)
    tile = pictures.picture(3, 4, "random")
    uncompressed.decode(uncompressed.encode_tiles([tile])[0], 4, 3, out=frame[1:4, 2:6])
    assert (frame[1:4, 2:6] == tile).all()


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-1, 4), (1 << 24, 2)])
def test_absurd_sizes(width: int, height: int) -> None:
    with pytest.raises(DecodeError):
        uncompressed.decode(b"", width, height)
