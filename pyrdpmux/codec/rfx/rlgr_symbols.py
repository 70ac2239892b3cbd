"""What RLGR codes: events, and the symbols that they become (MS-RDPRFX 3.1.8.1.7.3).

An *event* is a run of zeros and the value behind it; the last event of each stream has only zeros. A *symbol*
is what is coded with kr: in RLGR1 each event is one, while RLGR3 codes pairs of values.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.rfx.rlgr_scan import States
from pyrdpmux.codec.rfx.rlgr_tables import (
    COEFFICIENTS,
    KIND_SHIFT,
    LEFT,
    MAX_CODED,
    PAIR,
    PENDING,
    RUN,
    SINGLE,
    SINGLES_MASK,
    SINGLES_SHIFT,
    Mode,
    packed_runs,
)

Numbers = NDArray[np.int64]
Words = NDArray[np.int32]

_BIT_LENGTH: Final = np.array([number.bit_length() for number in range(MAX_CODED)], np.int32)

_CHUNK: Final = 1 << 15
"""Events that are looked at together: so many stay in the cache."""


@dataclass(frozen=True, slots=True)
class Events:
    """``lengths[s]`` events of each stream, in order; the last of each has value 0, and only it.

    ``lengths`` (streams,) int64 sums up to the events; ``zeros`` (events,) int32, 0 to 4096 in front of
    each value; ``value`` (events,) int32.
    """

    lengths: Numbers
    zeros: Words
    value: Words

    @classmethod
    def of(cls, rows: NDArray[Any]) -> "Events":
        """The events of the rows of a (streams, 4096) array of any signed integers."""
        marked = np.ones((len(rows), COEFFICIENTS + 1), np.bool_)
        np.not_equal(rows, 0, out=marked[:, :-1])
        stream, position = np.nonzero(marked)
        zeros = np.diff(position, prepend=-1) - 1
        first = np.flatnonzero(np.diff(stream, prepend=-1))
        zeros[first] = position[first]
        values = np.pad(rows, ((0, 0), (0, 1)))[stream, position]
        return cls(marked.sum(axis=1, dtype=np.int64), zeros.astype(np.int32), values.astype(np.int32))

    @classmethod
    def joined(cls, parts: "list[Events]") -> "Events":
        """All streams of ``parts``, one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([part.zeros for part in parts]),
            np.concatenate([part.value for part in parts]),
        )


@dataclass(frozen=True, slots=True)
class Symbols:
    """What is coded with kr, ``lengths[s]`` of each stream, in order.

    ``lengths`` (streams,) int64; ``silent`` (at most streams,) int64, ascending indices of symbols; all
    others (symbols,) int32.
    """

    lengths: Numbers
    #: what precedes the code: a word of ``packed_runs``, or zeros coded singly alone
    run: Words
    value: Words
    coded: Words
    #: which have no value behind their zeros
    silent: Numbers
    #: RLGR3: the first value of a pair, and its width
    first: Words | None = None
    first_width: Words | None = None


def symbols(events: Events, states: States, index: Words, mode: Mode) -> list[Symbols]:
    """Of some streams in each; all together, they would take twice the time.

    ``states`` (events,) uint8 are those in front of each event, ``index`` (events,) int32 is that into
    ``packed_runs``.
    """
    make = _symbols_of_events if mode is Mode.RLGR1 else _pairs
    runs = packed_runs(mode)
    result: list[Symbols] = []
    for streams, part in _chunks(events.lengths):
        some = Events(events.lengths[streams], events.zeros[part], events.value[part])
        result.append(make(some, states[part], runs.take(index[part])))
    return result


def _symbols_of_events(events: Events, states: States, run: Words) -> Symbols:
    """RLGR1: each event is a symbol. ``run`` (events,) int32, a word of ``packed_runs`` each."""
    tails = np.cumsum(events.lengths) - 1
    return Symbols(events.lengths, run, events.value, _coded(events.value, run), tails)


def _coded(value: Words, run: Words) -> Words:
    """|value| - 1 behind a run, 2 |value| - sign elsewhere; 0 where there is no value.

    All (k,) int32; at most twice MAX_VALUE.
    """
    coded = _doubled(value)
    # behind a run: half of it is |value| - 1 or, for positive ones, |value|
    halved: Words = np.abs(value)
    halved -= value != 0
    is_run = run >> KIND_SHIFT == RUN
    np.copyto(coded, halved, where=is_run)
    return coded


def _doubled(value: Words) -> Words:
    """(k,) 2 |value| - sign."""
    result: Words = np.abs(value)
    result <<= 1
    result += value >> 31
    return result


def _chunks(lengths: Numbers) -> Iterator[tuple[slice, slice]]:
    """Streams of ``lengths`` (streams,) that have _CHUNK events together, or one; and their events."""
    ends = np.cumsum(lengths)
    stream = start = 0
    while stream < len(ends):
        last = max(stream + 1, int(np.searchsorted(ends, start + _CHUNK, side="right")))
        end = int(ends[last - 1])
        yield slice(stream, last), slice(start, end)
        stream, start = last, end


def _pairs(events: Events, state: States, run: Words) -> Symbols:
    """RLGR3: an event ends with its own symbol unless it leaves half a pair, to be completed by the next.

    So an event has up to two symbols: the rest of the last event's pair with a zero, and its own.
    ``state`` (events,) uint8 is that in front of it, ``run`` (events,) int32 a word of ``packed_runs``. A
    pair's ``coded`` is the sum of both, at most 4 * 1023.
    """
    kind = (run >> KIND_SHIFT).astype(np.uint8)
    is_pair = kind == PAIR
    tails = np.cumsum(events.lengths) - 1
    alone = events.zeros > 0
    alone[tails] = True
    alone &= state >= PENDING
    own = kind != LEFT
    own[tails] = ~is_pair[tails]
    counts = alone.astype(np.int64)
    counts += own
    behind = np.cumsum(counts)
    previous = _behind_none(_doubled(events.value))
    # Zeros in front of half a pair are in front of the whole of it.
    carried = run & (SINGLES_MASK << SINGLES_SHIFT)
    carried *= kind == LEFT
    pair_run = _behind_none(carried)
    pair_run |= SINGLE << KIND_SHIFT

    source = np.repeat(np.arange(len(run)), counts)
    at, event = (behind - counts)[alone], np.flatnonzero(alone)
    runs = np.where(is_pair, pair_run, run).take(source)
    runs[at] = pair_run[event]
    first = (previous * is_pair).take(source)
    first[at] = previous[event]
    coded = _coded(events.value, run).take(source)
    coded[at] = 0
    coded += first
    first_width = _BIT_LENGTH.take(coded)
    first_width[runs >> KIND_SHIFT == RUN] = 0
    # A tail's lone zero is coded as a pair of them, the second beyond the end.
    silent = behind[tails[own[tails] & (kind[tails] != SINGLE)]] - 1
    lengths = np.diff(behind[tails], prepend=0)
    return Symbols(lengths, runs, events.value.take(source), coded, silent, first, first_width)


def _behind_none(values: Words) -> Words:
    """(k,) the value before each of ``values`` (k,), 0 before the first."""
    result = np.empty_like(values)
    result[:1] = 0
    result[1:] = values[:-1]
    return result
