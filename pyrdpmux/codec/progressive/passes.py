"""What a pass sends of quantized coefficients (MS-RDPEGFX 3.1.8.1.3, 3.2.8.1.5).

A pass at bit position p sends a coefficient without its p lowest bits: towards zero, so that the sign of what
has been sent is the coefficient's; LL3 towards minus infinity, so that what is left is never negative. Bit
positions differ by band and component; a pass adds them to the factors of quantization.

All arrays are (3, tiles, 4096) int16, Y, Cb and Cr: a component of a tile lies together.

INVARIANT: magnitudes are below 2^14, so negation and shifting back never overflow.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.progressive.block import ComponentQuantization
from pyrdpmux.codec.rfx.quant import Band, Plane

Positions = tuple[ComponentQuantization, ComponentQuantization, ComponentQuantization]


def coarse(coefficients: Plane, positions: Positions, bands: Sequence[Band]) -> Plane:
    """(3, k, 4096) int16: without their lowest bits, shifted down: what is sent."""
    result = np.empty_like(coefficients)
    for part, out, position in zip(coefficients, result, positions, strict=True):
        for name, columns in bands:
            shift = np.int16(getattr(position, name))
            band, short = part[:, columns], out[:, columns]
            if name == "ll3":
                np.right_shift(band, shift, out=short)
                continue
            # towards zero: add 2^shift - 1 to negative ones
            np.right_shift(band, np.int16(15), out=short)
            short &= (np.int16(1) << shift) - np.int16(1)
            short += band
            short >>= shift
    return result


def restored(sent: Plane, positions: Positions, bands: Sequence[Band]) -> Plane:
    """(3, k, 4096) int16: shifted up again: what the other side has."""
    result = np.empty_like(sent)
    for part, out, position in zip(sent, result, positions, strict=True):
        for name, columns in bands:
            np.left_shift(part[:, columns], np.int16(getattr(position, name)), out=out[:, columns])
    return result


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
