"""The numpy idioms of the encoders, by definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.codec import scatter
from pyrdpmux.codec.scatter import SPARE, Scratch


def test_windows_copy_in_index_order() -> None:
    source = np.arange(64 + SPARE, dtype=np.uint8)
    target = np.zeros(64 + SPARE, np.uint8)
    # the second write lands on the garbage that the first leaves behind its five wanted bytes
    scatter.windows(target)[np.array([0, 5])] = scatter.windows(source)[np.array([20, 40])]
    assert target[:21].tolist() == [*range(20, 25), *range(40, 56)]
    assert not target[21:].any()


@pytest.mark.parametrize("size", [1, 2, 3, 16])
def test_windows_of_any_size(size: int) -> None:
    source = np.arange(64 + SPARE, dtype=np.uint8)
    view = scatter.windows(source, size)
    assert len(view) == 65
    assert view[[7, 64]].tobytes() == bytes([*range(7, 7 + size), *range(64, 64 + size)])


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 4)), max_size=6))
def test_spread(parts: list[tuple[int, int, int]]) -> None:
    target, source, counts = np.array(parts, np.int64).reshape(-1, 3).T
    targets, sources = scatter.spread(target, source, counts, 16, 15)
    assert targets.tolist() == [t + 16 * i for t, _, count in parts for i in range(count)]
    assert sources.tolist() == [s + 15 * i for _, s, count in parts for i in range(count)]


@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1 << 32))
def test_bits(tiles: int, words: int, seed: int) -> None:
    mask = np.random.default_rng(seed).random((tiles, words * 64)) < 0.5
    mask[:, -1] = False
    bits = scatter.pack(mask.reshape(-1), tiles)
    assert bits.shape == (tiles, words)
    assert (scatter.unpack(bits) == mask.reshape(-1)).all()
    for part in (mask, mask & (np.arange(words * 64) % 40 == 0)):
        expected = np.flatnonzero(part)
        assert scatter.positions(scatter.pack(part.reshape(-1), tiles)).tolist() == expected.tolist()
    assert (scatter.population(bits) == mask.sum(axis=1)).all()
    assert (scatter._count_by_table(bits).reshape(tiles, -1).sum(axis=1) == mask.sum(axis=1)).all()
    flat = np.concatenate([[False], mask.reshape(-1), [False]])
    assert (scatter.unpack(scatter.following(bits)) == flat[2:]).all()
    assert (scatter.unpack(scatter.preceding(bits)) == flat[:-2]).all()


def test_scratch_is_kept_and_never_shared() -> None:
    one, two = Scratch.take(), Scratch.take()
    assert one is not two
    buffer = one.get("name", 100)
    assert np.shares_memory(one.get("name", 50), buffer)
    assert not np.shares_memory(one.get("other", 50), buffer)
    assert len(one.get("name", 200)) == 200
    one.give_back()
    assert Scratch.take() is one
    for scratch in (one, two, *(Scratch() for _ in range(Scratch.MAX_KEPT))):
        scratch.give_back()
    assert len(Scratch._free) == Scratch.MAX_KEPT
