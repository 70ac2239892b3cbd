"""The model of a client's cache against a plain list."""

import numpy as np

from pyrdpmux.codec.clear import columns
from pyrdpmux.codec.clear.mirror import Mirror


def test_equals_a_list_of_slots() -> None:
    rng = np.random.default_rng(1)
    mirror = Mirror(8)
    slots: list[int] = [0] * 256
    known = rng.integers(1, 1 << 63, 400).astype(np.uint64) | np.uint64(1)
    missed = 0
    cursor = 0
    for _ in range(200):
        wanted = rng.choice(known, 60, replace=False)
        found = mirror.find(wanted)
        new = []
        for key, slot in zip(wanted.tolist(), found.tolist(), strict=True):
            if slot >= 0:
                assert slots[slot] == key
            else:
                missed += key in slots
                new.append(key)
        for key in new:
            slots[cursor] = key
            cursor = (cursor + 1) % 256
        given = mirror.insert(np.array(new, np.uint64))
        assert [slots[slot] for slot in given.tolist()] == new
        assert mirror.cursor == cursor
    # not everything that is there is found: both tables have one place for each hash
    assert missed < 200 * 60 * 0.02


def test_keys_depend_on_pixels_and_height() -> None:
    pixels = np.zeros((4, 3), np.uint32)
    pixels[0, 1] = 1
    pixels[1, 2] = 1
    found = columns.keys(pixels, 4)
    assert len(set(found.tolist())) == 3
    assert not set(found.tolist()) & set(columns.keys(pixels, 5).tolist())
    assert (columns.keys(pixels[:, 1:], 4) == found[1:]).all()


def test_keys_of_many_columns_are_different() -> None:
    pixels = np.arange(1 << 18, dtype=np.uint32)
    found = columns.keys(np.stack([pixels & np.uint32(0x3FF), pixels >> np.uint32(10)]), 2)
    assert len(np.unique(found)) == len(pixels)


def test_a_slot_that_will_be_overwritten_is_no_hit() -> None:
    mirror = Mirror(2)
    old = np.array([11, 13, 15, 17], np.uint64)
    mirror.insert(old)
    planned = columns.plan(mirror, np.array([17, 11, 21, 11, 23], np.uint64))
    assert planned is not None
    # 21 goes to slot 0, which is 11's; so 11 is new as well and goes to slot 0, 21 and 23 follow
    assert planned.slots.tolist() == [3, -1, -1, -1, -1]
    assert columns.commit(mirror, planned).tolist() == [3, 0, 1, 0, 2]


def test_more_than_the_cache_holds_is_refused() -> None:
    assert columns.plan(Mirror(2), np.array([1, 3, 5, 7], np.uint64)) is None
