"""RLGR1 and RLGR3 decoding (MS-RDPRFX 3.1.8.1.7.3).

Inherently sequential, hence a loop over values; tables of the next 11 bits keep a step at two look-ups. The
bits that follow each position are made in advance, so that a step shifts nothing. A row of a table belongs to
one kp or krp; an entry is (bits consumed, result, next kp or krp), with 0 bits where 11 do not suffice:

RUNS     kp >= 8: zeros up to a value
SIGNED   the sign and code of a value behind a run
SINGLE   kp < 8: the code alone

The loop only collects zeros and values; positions are made of them for all streams at once.

Hostile input: a step consumes a bit or more, so work is bounded by the input; the output has the size of the
coefficients, and what lies beyond them is dropped. Streams may end early: the rest is zero, as FreeRDP has
it, whose own encoder relies on that; nothing in a stream of bits is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.rfx.rlgr_tables import (
    COEFFICIENTS,
    DOWN_RUN,
    MAX_PARAMETER,
    PARAMETERS,
    SHIFT,
    START,
    STEP_SINGLE,
    UP_RUN,
    Mode,
)

PEEK: Final = 11
_MASK: Final = (1 << PEEK) - 1
_SPAN: Final = 24
"""Bits of three bytes, which hold those that follow any position of the first."""
_LARGEST: Final = 0x7FFF
_PAIR_STEPS: Final = (2 * STEP_SINGLE, 0, -2 * STEP_SINGLE)
"""RLGR3: what a pair with so many values other than zero does to kp."""

Entry = tuple[int, int, int]
Rows = list[list[Entry]]
_LONG: Final[Entry] = (0, 0, 0)


@dataclass(frozen=True)
class _Tables:
    runs: Rows
    signed: Rows
    single: Rows


@cache
def _tables(mode: Mode) -> _Tables:
    return _Tables(
        [_run_row(kp) for kp in range(PARAMETERS)],
        [_value_row(krp, signed=True, double=False) for krp in range(PARAMETERS)],
        [_value_row(krp, signed=False, double=mode is Mode.RLGR1) for krp in range(PARAMETERS)],
    )


def _run_row(kp: int) -> list[Entry]:
    """The longest prefixes of zeros first: that is the order of the bits' numbers."""
    if kp < START:
        return []
    row: list[Entry] = []
    run, after = 0, kp
    for whole in range(PEEK):
        k = after >> SHIFT
        span = PEEK - whole - 1 - k
        # The value that follows lowers kp again.
        following = max(0, after - DOWN_RUN)
        if span >= 0:
            part = [(PEEK - span, run + rest, following) for rest in range(1 << k) for _ in range(1 << span)]
        else:
            part = [_LONG] * (1 << (PEEK - whole - 1))
        row = part + row
        run += 1 << k
        after = min(MAX_PARAMETER, after + UP_RUN)
    return [_LONG, *row]


def _value_row(krp: int, *, signed: bool, double: bool) -> list[Entry]:
    """Codes behind a sign; or codes alone, of twice the magnitude less the sign (or of that of a pair)."""
    kr = krp >> SHIFT
    signs = (1, -1) if signed else (1,)
    peek = PEEK - signed
    row: list[Entry] = []
    for sign in signs:
        for ones in range(peek + 1):
            span = peek - ones - 1 - kr
            if span < 0:
                row += [_LONG] * (1 << (peek - ones))
                break
            following = _next(krp, ones)
            for code in range(ones << kr, (ones + 1) << kr):
                value = sign * (code + 1) if signed else _undoubled(code) if double else code
                row += [(PEEK - span, value, following)] * (1 << span)
    return row


def _next(krp: int, ones: int) -> int:
    return max(0, min(MAX_PARAMETER, krp + (-2 if not ones else 0 if ones == 1 else ones)))


def _undoubled(double: int) -> int:
    """The value of 2 * magnitude - sign."""
    return -((double + 1) >> 1) if double & 1 else double >> 1


class _Bits:
    """A stream's bits: what follows each position, up to ``end``; zeros behind it."""

    def __init__(self, data: bytes) -> None:
        self.end = len(data) * 8
        padded = np.zeros(len(data) + 8, np.int32)
        padded[: len(data)] = np.frombuffer(data, np.uint8)
        three = padded[:-2] << 16
        three |= padded[1:-1] << 8
        three |= padded[2:]
        peeks = three[:, None] >> np.arange(_SPAN - PEEK, _SPAN - PEEK - 8, -1, dtype=np.int32)
        peeks &= _MASK
        self.peeks = peeks.astype(np.uint16).reshape(-1).data

    def count(self, at: int, flip: int) -> int:
        """How many bits from ``at`` on are 0, or 1 with ``flip``; at most up to the end."""
        begin = at
        while at < self.end:
            width = (self.peeks[at] ^ flip).bit_length()
            at += PEEK - width
            if width:
                break
        return min(at, self.end) - begin

    def bits(self, at: int, count: int) -> int:
        """At most 11 bits."""
        return self.peeks[at] >> (PEEK - count) if at < self.end else 0

    def wide(self, at: int, count: int) -> int:
        """At most 22 bits."""
        low = max(0, count - PEEK)
        return self.bits(at, count - low) << low | self.bits(at + PEEK, low)

    def code(self, at: int, krp: int) -> tuple[int, int, int]:
        """A Golomb-Rice code of any length: where it ends, maybe behind the end, its value, the next krp."""
        kr = krp >> SHIFT
        ones = self.count(at, _MASK)
        at += ones + 1
        return at + kr, min(_LARGEST, ones << kr | self.bits(at, kr)), _next(krp, ones)

    def run(self, at: int, kp: int) -> tuple[int, int, int]:
        """A run of any length: where it ends, maybe behind the end, its zeros, the next kp."""
        whole = self.count(at, 0)
        at += whole + 1
        run = 0
        for _ in range(whole):
            run += 1 << (kp >> SHIFT)
            kp = min(MAX_PARAMETER, kp + UP_RUN)
            if run > COEFFICIENTS:  # all that follows lies beyond the coefficients
                return self.end + 1, 0, 0
        k = kp >> SHIFT
        return at + k, run + self.bits(at, k), max(0, kp - DOWN_RUN)

    def signed(self, at: int, krp: int) -> tuple[int, int, int]:
        """A sign and a code of any length."""
        negative = self.bits(at, 1)
        at, code, krp = self.code(at + 1, krp)
        value = min(_LARGEST, code + 1)
        return at, -value if negative else value, krp


def decode(streams: Sequence[bytes], mode: Mode) -> NDArray[np.int16]:
    """(4096, streams) int16 coefficients, zero where a stream is over; values are within +-0x7FFF."""
    tables = _tables(mode)
    zeros: list[int] = []
    values: list[int] = []
    counts = []
    for data in streams:
        before = len(values)
        if data:
            if mode is Mode.RLGR1:
                _read_singles(_Bits(data), tables, zeros, values)
            else:
                _read_pairs(_Bits(data), tables, zeros, values)
        counts.append(len(values) - before)
    return _placed(np.array(zeros, np.int64), np.array(values, np.int64), np.array(counts, np.int64))


def _placed(
    zeros: NDArray[np.int64], values: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.int16]:
    """(4096, streams) int16. ``zeros`` and ``values`` (k,) are those of all streams in a row, ``counts``
    (streams,).

    What lies beyond a stream's 4096 coefficients is dropped. Sums of zeros are int64: there are fewer
    values than bits of input, each behind a run of a few thousand.
    """
    planes = np.zeros((COEFFICIENTS, len(counts)), np.int16)
    behind = np.cumsum(zeros + 1)
    ends = np.cumsum(counts)
    base = np.concatenate([[0], behind])[ends - counts]
    position = behind - 1 - np.repeat(base, counts)
    lane = np.repeat(np.arange(len(counts)), counts)
    inside = np.flatnonzero((position < COEFFICIENTS) & (values != 0))
    planes[position[inside], lane[inside]] = values[inside]
    return planes


def _read_singles(bits: _Bits, tables: _Tables, zeros: list[int], values: list[int]) -> None:
    """RLGR1. Appends as many zeros as values."""
    runs, signed, single = tables.runs, tables.signed, tables.single
    add_zeros, add_value, peeks, end = zeros.append, values.append, bits.peeks, bits.end
    at, kp, krp = 0, START, START
    single_zeros = 0
    while at < end:
        if kp >= START:
            used, run, kp_after = runs[kp][peeks[at]]
            if used:
                at += used
            else:
                at, run, kp_after = bits.run(at, kp)
            if at >= end:
                return  # cut off, or the run at the end
            kp = kp_after
            used, value, krp_after = signed[krp][peeks[at]]
            if used:
                at += used
                krp = krp_after
            else:
                at, value, krp = bits.signed(at, krp)
        else:
            run = 0
            used, value, krp_after = single[krp][peeks[at]]
            if used:
                at += used
                krp = krp_after
            else:
                at, code, krp = bits.code(at, krp)
                value = _undoubled(code)
            if not value:
                single_zeros += 1
                kp += STEP_SINGLE
                continue
            kp = max(0, kp - STEP_SINGLE)
        add_zeros(run + single_zeros)
        add_value(value)
        single_zeros = 0
    if at > end and not single_zeros:  # the last value is cut off
        zeros.pop()
        values.pop()


def _read_pairs(bits: _Bits, tables: _Tables, zeros: list[int], values: list[int]) -> None:
    """RLGR3. Appends as many zeros as values."""
    runs, signed, single, peeks, end = tables.runs, tables.signed, tables.single, bits.peeks, bits.end
    at, kp, krp = 0, START, START
    while at < end:
        if kp >= START:
            used, run, kp_after = runs[kp][peeks[at]]
            if used:
                at += used
            else:
                at, run, kp_after = bits.run(at, kp)
            if at >= end:
                return
            kp = kp_after
            used, value, krp_after = signed[krp][peeks[at]]
            if used:
                at += used
                krp = krp_after
            else:
                at, value, krp = bits.signed(at, krp)
            if at <= end:
                zeros.append(run)
                values.append(value)
            continue
        used, total, krp_after = single[krp][peeks[at]]
        if used:
            at += used
            krp = krp_after
        else:
            at, total, krp = bits.code(at, krp)
        width = total.bit_length()
        if at + width > end:
            return
        one = bits.wide(at, width)
        at += width
        two = max(0, total - one)
        zeros += (0, 0)
        values += (_undoubled(one), _undoubled(two))
        kp = max(0, kp + _PAIR_STEPS[bool(one) + bool(two)])
