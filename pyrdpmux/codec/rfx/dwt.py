"""Three levels of the 5/3 wavelet (MS-RDPRFX 3.1.8.1.4, 3.1.8.2.4), all lanes at once.

::

    (64, 64, lanes) samples  <->  (4096, lanes) coefficients, sub-bands one after the other:

    rows 0     HL1  32x32     3072  HL2  16x16     3840  HL3  8x8     4032  LL3  8x8
         1024  LH1            3328  LH2            3904  LH3
         2048  HH1            3584  HH2            3968  HH3

HL is high horizontally and low vertically. A level transforms columns first and lines second; its inverse
lines first. Every operation is on slices whose last axis, the lanes, is contiguous.

INVARIANT: int16 throughout. Samples have 13 bits (five of fraction); a high band is half a difference, a low
one an average, so no coefficient of a picture needs more. Hostile coefficients wrap around.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.int16]

COEFFICIENTS: Final = 4096
LEVELS: Final = (32, 16, 8)
"""Width of a sub-band at each level."""

_ONE: Final = np.int16(1)


def band_offset(half: int) -> int:
    """Where the sub-bands of the level begin; they are followed by what the next level divides further."""
    return COEFFICIENTS - 4 * half * half


def forward(samples: Plane) -> Plane:
    """(4096, lanes) samples, line by line, to (4096, lanes) coefficients."""
    lanes = samples.shape[-1]
    result = np.empty((COEFFICIENTS, lanes), np.int16)
    low = samples.reshape(64, 64, lanes)
    for half in LEVELS:
        area = half * half
        bands = result[band_offset(half) :].reshape(4, half, half, lanes) if half == LEVELS[-1] else None
        upper, lower = _split(low, 0)
        place = band_offset(half)
        horizontal, vertical, diagonal = (
            result[place + i * area : place + (i + 1) * area].reshape(half, half, lanes) for i in range(3)
        )
        low = bands[3] if bands is not None else np.empty((half, half, lanes), np.int16)
        _split_into(upper, 1, low, horizontal)
        _split_into(lower, 1, vertical, diagonal)
    return result


def inverse(coefficients: Plane) -> Plane:
    """(4096, lanes) coefficients to (4096, lanes) samples."""
    lanes = coefficients.shape[-1]
    low = coefficients[COEFFICIENTS - 64 :].reshape(8, 8, lanes)
    for half in reversed(LEVELS):
        area, place = half * half, band_offset(half)
        horizontal, vertical, diagonal = (
            coefficients[place + i * area : place + (i + 1) * area].reshape(half, half, lanes)
            for i in range(3)
        )
        low = _merged(_merged(low, horizontal, 1), _merged(vertical, diagonal, 1), 0)
    return low.reshape(COEFFICIENTS, lanes)


def _split(samples: Plane, axis: int) -> tuple[Plane, Plane]:
    shape = list(samples.shape)
    shape[axis] //= 2
    low, high = np.empty(shape, np.int16), np.empty(shape, np.int16)
    _split_into(samples, axis, low, high)
    return low, high


def _split_into(samples: Plane, axis: int, low: Plane, high: Plane) -> None:
    """high[i] = (odd[i] - (even[i] + even[i + 1]) / 2) / 2; low[i] = even[i] + (high[i - 1] + high[i]) / 2.

    Beyond the ends, even[n] is even[n - 1] and high[-1] is high[0]: mirrored.
    """
    even, odd = _at(samples, axis, slice(0, None, 2)), _at(samples, axis, slice(1, None, 2))
    inner, last = slice(0, -1), slice(-1, None)
    head, tail, first = slice(0, -1), slice(1, None), slice(0, 1)
    mean = _at(high, axis, inner)
    np.add(_at(even, axis, head), _at(even, axis, tail), out=mean)
    mean >>= _ONE
    np.copyto(_at(high, axis, last), _at(even, axis, last))
    np.subtract(odd, high, out=high)
    high >>= _ONE
    mean = _at(low, axis, tail)
    np.add(_at(high, axis, head), _at(high, axis, tail), out=mean)
    mean >>= _ONE
    np.copyto(_at(low, axis, first), _at(high, axis, first))
    low += even


def _merged(low: Plane, high: Plane, axis: int) -> Plane:
    """even[i] = low[i] - (high[i-1] + high[i] + 1) / 2, odd[i] = 2 high[i] + (even[i] + even[i+1]) / 2."""
    shape = list(low.shape)
    shape[axis] *= 2
    result = np.empty(shape, np.int16)
    even, odd = _at(result, axis, slice(0, None, 2)), _at(result, axis, slice(1, None, 2))
    head, tail, first, last = slice(0, -1), slice(1, None), slice(0, 1), slice(-1, None)
    mean = np.empty_like(low)
    rest = _at(mean, axis, tail)
    np.add(_at(high, axis, head), _at(high, axis, tail), out=rest)
    rest += _ONE
    rest >>= _ONE
    np.copyto(_at(mean, axis, first), _at(high, axis, first))
    np.subtract(low, mean, out=even)
    rest = _at(mean, axis, head)
    np.add(_at(even, axis, head), _at(even, axis, tail), out=rest)
    rest >>= _ONE
    np.copyto(_at(mean, axis, last), _at(even, axis, last))
    np.add(high, high, out=odd)
    odd += mean
    return result


def _at(plane: Plane, axis: int, part: slice) -> Plane:
    return plane[part] if axis == 0 else plane[:, part]
