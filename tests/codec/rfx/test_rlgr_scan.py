"""The scan by table, in lanes and one by one, next to a loop."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec.rfx import rlgr_scan
from pyrdpmux.codec.rfx.rlgr_scan import PIECE, StateTable, scan

STATES = 20


def table(kind: str) -> StateTable:
    """(10, states) to the next: what forgets its state in a step, soon, seldom, or never."""
    rows, states = np.arange(10)[:, None], np.arange(STATES)
    match kind:
        case "at once":
            following = rows + 0 * states
        case "soon":
            following = np.clip(states + rows - 5, 0, STATES - 1)
        case "seldom":
            following = np.where((rows == 7) & (states > 10), 0, (states + rows) % STATES)
        case _:
            following = (states + rows) % STATES
    return StateTable(following)


def expected(array: NDArray[np.uint8], index: NDArray[np.int32], lengths: list[int], start: int) -> list[int]:
    result: list[int] = []
    at = 0
    for length in lengths:
        state = start
        for i in index[at : at + length].tolist():
            result.append(state)
            state = int(array[i + state])
        at += length
    return result


KINDS = pytest.mark.parametrize("kind", ["at once", "soon", "seldom", "never"])


@KINDS
@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(
        st.integers(1, 12) | st.integers(1, 700) | st.sampled_from([127, 128, 129, 256]),
        min_size=1,
        max_size=30,
    ),
    seed=st.integers(0, 999),
    start=st.integers(0, STATES - 1),
    in_lanes=st.booleans(),
)
def test_is_what_a_loop_finds(kind: str, lengths: list[int], seed: int, start: int, in_lanes: bool) -> None:
    found = table(kind)
    index = np.random.default_rng(seed).integers(0, 10, sum(lengths)).astype(np.int32) * STATES
    sizes = np.array(lengths)
    piece = min(PIECE, max(lengths))
    if in_lanes:
        states = rlgr_scan._Lanes(found, index, sizes, piece).scan(start)
    else:
        states = rlgr_scan._one_by_one(found, index, sizes, start)
    assert states.tolist() == expected(found.array, index, lengths, start)
    assert (scan(found, index, sizes, start) == states).all()


@KINDS
def test_many_long_ones(kind: str) -> None:
    """So many that wrong guesses are mended together first, and one by one only at last."""
    lengths = [4000, 3, 900] * 40
    found = table(kind)
    index = np.random.default_rng(1).integers(0, 10, sum(lengths)).astype(np.int32) * STATES
    assert scan(found, index, np.array(lengths), 3).tolist() == expected(found.array, index, lengths, 3)


def test_which_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is little goes one by one: the steps of lanes cost by their number."""
    ways: list[str] = []

    def watched(name: str) -> None:
        way = getattr(rlgr_scan, name)

        def noted(*arguments: Any) -> Any:
            ways.append(name)
            return way(*arguments)

        monkeypatch.setattr(rlgr_scan, name, noted)

    watched("_one_by_one")
    watched("_Lanes")
    found = table("soon")
    for lengths in ([900] * 3, [2] * 1500, [900] * 100):
        scan(found, np.zeros(sum(lengths), np.int32), np.array(lengths), 0)
    assert ways == ["_one_by_one", "_Lanes", "_Lanes"]
