"""The adaptation of RLGR1 and RLGR3 (MS-RDPRFX 3.1.8.1.7.3) as tables over whole events.

An *event* is a run of zeros and the value behind it. Of the two variables of state, kp (which makes k, the
width of run lengths) depends only on where zeros are; krp (which makes kr, the width of remainders) depends
only on the values coded. So two passes of one table look-up per event each do all that is sequential.

A value is coded in one of four ways:

=======  ==========================================================================================
RUN      k > 0: zero bits for whole runs, 1, the rest of the run in k bits, sign, code of |value| - 1
SINGLE   k = 0: code of 2 |value| - sign; in RLGR3 the sum with a zero in front of it
LEFT     RLGR3, k = 0: the first of a pair whose second half is the next event's
PAIR     RLGR3, k = 0: the second of such a pair
=======  ==========================================================================================

States are kp (0..80); in RLGR3, behind LEFT, kp (0..7) plus 81.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.rfx.rlgr_scan import StateTable

MAX_PARAMETER: Final = 80
PARAMETERS: Final = MAX_PARAMETER + 1
SHIFT: Final = 3
START: Final = 1 << SHIFT
"""Both variables begin at 8."""

UP_RUN: Final = 4
DOWN_RUN: Final = 6
STEP_SINGLE: Final = 3

COEFFICIENTS: Final = 4096
PENDING: Final = PARAMETERS
"""RLGR3: added to kp while half a pair is waiting."""
STATES: Final = PARAMETERS + START

MAX_CODED: Final = 4096
"""Coded values below this have entries; pictures' are at most twice two times 1023."""
MAX_ZEROS: Final = 4
"""Zero codes in front of a value: in RLGR1 at most three until k is 1, in RLGR3 two pairs."""

RUN, SINGLE, LEFT, PAIR = range(4)


class Mode(Enum):
    """Which variant; the numbers are those of the wire (CLW_ENTROPY_*)."""

    RLGR1 = 1
    RLGR3 = 4


Table = NDArray[Any]


@dataclass(frozen=True)
class RunTables:
    """(zeros, state) to what becomes of an event; all flat, index ``zeros * STATES + state``."""

    #: the state behind it
    following: Table
    #: zeros coded as values in front of it (in RLGR3: pairs of them)
    singles: Table
    #: zero bits for whole runs
    whole: Table
    #: k at the end, and what is left of the run, for RUN
    k: Table
    rest: Table
    kind: Table


@cache
def run_tables(mode: Mode) -> RunTables:
    """Filled from the highest state down: a step that consumes zeros leads to a higher one."""
    shape = (COEFFICIENTS + 1, STATES)
    tables = RunTables(
        *(np.zeros(shape, dtype) for dtype in (np.uint8, np.uint8, np.uint8, np.uint8, np.int16, np.uint8))
    )
    for state in range(MAX_PARAMETER, START - 1, -1):
        _fill_run(tables, state)
    fill = _fill_single if mode is Mode.RLGR1 else _fill_pair
    for state in range(START - 1, -1, -1):
        fill(tables, state)
    if mode is Mode.RLGR3:
        for state in range(START):
            _fill_pending(tables, state)
    return RunTables(*(table.reshape(-1) for table in vars(tables).values()))


def _fill_run(tables: RunTables, state: int) -> None:
    k = state >> SHIFT
    size = 1 << k
    zeros = np.arange(COEFFICIENTS + 1)
    tables.following[:, state] = max(0, state - DOWN_RUN)
    tables.k[:, state] = k
    tables.kind[:, state] = RUN
    if state == MAX_PARAMETER:
        tables.whole[:, state] = zeros >> k
        tables.rest[:, state] = zeros & (size - 1)
        return
    tables.rest[:, state] = zeros
    _copy_shifted(tables, state, min(MAX_PARAMETER, state + UP_RUN), size)
    tables.whole[size:, state] += 1


def _copy_shifted(tables: RunTables, state: int, source: int, zeros: int) -> None:
    """From ``zeros`` on, an event is what it is in another state with that many zeros less."""
    for table in vars(tables).values():
        table[zeros:, state] = table[: len(table) - zeros, source]


def _fill_single(tables: RunTables, state: int) -> None:
    tables.following[0, state] = max(0, state - STEP_SINGLE)
    tables.kind[0, state] = SINGLE
    _copy_shifted(tables, state, state + STEP_SINGLE, 1)
    tables.singles[1:, state] += 1


def _fill_pair(tables: RunTables, state: int) -> None:
    tables.following[0, state] = PENDING + state
    tables.kind[0, state] = LEFT
    tables.following[1, state] = state
    tables.kind[1, state] = SINGLE
    _copy_shifted(tables, state, state + 2 * STEP_SINGLE, 2)
    tables.singles[2:, state] += 1


def _fill_pending(tables: RunTables, state: int) -> None:
    tables.following[0, PENDING + state] = max(0, state - 2 * STEP_SINGLE)
    tables.kind[0, PENDING + state] = PAIR
    _copy_shifted(tables, PENDING + state, state, 1)


# What emission needs of an event, in one word: the prefix of a run (1, rest, and the sign as if it were
# negative) and its width, the zero bits for whole runs, the zeros coded singly, the kind.
PREFIX_MASK: Final = 0xFFF
WIDTH_SHIFT: Final = 12
WIDTH_MASK: Final = 0xF
WHOLE_SHIFT: Final = 16
WHOLE_MASK: Final = 0x7F
SINGLES_SHIFT: Final = 23
SINGLES_MASK: Final = 0x3
KIND_SHIFT: Final = 25


@cache
def packed_runs(mode: Mode) -> Table:
    """(zeros, state) to all of :class:`RunTables` but the next state; flat int32."""
    tables = run_tables(mode)
    k = tables.k.astype(np.int32)
    word: Table = np.where(tables.kind == RUN, ((1 << k) | tables.rest) << 1 | 1, 0)
    word |= np.where(tables.kind == RUN, k + 2, 0) << WIDTH_SHIFT
    word |= tables.whole.astype(np.int32) << WHOLE_SHIFT
    word |= tables.singles.astype(np.int32) << SINGLES_SHIFT
    word |= tables.kind.astype(np.int32) << KIND_SHIFT
    return word.astype(np.int32)


@cache
def following_kp(mode: Mode) -> StateTable:
    """(zeros, state) to the state behind them."""
    return StateTable(run_tables(mode).following)


@cache
def value_table() -> StateTable:
    """(zero codes in front, coded value, krp) to krp behind it."""
    krp = np.arange(PARAMETERS)
    zeros = np.maximum(0, krp - 2 * np.arange(MAX_ZEROS)[:, None])[:, None, :]
    quotient = np.arange(MAX_CODED)[:, None] >> (zeros >> SHIFT)
    change = np.where(quotient == 0, -2, np.where(quotient == 1, 0, quotient))
    return StateTable(np.clip(zeros + change, 0, MAX_PARAMETER))


# What emission needs of zero codes: the bits that they take, and above, where value_codes has those of kr.
GAP_MASK: Final = 0xFF
CODES_SHIFT: Final = 8
TABLED: Final = 64
"""Coded values below this have their codes in a table."""
CODE_WIDTH_SHIFT: Final = 48
MAX_TABLED_WIDTH: Final = 21
"""Of a code that is taken from the table: with a prefix of up to 12 bits, the packer takes it at once."""


@cache
def zero_codes() -> Table:
    """(zero codes in front, krp) to their bits, and TABLED times the kr behind them; flat int32."""
    krp = np.arange(PARAMETERS)
    steps = [np.maximum(0, krp - 2 * i) >> SHIFT for i in range(MAX_ZEROS)]
    widths = np.cumsum([np.zeros_like(krp), *[1 + step for step in steps[:-1]]], axis=0)
    word: Table = widths | (np.array(steps) * TABLED) << CODES_SHIFT
    return word.astype(np.int32).reshape(-1)


@cache
def value_codes() -> Table:
    """(kr, coded value below TABLED) to its code, ones and remainder, and its width; flat int64.

    Of those wider than MAX_TABLED_WIDTH, only the width is right.
    """
    kr = np.arange((MAX_PARAMETER >> SHIFT) + 1)[:, None]
    coded = np.arange(TABLED)
    ones = coded >> kr
    code = ((np.int64(1) << np.minimum(ones, MAX_TABLED_WIDTH)) - 1) << (kr + 1) | (coded - (ones << kr))
    word: Table = code | (ones + kr + 1) << CODE_WIDTH_SHIFT
    return word.reshape(-1)
