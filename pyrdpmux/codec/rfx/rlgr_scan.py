"""A scan of many sequences by table: the sequential part of RLGR (MS-RDPRFX 3.1.8.1.7.3), and nothing else.

    state in front of element i + 1 = table[index[i] + state in front of element i]

One step of all sequences costs two numpy calls, about 4 us and 6 ns each; one element of one sequence, in a
comprehension over bytes, 100 ns. So the scan goes in lock step while many sequences are active, and one by
one through the rest. Elements are laid out by step first, longest sequences in front, for steps to be slices.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
States = NDArray[np.uint8]

LOCK_STEP: Final = 40
"""Active sequences from which on a step for all of them is quicker."""


class StateTable:
    """A table of states, to be looked up in lock step and one by one."""

    def __init__(self, table: NDArray[Any]) -> None:
        """``table`` of any shape, in the order of the index: below 256, as states are bytes."""
        self.array: States = np.ascontiguousarray(table, np.uint8).reshape(-1)
        self.array.flags.writeable = False
        self.rows = self.array.tobytes()


class Layout:
    """Where the elements of sequences of ``lengths`` (sequences,) int64 are; serves several scans.

    ``active[i]`` sequences have a step i; ``rank`` (sequences,) is each one's place, longest first;
    ``place`` (elements of all steps,) int64 is where each goes, by step and rank; ``source``, of the same
    length, where it comes from among all elements, or None if from all in order.
    """

    def __init__(self, lengths: Numbers) -> None:
        self.lengths = lengths
        self.starts = np.cumsum(lengths) - lengths
        order = np.argsort(-lengths, kind="stable")
        longest = lengths[order]
        self.steps = int(longest[LOCK_STEP - 1]) if len(lengths) >= LOCK_STEP else 0
        self.rank = np.empty(len(lengths), np.int64)
        self.rank[order] = np.arange(len(lengths))
        self.active: list[int] = []
        if not self.steps:
            return
        active = len(lengths) - np.searchsorted(longest[::-1], np.arange(self.steps), side="right")
        self.active = active.tolist()
        # Step by step through each sequence; then, for each of these elements, its place by step and rank.
        shortened = np.minimum(lengths, self.steps)
        behind = np.cumsum(shortened)
        step = np.arange(int(behind[-1]))
        step -= np.repeat(behind - shortened, shortened)
        self.place = (np.cumsum(active) - active)[step]
        self.place += np.repeat(self.rank, shortened)
        # Nothing is left over where the longest sequences end together with the others.
        self.source: Numbers | None = None
        if int(longest[0]) > self.steps:
            step += np.repeat(self.starts, shortened)
            self.source = step


def scan(table: StateTable, index: NDArray[Any], layout: Layout, start: int) -> States:
    """(elements,) uint8: the state in front of each element; each sequence begins with ``start``.

    ``index`` (elements,) integers, sequence after sequence; with the state added, it is within the table.
    """
    before = np.empty(len(index), np.uint8)
    state = np.full(len(layout.lengths), start, np.uint8)
    if layout.steps:
        state = _lock_step(table.array, index, layout, state, before)[layout.rank]
    rows = table.rows
    for sequence in np.flatnonzero(layout.lengths > layout.steps).tolist():
        begin = int(layout.starts[sequence])
        first, end = begin + layout.steps, begin + int(layout.lengths[sequence])
        s = int(state[sequence])
        found = bytes([s] + [s := rows[i + s] for i in index[first : end - 1].tolist()])
        before[first:end] = np.frombuffer(found, np.uint8)
    return before


def _lock_step(table: States, index: NDArray[Any], layout: Layout, state: States, before: States) -> States:
    """Fills ``before`` (elements,) uint8 for the steps of ``layout``; returns the states behind them, by
    rank.

    ``state`` (sequences,) uint8, changed in place. Indices become int64 by step: ``take`` wants nothing
    else.
    """
    part = index if layout.source is None else index[layout.source]
    by_step = np.empty(len(part), np.int64)
    by_step[layout.place] = part
    states = np.empty(len(part), np.uint8)
    at = 0
    for count in layout.active:
        end = at + count
        current = state[:count]
        states[at:end] = current
        now = by_step[at:end]
        now += current
        table.take(now, out=current, mode="clip")
        at = end
    if layout.source is None:
        states.take(layout.place, out=before)
    else:
        before[layout.source] = states[layout.place]
    return state
