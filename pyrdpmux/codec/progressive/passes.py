"""What a pass sends of quantized coefficients (MS-RDPEGFX 3.1.8.1.3, 3.2.8.1.5).

A pass at bit position p sends a coefficient without its p lowest bits: towards zero, so that the sign of what
has been sent is the coefficient's; LL3 towards minus infinity, so that what is left is never negative. Bit
positions differ by band and component; a pass adds them to the factors of quantization.

All arrays are (4096, lanes) int16, equal parts of the lanes belonging to Y, Cb and Cr.

INVARIANT: magnitudes are below 2^14, so negation and shifting back never overflow.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.progressive.block import ComponentQuantization
from pyrdpmux.codec.rfx.quant import Band, Plane

Positions = tuple[ComponentQuantization, ComponentQuantization, ComponentQuantization]


def coarse(coefficients: Plane, positions: Positions, bands: Sequence[Band]) -> Plane:
    """Without their lowest bits, shifted down: what is sent."""
    result = np.empty_like(coefficients)
    for part, out, position in _components(coefficients, result, positions):
        for name, rows in bands:
            shift = np.int16(getattr(position, name))
            if name == "ll3":
                np.right_shift(part[rows], shift, out=out[rows])
                continue
            band = part[rows]
            # towards zero: add 2^shift - 1 to negative ones
            np.right_shift(band, np.int16(15), out=out[rows])
            out[rows] &= (np.int16(1) << shift) - np.int16(1)
            out[rows] += band
            out[rows] >>= shift
    return result


def restored(sent: Plane, positions: Positions, bands: Sequence[Band]) -> Plane:
    """Shifted up again: what the other side has."""
    result = np.empty_like(sent)
    for part, out, position in _components(sent, result, positions):
        for name, rows in bands:
            np.left_shift(part[rows], np.int16(getattr(position, name)), out=out[rows])
    return result


def _components(
    one: Plane, two: Plane, positions: Positions
) -> list[tuple[Plane, Plane, ComponentQuantization]]:
    lanes = one.shape[1] // 3
    slices = [slice(i * lanes, (i + 1) * lanes) for i in range(3)]
    return [(one[:, s], two[:, s], position) for s, position in zip(slices, positions, strict=True)]


def row_values(position: ComponentQuantization, bands: Sequence[Band]) -> NDArray[np.int16]:
    """(4096,) the bit position of each coefficient."""
    result = np.empty(bands[-1][1].stop, np.int16)
    for name, rows in bands:
        result[rows] = getattr(position, name)
    return result


def combined(quantization: ComponentQuantization, added: ComponentQuantization) -> ComponentQuantization:
    """The factors of a pass: what coefficients are shifted by in all."""
    pairs = zip(quantization.values(), added.values(), strict=True)
    return ComponentQuantization(*[one + two for one, two in pairs])
