"""The Reduce-Extrapolate wavelet (MS-RDPEGFX 3.2.8.1.2.2, 3.3.8.2.2), all lanes at once.

::

    (64, 64, lanes) samples  <->  (4096, lanes) coefficients, sub-bands (lines x columns) one after the other:

    rows 0     HL1  33x31     3007  HL2  17x16     3807  HL3  9x8     4015  LL3  9x9
         1023  LH1  31x33     3279  LH2  16x17     3879  LH3  8x9
         2046  HH1  31x31     3551  HH2  16x16     3951  HH3  8x8

A 65th sample continues the line through the last two. So every level has an odd number of samples, low bands
one more than high ones, and mirroring happens only at low values; the first level's 32nd high one is zero.

INVARIANT: the 65th sample is up to three times any, and the corner nine times, as on a checkerboard of black
and white; the latter is limited so that the first level fits int16. A low band has up to one and a half times
its samples: sums of two fit int16 no more, so the other levels, a quarter of all, are int32.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.rfx.dwt import COEFFICIENTS, Plane
from pyrdpmux.codec.rfx.quant import Band

Values = NDArray[Any]
"""int16 at the first level, int32 at the others."""

SIDE: Final = 64
LEVELS: Final = ((33, 31), (17, 16), (9, 8))
"""Low and high values of a line, per level."""

LARGEST: Final = (1 << 14) - 1
"""Of an extrapolated sample: the sum of two still fits. Four times the darkest or brightest pixel."""
_ONE: Final = np.int16(1)


def _bands() -> tuple[Band, ...]:
    bands: list[Band] = []
    at = 0
    for level, (low, high) in enumerate(LEVELS, 1):
        for name, size in (("hl", low * high), ("lh", high * low), ("hh", high * high)):
            bands.append((f"{name}{level}", slice(at, at + size)))
            at += size
    bands.append(("ll3", slice(at, COEFFICIENTS)))
    return tuple(bands)


BANDS: Final = _bands()
"""As :data:`pyrdpmux.codec.rfx.quant.BANDS`."""


def forward(samples: Plane) -> Plane:
    """(4096, lanes) samples, line by line, to (4096, lanes) coefficients."""
    lanes = samples.shape[-1]
    result = np.empty((COEFFICIENTS, lanes), np.int16)
    low_band: Values = samples.reshape(SIDE, SIDE, lanes)
    for level, (low, high) in enumerate(LEVELS):
        if level == 1:
            low_band = low_band.astype(np.int32)
        upper, lower = _split(low_band, 0, high)
        places = [result[rows] for _, rows in BANDS[3 * level : 3 * level + 3]]
        if level:
            low_band, horizontal = _split(upper, 1, high)
            vertical, diagonal = _split(lower, 1, high)
            for place, band in zip(places, (horizontal, vertical, diagonal), strict=True):
                place[...] = _limited(band).reshape(-1, lanes)
        else:
            # Three quarters of all: they have their type already, and two of them go to their places at once.
            low_band, _ = _split(upper, 1, high, places[0].reshape(low, high, lanes))
            vertical, _ = _split(lower, 1, high, places[2].reshape(high, high, lanes))
            places[1][...] = vertical.reshape(-1, lanes)
        assert low_band.shape[:2] == (low, low)
    result[BANDS[-1][1]] = _limited(low_band).reshape(-1, lanes)
    return result


def inverse(coefficients: Plane) -> Plane:
    """(4096, lanes) coefficients to (4096, lanes) samples."""
    lanes = coefficients.shape[-1]
    low_band: Values = coefficients[BANDS[-1][1]].reshape(LEVELS[-1][0], LEVELS[-1][0], lanes)
    low_band = low_band.astype(np.int32)
    for level in range(len(LEVELS) - 1, -1, -1):
        low, high = LEVELS[level]
        shapes = ((low, high), (high, low), (high, high))
        horizontal, vertical, diagonal = (
            coefficients[rows].reshape(*shape, lanes).astype(low_band.dtype, copy=False)
            for shape, (_, rows) in zip(shapes, BANDS[3 * level :], strict=False)
        )
        low_band = _merged(_merged(low_band, horizontal, 1), _merged(vertical, diagonal, 1), 0)
        if level == 1:
            low_band = _limited(low_band)
    return np.ascontiguousarray(low_band).reshape(COEFFICIENTS, lanes)


def _limited(values: Values) -> Plane:
    """As int16, which is what the first level is computed in."""
    if values.dtype == np.int16:
        return values
    result: Plane = np.clip(values, -0x7FFF, 0x7FFF).astype(np.int16)
    return result


def _split(samples: Values, axis: int, high_count: int, out: Values | None = None) -> tuple[Values, Values]:
    """high[i] = (odd[i] - (even[i] + even[i+1]) / 2) / 2; low[i] = even[i] + (high[i-1] + high[i]) / 2.

    High values go to ``out``, if given. At the ends, where one of the two high values is missing, it is the
    other one; beyond an extrapolated sample it is zero.
    """
    even, odd = _at(samples, axis, slice(0, None, 2)), _at(samples, axis, slice(1, None, 2))
    extrapolated = samples.shape[axis] % 2 == 0
    inner = slice(0, high_count)
    high = np.add(_at(even, axis, inner), _at(even, axis, slice(1, high_count + 1)), out=out)
    high >>= _ONE
    np.subtract(_at(odd, axis, inner), high, out=high)
    high >>= _ONE
    shape = list(samples.shape)
    shape[axis] = samples.shape[axis] // 2 + 1
    low = np.empty(shape, samples.dtype)
    body = _at(low, axis, slice(1, high_count))
    np.add(_at(high, axis, slice(0, -1)), _at(high, axis, slice(1, None)), out=body)
    body >>= _ONE
    np.copyto(_at(low, axis, slice(0, 1)), _at(high, axis, slice(0, 1)))
    last = _at(low, axis, slice(high_count, high_count + 1))
    last_high = _at(high, axis, slice(-1, None))
    if not extrapolated:
        np.copyto(last, last_high)
        low += even
        return low, high
    np.right_shift(last_high, _ONE, out=last)
    _at(low, axis, slice(0, -1))[...] += even
    # on with the slope of the last two
    final = 2 * _at(odd, axis, slice(-1, None)).astype(np.int32) - _at(even, axis, slice(-1, None))
    _at(low, axis, slice(-1, None))[...] = np.clip(final, -LARGEST, LARGEST)
    return low, high


def _merged(low: Values, high: Values, axis: int) -> Values:
    """even[i] = low[i] - (high[i-1] + high[i] + 1) / 2; odd[i] = 2 high[i] + (even[i] + even[i+1]) / 2."""
    count = high.shape[axis]
    extrapolated = low.shape[axis] == count + 2
    mean = np.empty_like(low)
    body = _at(mean, axis, slice(1, count))
    np.add(_at(high, axis, slice(0, -1)), _at(high, axis, slice(1, None)), out=body)
    body += _ONE
    body >>= _ONE
    np.copyto(_at(mean, axis, slice(0, 1)), _at(high, axis, slice(0, 1)))
    last, last_high = _at(mean, axis, slice(count, count + 1)), _at(high, axis, slice(-1, None))
    if extrapolated:
        np.right_shift(last_high + _ONE, _ONE, out=last)
        _at(mean, axis, slice(-1, None))[...] = 0
    else:
        np.copyto(last, last_high)
    shape = list(low.shape)
    shape[axis] = SIDE if extrapolated else 2 * count + 1
    result = np.empty(shape, low.dtype)
    np.subtract(low, mean, out=mean)
    even = mean
    odd = _at(result, axis, slice(1, None, 2))
    places = _at(result, axis, slice(0, None, 2))
    np.copyto(places, _at(even, axis, slice(0, places.shape[axis])))
    neighbors = odd.shape[axis]
    np.add(_at(even, axis, slice(0, neighbors)), _at(even, axis, slice(1, neighbors + 1)), out=odd)
    odd >>= _ONE
    part = _at(odd, axis, slice(0, count))
    part += high
    part += high
    return result


def _at(plane: Values, axis: int, part: slice) -> Values:
    return plane[part] if axis == 0 else plane[:, part]
