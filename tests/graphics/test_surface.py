"""Surfaces: what is newer than what somebody has seen."""

import mmap
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import MAX_PROPOSALS, TILE, Surface, tile_rects

SIDES = st.integers(1, 300)


def test_a_new_surface_is_black_and_never_written() -> None:
    surface = Surface(130, 70)
    assert surface.pixels.shape == (70, 130, 4)
    assert not surface.pixels.any()
    assert surface.versions.shape == (2, 3)
    assert not surface.newer(0).any()


def test_what_is_written_is_newer_for_who_has_not_looked_since() -> None:
    surface = Surface(200, 200)
    surface.write(Rect(60, 0, 10, 10), np.full((10, 10, 4), 7, np.uint8))
    assert surface.newer(0).tolist()[0] == [True, True, False, False]
    seen = surface.version
    assert not surface.newer(seen).any()
    surface.write(Rect(199, 199, 5, 5), np.full((5, 5, 4), 9, np.uint8))
    assert np.argwhere(surface.newer(seen)).tolist() == [[3, 3]]
    assert surface.pixels[199, 199].tolist() == [9, 9, 9, 9]
    assert surface.words[199, 199] == 0x09090909


def test_a_write_outside_changes_nothing() -> None:
    surface = Surface(10, 10)
    surface.write(Rect(10, 0, 3, 3), np.ones((3, 3, 4), np.uint8))
    assert not surface.newer(0).any()
    assert not surface.pixels.any()


def test_a_write_from_outside_lands_where_it_belongs() -> None:
    surface = Surface(4, 4)
    source = np.arange(4 * 4 * 4, dtype=np.uint8).reshape(4, 4, 4)
    surface.write(Rect(-2, -3, 4, 4), source)
    assert (surface.pixels[:1, :2] == source[3:, 2:]).all()


def test_pixels_have_the_shape_of_their_place() -> None:
    with pytest.raises(ValueError, match="pixels of shape"):
        Surface(9, 9).write(Rect(0, 0, 2, 2), np.zeros((2, 3, 4), np.uint8))


def test_a_surface_has_a_size() -> None:
    with pytest.raises(ValueError, match="0x4"):
        Surface(0, 4)


def test_two_surfaces_in_one_memory_are_one() -> None:
    memory = mmap.mmap(-1, Surface.size_of(100, 50))
    writer, reader = Surface(100, 50, memory), Surface(100, 50, memory)
    writer.write(Rect(0, 0, 1, 1), np.full((1, 1, 4), 3, np.uint8))
    assert reader.pixels[0, 0].tolist() == [3, 3, 3, 3]
    assert reader.newer(0).tolist() == [[True, False]]


def test_the_version_is_told_when_its_tiles_are() -> None:
    """A reader takes the version before it looks at the tiles."""
    surface = Surface(64, 64)
    seen_when_marked: list[int] = []

    class Watched(np.ndarray[Any, np.dtype[np.uint64]]):
        def __setitem__(self, key: Any, value: Any) -> None:
            seen_when_marked.append(surface.version)
            super().__setitem__(key, value)

    surface.versions = surface.versions.view(Watched)
    surface.touch([Rect(0, 0, 1, 1)])
    assert seen_when_marked == [0]
    assert surface.version == 1


def test_proposals_are_told_once_each_and_the_newest_first() -> None:
    surface = Surface(64, 64)
    for dy in (-18, -17, -18):
        surface.touch([surface.rect])
        surface.propose_move(0, dy)
    assert surface.proposals(0) == [(0, -18), (0, -17)]
    assert surface.proposals(2) == [(0, -18)]
    assert surface.proposals(3) == []
    for number in range(2 * MAX_PROPOSALS):
        surface.propose_move(number, 0)
    assert len(surface.proposals(0)) == MAX_PROPOSALS


@given(SIDES, SIDES, st.data())
def test_rectangles_cover_the_set_tiles_and_no_others(width: int, height: int, data: st.DataObject) -> None:
    shape = (-(-height // TILE), -(-width // TILE))
    bits = data.draw(st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    tiles = np.array(bits, np.bool_).reshape(shape)
    expected = np.repeat(np.repeat(tiles, TILE, axis=0), TILE, axis=1)[:height, :width]
    painted = np.zeros((height, width), np.int64)
    for rect in tile_rects(tiles, width, height):
        assert rect == rect.clip(width, height)
        painted[rect.y : rect.bottom, rect.x : rect.right] += 1
    assert (painted == expected).all()
