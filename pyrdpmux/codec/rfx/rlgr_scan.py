"""A scan of many sequences by table: the sequential part of RLGR (MS-RDPRFX 3.1.8.1.7.3), and nothing else.

    state in front of element i + 1 = table[index[i] + state in front of element i]

One by one, in a comprehension over bytes, an element costs 65 ns. Many go in *lanes* instead: sequences are
cut in pieces of up to 128 elements, and all pieces take a step together, which costs two numpy calls, 3 us
and 4 ns for each lane. What a piece begins with is not known then, but states forget: it is guessed by going
through the last 64 elements in front of it, from any state. Pieces whose guess was wrong are done again,
until none is.
"""

from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
States = NDArray[np.uint8]

PIECE: Final = 128
"""Elements of a lane."""
WARM_UP: Final = 64
"""Elements from which a lane's first state is guessed."""
_SPARE: Final = 16
"""Elements between lanes that are transposed: see :mod:`pyrdpmux.codec.rfx.color`."""

# What things cost, in nanoseconds.
_ELEMENT: Final = 65
_SEQUENCE: Final = 1500
_STEP: Final = 3000
_LANE_STEP: Final = 4
_FEW: Final = 32
"""Lanes that are done again one by one rather than together."""


class StateTable:
    """A table of states, to be looked up in lanes and one by one."""

    def __init__(self, table: NDArray[Any]) -> None:
        """``table`` of any shape, in the order of the index: below 256, as states are bytes."""
        self.array: States = np.ascontiguousarray(table, np.uint8).reshape(-1)
        self.array.flags.writeable = False
        self.rows = self.array.tobytes()


def scan(table: StateTable, index: NDArray[Any], lengths: Numbers, start: int) -> States:
    """(elements,) uint8: the state in front of each element; each sequence begins with ``start``.

    ``lengths`` (sequences,) int64, none of them 0, are those of ``index`` (elements,) integers, sequence
    after sequence; with any state added, they are within the table.
    """
    piece = int(min(PIECE, lengths.max()))
    lanes = int((-(-lengths // piece)).sum())
    steps = piece + (WARM_UP if lanes > len(lengths) else 0)
    if _ELEMENT * len(index) + _SEQUENCE * len(lengths) < steps * (_STEP + _LANE_STEP * lanes):
        return _one_by_one(table, index, lengths, start)
    return _Lanes(table, index, lengths, piece).scan(start)


def _one_by_one(table: StateTable, index: NDArray[Any], lengths: Numbers, start: int) -> States:
    parts: list[bytes] = []
    begin = 0
    for end in np.cumsum(lengths).tolist():
        parts.append(_states(table.rows, index[begin : end - 1], start))
        begin = end
    return np.frombuffer(b"".join(parts), np.uint8)


def _states(rows: bytes, index: NDArray[Any], start: int) -> bytes:
    """The first state, and the state behind each element."""
    s = start
    return bytes([s] + [s := rows[i + s] for i in index.tolist()])


class _Lanes:
    """Sequences in pieces of ``piece`` elements, a lane each, in order.

    ``at`` (lanes,) int64, where each begins; ``is_first`` (lanes,) bool, of its sequence; ``index``
    (piece, lanes) int64: behind the end of a sequence, it is anything.
    """

    def __init__(self, table: StateTable, index: NDArray[Any], lengths: Numbers, piece: int) -> None:
        self._table = table
        self._piece = piece
        counts = -(-lengths // piece)
        number = np.arange(int(counts.sum()))
        number -= np.repeat(np.cumsum(counts) - counts, counts)
        self._is_first = number == 0
        self._at = np.repeat(np.cumsum(lengths) - lengths, counts)
        self._at += number * piece
        self._count = len(index)
        padded = np.zeros(len(index) + piece + _SPARE, np.int32)
        padded[: len(index)] = index
        rows = _windows(padded, piece + _SPARE)[self._at]
        self._index = rows[:, :piece].T.astype(np.int64, order="C")

    def scan(self, start: int) -> States:
        first = np.full(len(self._at), start, np.uint8)
        if not self._is_first.all():
            guessed = self._run(slice(-WARM_UP, None), first[:-1], None)
            first[1:] = np.where(self._is_first[1:], start, guessed)
        # Lines, a step each; the spare ones are those of lanes in which they are transposed back.
        states = np.empty((self._piece, len(self._at)), np.uint8)
        last = self._run(slice(None), first, states)
        self._repair(states, last)
        before = np.empty(self._count + self._piece, np.uint8)
        # In ascending order: what is behind the end of a sequence is overwritten by the next.
        _windows(before, self._piece)[self._at] = states.T
        return before[: self._count]

    def _run(
        self, steps: slice, state: States, states: States | None, lanes: Numbers | None = None
    ) -> States:
        """The states behind some steps, from ``state`` (k,) on; fills ``states`` (steps, k).

        ``lanes`` (k,) are which; the first k without.
        """
        current = state.copy()
        index = self._index[steps]
        index = index[:, : len(state)] if lanes is None else index[:, lanes]
        for step, row in enumerate(index):
            if states is not None:
                states[step] = current
            self._table.array.take(row + current, out=current, mode="clip")
        return current

    def _repair(self, states: States, last: States) -> None:
        """Do again, in place, what began with another state than the lane before ended with."""
        follows = ~self._is_first[1:]
        while True:
            wrong = np.flatnonzero((states[0, 1:] != last[:-1]) & follows) + 1
            if len(wrong) <= _FEW:
                break
            again = np.empty((self._piece, len(wrong)), np.uint8)
            last[wrong] = self._run(slice(None), last[wrong - 1], again, wrong)
            states[:, wrong] = again
        for lane in wrong.tolist():
            self._repair_from(lane, states, last)

    def _repair_from(self, lane: int, states: States, last: States) -> None:
        while lane < len(last) and not self._is_first[lane] and states[0, lane] != last[lane - 1]:
            found = _states(self._table.rows, self._index[:, lane], int(last[lane - 1]))
            states[:, lane] = np.frombuffer(found, np.uint8, self._piece)
            last[lane] = found[-1]
            lane += 1


def _windows(array: NDArray[Any], size: int) -> NDArray[Any]:
    """(n - size + 1, size): overlapping rows of ``array`` (n,), one from each element on."""
    shape = (len(array) - size + 1, size)
    return as_strided(array, shape, (array.itemsize, array.itemsize))
