"""Names of tiles, and what they look like at a glance."""

import numpy as np
import pytest

from pyrdpmux.graphics.tile_hashes import glance, glances, name


@pytest.mark.parametrize("shape", [(64, 64), (200, 333), (1080, 1920), (63, 63)])
def test_glances_are_those_of_each_tile(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 1 << 24, shape, dtype=np.uint32)
    for rows in (slice(0, 17), slice(1, 2)):
        seen = glances(picture, rows)
        whole = max(min(rows.stop, shape[0] // 64) - rows.start, 0) * (shape[1] // 64)
        assert seen.size == whole
        for row, column in np.ndindex(seen.shape):
            top, left = 64 * (rows.start + row), 64 * column
            assert seen[row, column] == glance(picture[top : top + 64, left : left + 64])


def test_every_pixel_counts_and_where_it_is() -> None:
    tile = np.zeros((64, 64), np.uint32)
    tile[3, 5] = 7
    others = [np.roll(tile, 1, axis) for axis in (0, 1)] + [tile.T.copy(), tile * 2, tile * 0]
    for look in (glance, name):
        assert len({look(other) for other in (tile, *others)}) == 6
        assert look(tile) == look(np.pad(tile, 5)[5:-5, 5:-5])
