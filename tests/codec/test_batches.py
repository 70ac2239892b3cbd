"""Strips of tiles: cut into batches and gathered, by definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.codec import batches
from pyrdpmux.codec.scatter import Scratch
from pyrdpmux.errors import EncodeError


@given(st.integers(1, 4), st.integers(1, 5), st.lists(st.integers(1, 7), max_size=6), st.integers(1, 5))
def test_batches_keep_all_tiles_in_order(height: int, width: int, counts: list[int], tiles: int) -> None:
    rng = np.random.default_rng(0)
    strips = [rng.integers(0, 1 << 32, (height, count * width), dtype=np.uint32) for count in counts]
    whole = batches.tiles_of(strips, width)
    assert [tile.shape for tile in whole] == [(height, width)] * sum(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BATCH_PIXELS", tiles * height * width)
        parts = list(batches.batches(strips, width))
    cut = [tile for part in parts for tile in batches.tiles_of(part, width)]
    assert len(cut) == len(whole)
    assert all((one == other).all() for one, other in zip(cut, whole, strict=True))
    sizes = [sum(strip.shape[1] for strip in part) // width for part in parts]
    assert all(size == tiles for size in sizes[:-1])
    assert all(0 < size <= tiles for size in sizes)
    scratch = Scratch()
    for part in parts:
        gathered = batches.gathered(part, width, scratch)
        assert gathered.flags.c_contiguous
        assert (gathered[:, ::-1] == np.stack(batches.tiles_of(part, width))).all()


def test_a_tile_larger_than_a_batch_is_its_own() -> None:
    strip = np.zeros((1024, 3 * 1024), np.uint32)
    assert [part[0].shape for part in batches.batches([strip], 1024)] == [(1024, 1024)] * 3


def test_tiles_must_be_alike() -> None:
    good, other = np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)
    assert len(batches.tile_samples([good, good])) == 2
    for bad in ([good, other], [good.astype(np.uint16)], [good[:0]], [np.zeros((2, 3, 1), np.uint8)]):
        with pytest.raises(EncodeError):
            batches.tile_samples(bad)
