"""Matches in lz4's blocks, near and far: they must say what is true of the data."""

import random
from typing import Final

import lz4.block
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.far_matches import WINDOW, FarMatcher, common_size, merged
from pyrdpmux.codec.bulk.matches import NONE, Matches, find_block, find_matches, read_block
from tests.codec.bulk import samples

MIN_LENGTH: Final = 3


def check(data: bytes, history: bytes, matches: Matches, min_length: int = MIN_LENGTH) -> int:
    """All bytes that ``matches`` cover are where they say; returns how many bytes they cover."""
    together = history + data
    done = 0
    for at, length, distance in zip(*[column.tolist() for column in matches], strict=True):
        assert at >= done
        assert length >= min_length
        assert 1 <= distance <= len(history) + at
        source = len(history) + at - distance
        assert together[source : source + length] == data[at : at + length]
        done = at + length
    assert done <= len(data)
    return int(matches.length.sum())


def found(data: bytes, history: bytes = b"") -> Matches:
    matches = find_matches(data, history, MIN_LENGTH, 10)
    assert matches is not None
    return matches


class TestNear:
    @settings(max_examples=60, deadline=None)
    @given(
        kind=st.sampled_from(samples.KINDS[:-1]),
        size=st.integers(1, 3000) | st.just(65535),
        seed=st.integers(0, 3),
        with_history=st.booleans(),
    )
    def test_matches_are_true(self, kind: str, size: int, seed: int, with_history: bool) -> None:
        history = samples.packet("words", 65536, seed) if with_history else b""
        data = samples.packet(kind, size, seed)
        check(data, history, found(data, history))

    def test_data_is_found_again_in_the_history_up_to_its_end(self) -> None:
        history = random.Random(1).randbytes(65536)
        data = history[1000:1400]
        assert check(data, history, found(data, history)) == 400

    def test_hard_data_is_looked_for_nearby(self) -> None:
        """What a photo is: all of a long history costs more time than what is found there is worth."""
        values = np.random.default_rng(3).integers(0, 12, 70000).astype(np.uint8).tobytes()
        far, near, data = values[:45000], values[45000:61384], values[61384:]
        assert find_block(data, far + near, 1.0) == find_block(data, near, 1.0)
        text = samples.packet("words", 69000, 1)
        assert find_block(text[61000:], text[:61000], 1.0) != find_block(text[61000:], text[50000:61000], 1.0)

    @pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 12, 13, 14, 16, 18, 19, 20, 300, 65535])
    def test_runs(self, size: int) -> None:
        data = b"x" * size
        assert check(data, b"", found(data)) >= min(size - 5, size)
        assert check(data, data, found(data, data)) >= size - 3

    def test_dense_data_has_none(self) -> None:
        noise = random.Random(1).randbytes(1000)
        assert find_matches(noise, b"", MIN_LENGTH, 0.9) is None
        assert find_matches(noise, noise, MIN_LENGTH, 0.9) is not None

    def test_blocks_with_long_counts(self) -> None:
        """Literal and match counts that take many bytes of 255, 255 exactly, and none."""
        rng = random.Random(2)
        for literals in (0, 14, 15, 16, 269, 270, 271, 2000):
            for run in (4, 18, 19, 20, 273, 274, 275, 5000):
                data = rng.randbytes(literals) + bytes(run) + rng.randbytes(30) + bytes(run)
                matches = read_block(lz4.block.compress(data, store_size=False))
                assert check(data, b"", matches) >= 2 * run - 30


class TestMatches:
    def test_split(self) -> None:
        whole = Matches(np.array([5, 100]), np.array([10, 50]), np.array([1, 7]))
        parts = whole.split(20)
        rows = list(zip(*[column.tolist() for column in parts], strict=True))
        assert rows == [(5, 10, 1), (100, 16, 7), (116, 17, 7), (133, 17, 7)]
        assert whole.split(50) is whole
        assert NONE.split(9) is NONE


class TestFar:
    def test_long_repetitions_are_found_whole(self) -> None:
        rng = random.Random(3)
        matcher, history = FarMatcher(300_000), b""
        for _ in range(10):
            data = rng.randbytes(20_000)
            check(data, history, matcher.find(data))
            matcher.append()
            history += data
        for at in (3, 70_001, 150_000):
            data = b"new" + history[at : at + 5000] + b"new" + history[at + 40_000 : at + 43_000]
            matches = matcher.find(data)
            assert check(data, history, matches, WINDOW) >= 8000

    def test_what_was_not_appended_is_not_known(self) -> None:
        matcher = FarMatcher(100_000)
        data = random.Random(4).randbytes(5000)
        for _ in range(2):
            assert not len(matcher.find(data).at)
        matcher.append()
        assert int(matcher.find(data).length.sum()) == 5000

    def test_history_is_bounded(self) -> None:
        rng = random.Random(5)
        matcher, size = FarMatcher(10_000), 10_000
        first = rng.randbytes(3000)
        matcher.find(first)
        matcher.append()
        for _ in range(10):
            matcher.find(rng.randbytes(4000))
            matcher.append()
        assert not len(matcher.find(first).at)
        last = rng.randbytes(4000)
        matcher.find(last)
        matcher.append()
        matches = matcher.find(last)
        assert int(matches.length.sum()) == 4000
        assert matches.distance.max() <= size

    def test_min_distance(self) -> None:
        matcher = FarMatcher(100_000)
        data = random.Random(6).randbytes(5000)
        matcher.find(data)
        matcher.append()
        assert len(matcher.find(data, 5000).at)
        assert not len(matcher.find(data, 5001).at)

    @pytest.mark.parametrize("data", [b"", b"a", bytes(31), bytes(32), bytes(33), bytes(5000), b"ab" * 2000])
    def test_short_or_monotonous_data(self, data: bytes) -> None:
        matcher = FarMatcher(100_000)
        for history in (b"", data, data * 2):
            check(data, history, matcher.find(data))
            matcher.append()


class TestMerged:
    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 1000))
    def test_merged_matches_are_true(self, seed: int) -> None:
        rng = random.Random(seed)
        history = rng.randbytes(100_000) + samples.words(60_000, seed)
        data = b""
        while len(data) < 5000:
            at = rng.randrange(len(history))
            data += history[at : at + rng.choice([5, 20, 100, 1000])] + rng.randbytes(rng.randrange(10))
        matcher = FarMatcher(200_000)
        matcher.find(history)
        matcher.append()
        far, near = matcher.find(data, 60_000), found(data, history[-65535:])
        both = merged(near, far, MIN_LENGTH)
        covered = check(data, history, both)
        assert covered >= check(data, history[-65535:], near) - 100

    def test_one_near_match_is_better(self) -> None:
        near = Matches(np.array([10]), np.array([100]), np.array([5]))
        far = Matches(np.array([20]), np.array([80]), np.array([99999]))
        assert merged(near, far, MIN_LENGTH) is near

    def test_far_match_takes_the_place_of_several(self) -> None:
        near = Matches(np.array([0, 20, 40, 60]), np.array([15, 15, 15, 30]), np.array([5, 6, 7, 8]))
        far = Matches(np.array([13]), np.array([60]), np.array([99999]))
        rows = list(zip(*[column.tolist() for column in merged(near, far, MIN_LENGTH)], strict=True))
        assert rows == [(0, 13, 5), (13, 60, 99999), (73, 17, 8)]


@given(st.binary(max_size=400), st.integers(0, 400), st.integers(1, 255))
def test_common_size(data: bytes, at: int, change: int) -> None:
    other = bytearray(data)
    if at < len(other):
        other[at] ^= change
    one, two = np.frombuffer(data, np.uint8), np.frombuffer(other, np.uint8)
    assert common_size(one, two) == min(at, len(data))
