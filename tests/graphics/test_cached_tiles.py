"""Tiles in the clients' cache: what is kept, when, and what is taken over from a session before."""

import numpy as np
import pytest

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.cached_tiles import (
    MAX_STORED,
    STORE_DELAY,
    STORE_REST,
    TILE_BYTES,
    CachedTiles,
    TileCache,
)
from pyrdpmux.graphics.client_picture import Layer
from pyrdpmux.graphics.commands import Restore, Store
from tests.graphics.drawings import text


class Shown:
    """A picture that a client shows exactly, and its cache."""

    def __init__(self, words: Words, slots: int = 100) -> None:
        height, width = words.shape
        self.words = words
        self.box = Rect(0, 0, width, height)
        self.main = Layer(width, height)
        self.main.paint(self.box, words)
        self.tiles = CachedTiles(width, height, slots, 100 * TILE_BYTES)

    def store(self) -> list[Store]:
        return self.tiles.store(self.box, self.main, self.words)

    def rested(self, now: float) -> list[Store]:
        return self.tiles.store_rested(self.main, self.words, now)

    def restore(self) -> list[Restore]:
        changed = np.ones(self.words.shape, np.bool_)
        found = self.tiles.restore(self.box, self.main, self.words, changed)
        self.left = int(np.count_nonzero(changed))
        return found


def test_the_last_row_and_column_end_at_the_edges() -> None:
    shown = Shown(text(150, 100))
    stored = shown.store()
    assert {(item.rect.x, item.rect.y) for item in stored} == {(x, y) for x in (0, 64, 86) for y in (0, 36)}
    assert all(item.rect.width == item.rect.height == 64 for item in stored)
    assert sum(len(item.points) for item in shown.restore()) == 6
    assert shown.left == 0


@pytest.mark.parametrize(("width", "height"), [(63, 100), (100, 63), (1, 1)])
def test_a_picture_smaller_than_a_tile_has_none(width: int, height: int) -> None:
    shown = Shown(text(width, height))
    shown.tiles.changed([shown.box], 1.0)
    assert [*shown.store(), *shown.restore(), *shown.rested(10.0)] == []
    assert shown.tiles.next_rest() is None
    assert shown.tiles.take_over([(1, TILE_BYTES)]) == (0,)


def test_what_is_one_color_or_not_exact_is_not_kept() -> None:
    words = text(128, 64)
    words[:, :64] = 7
    shown = Shown(words)
    shown.main.paint_lossy(Rect(70, 0, 8, 8), words, 5.0)
    assert shown.store() == []
    shown.main.paint(Rect(64, 0, 64, 64), words)
    assert [item.rect for item in shown.store()] == [Rect(64, 0, 64, 64)]


def test_what_rests_is_kept() -> None:
    shown = Shown(text(128, 128))
    assert shown.tiles.next_rest() is None
    shown.tiles.changed([Rect(0, 0, 128, 128)], 10.0)
    shown.tiles.changed([Rect(70, 70, 4, 4)], 10.5)
    assert shown.tiles.next_rest() == 10.0 + STORE_REST + STORE_DELAY, "alone"
    assert shown.rested(10.0) == []
    assert len(shown.rested(10.0 + STORE_REST)) == 3
    assert len(shown.rested(10.5 + STORE_REST)) == 1
    assert shown.tiles.next_rest() is None
    shown.tiles.changed([Rect(0, 0, 1, 1)], 20.0)
    assert shown.rested(30.0) == [], "it is there already"


def test_what_is_not_exact_yet_is_looked_at_later() -> None:
    shown = Shown(text(64, 64))
    shown.tiles.changed([shown.box], 1.0)
    shown.main.paint_lossy(Rect(0, 0, 8, 8), shown.words, 5.0)
    assert shown.rested(3.0) == []
    assert shown.tiles.next_rest() == 3.0 + STORE_REST + STORE_DELAY
    shown.main.paint(shown.box, shown.words)
    assert len(shown.rested(4.0)) == 1


def test_so_many_at_a_time() -> None:
    shown = Shown(text(64 * 10, 64 * 10))
    shown.tiles.changed([shown.box], 1.0)
    assert [len(shown.rested(3.0)) for _ in range(3)] == [MAX_STORED, 100 - MAX_STORED, 0]


def test_what_a_client_has_from_before_gets_slots_in_a_row() -> None:
    before = Shown(text(192, 64))
    entries = [(item.key, TILE_BYTES) for item in before.store()]
    now = Shown(text(192, 64))
    offered = [entries[0], (5, 4096), entries[0], *entries[1:]]
    assert now.tiles.take_over(offered) == (1, 0, 0, 2, 3)
    assert {item.slot for item in now.restore()} == {1, 2, 3}
    assert now.store() == []
    now.tiles.forget(0.0)
    assert now.restore() == [], "nobody may rely on it after an epoch"
    assert len(now.rested(STORE_REST)) == 3


def test_an_offer_takes_free_slots_only() -> None:
    cache = TileCache(3, 100 * TILE_BYTES)
    assert cache.add(1) == 1
    assert [cache.take_over(key) for key in (1, 2, 3, 4)] == [None, 2, 3, None]
    assert cache.find(1) == 1


def test_the_tile_that_was_used_longest_ago_makes_room() -> None:
    cache = TileCache(100, 2 * TILE_BYTES)
    assert cache.slots == 2
    assert [cache.add(1), cache.add(2), cache.find(1), cache.add(3)] == [1, 2, 1, 2]
    assert [cache.find(2), cache.find(1), len(cache)] == [None, 1, 2]
    assert TileCache(0, 0).add(1) is None


def test_what_moves_is_not_kept_as_it_is_painted() -> None:
    shown = Shown(text(128, 64))
    for now in (1.0, 1.0 + STORE_REST / 2):
        shown.tiles.changed([Rect(0, 0, 64, 64)], now)
    assert [item.rect.x for item in shown.store()] == [64]
    shown.tiles.changed([Rect(0, 0, 64, 64)], 3.0)
    assert [item.rect.x for item in shown.store()] == [0], "it had rested"


def test_what_came_out_of_the_cache_is_not_looked_at_again() -> None:
    shown = Shown(text(128, 64))
    assert len(shown.store()) == 2
    shown.tiles.changed([shown.box], 5.0)
    assert len(shown.restore()) == 2
    assert shown.tiles.next_rest() is None


def test_what_made_room_is_not_looked_for() -> None:
    cache = TileCache(100, 2 * TILE_BYTES)
    cache.add(1, 11)
    cache.add(2, 12)
    assert [cache.may_have(glance) for glance in (11, 12, 13)] == [True, True, False]
    cache.add(3, 13)
    assert [cache.may_have(glance) for glance in (11, 12, 13)] == [False, True, True]
    cache.forget()
    assert not cache.may_have(12)
    cache.take_over(4)
    assert cache.may_have(99), "what clients had before may look like anything"
