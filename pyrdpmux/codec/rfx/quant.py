"""Quantization of wavelet coefficients (MS-RDPRFX 3.1.8.1.5, 3.1.8.2.3), order of sub-bands (3.1.8.1.6).

A factor q of 6 to 15 stands for a step of 2^(q - 6), that is, a shift; coefficients carry five fraction bits,
which go in the same shift:

    quantized = (coefficient + 2^(q - 2)) >> (q - 1)        coefficient = quantized << (q - 1)

INVARIANT: int16: coefficients of pictures have 13 bits, and half a step is at most 2^13.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.wire import Reader, Writer

Plane = NDArray[np.int16]

MIN_FACTOR: Final = 6
MAX_FACTOR: Final = 15

Band = tuple[str, slice]
"""A sub-band's name, and its coefficients."""


class Factors(Protocol):
    """A factor per sub-band, by name; wire structures differ in their order."""

    @property
    def ll3(self) -> int: ...


# In the order of the stream.
BANDS: Final[tuple[Band, ...]] = (
    ("hl1", slice(0, 1024)),
    ("lh1", slice(1024, 2048)),
    ("hh1", slice(2048, 3072)),
    ("hl2", slice(3072, 3328)),
    ("lh2", slice(3328, 3584)),
    ("hh2", slice(3584, 3840)),
    ("hl3", slice(3840, 3904)),
    ("lh3", slice(3904, 3968)),
    ("hh3", slice(3968, 4032)),
    ("ll3", slice(4032, 4096)),
)


@dataclass(frozen=True, slots=True)
class Quantization:
    """MS-RDPRFX 2.2.2.1.5 TS_RFX_CODEC_QUANT: a factor per sub-band."""

    ll3: int = 6
    lh3: int = 6
    hl3: int = 6
    hh3: int = 6
    lh2: int = 7
    hl2: int = 7
    hh2: int = 8
    lh1: int = 8
    hl1: int = 8
    hh1: int = 9

    @classmethod
    def read(cls, r: Reader) -> Self:
        factors: list[int] = []
        for field in ("LL3", "HL3", "LH2", "HH2", "HL1"):  # the lower half of each byte
            pair = r.u8(field)
            factors += (pair & 15, pair >> 4)
            if min(factors) < MIN_FACTOR:
                raise r.error(field, f"factor {min(factors)}, expected {MIN_FACTOR} to {MAX_FACTOR}")
        return cls(*factors)

    def write(self, w: Writer) -> None:
        for field, low, high in (
            ("LL3", self.ll3, self.lh3),
            ("HL3", self.hl3, self.hh3),
            ("LH2", self.lh2, self.hl2),
            ("HH2", self.hh2, self.lh1),
            ("HL1", self.hl1, self.hh1),
        ):
            if not (MIN_FACTOR <= low <= MAX_FACTOR and MIN_FACTOR <= high <= MAX_FACTOR):
                raise w.error(field, f"factors {low} and {high}, expected {MIN_FACTOR} to {MAX_FACTOR}")
            w.u8(field, low | high << 4)


DEFAULT: Final = Quantization()
"""What Windows and FreeRDP send: 38 to 45 dB on photographs."""


def quantize(coefficients: Plane, quantizations: Sequence[Factors], bands: Sequence[Band] = BANDS) -> Plane:
    """In place: (4096, lanes), of which equal parts belong to each of ``quantizations``; LL3 differential."""
    return to_differences(rounded(coefficients, quantizations, bands), bands)


def rounded(coefficients: Plane, quantizations: Sequence[Factors], bands: Sequence[Band] = BANDS) -> Plane:
    """The same, without differences."""
    for part, quantization in _parts(coefficients, quantizations):
        for (_, rows), shift in zip(bands, shifts(quantization, bands), strict=True):
            band = part[rows]
            band += np.int16(1 << (shift - 1))
            band >>= np.int16(shift)
    return coefficients


def to_differences(coefficients: Plane, bands: Sequence[Band] = BANDS) -> Plane:
    """In place: each value of LL3 less the one before."""
    last = coefficients[bands[-1][1]]
    last[1:] -= last[:-1].copy()
    return coefficients


def from_differences(coefficients: Plane, bands: Sequence[Band] = BANDS) -> Plane:
    """In place, the inverse."""
    last = coefficients[bands[-1][1]]
    np.cumsum(last, axis=0, dtype=np.int16, out=last)
    return coefficients


def dequantize(coefficients: Plane, quantizations: Sequence[Factors], bands: Sequence[Band] = BANDS) -> Plane:
    """The inverse of :func:`quantize`, in place."""
    from_differences(coefficients, bands)
    for part, quantization in _parts(coefficients, quantizations):
        for (_, rows), shift in zip(bands, shifts(quantization, bands), strict=True):
            part[rows] <<= np.int16(shift)
    return coefficients


def shifts(quantization: Factors, bands: Sequence[Band] = BANDS) -> tuple[int, ...]:
    """What each band is shifted by."""
    return tuple([getattr(quantization, name) - 1 for name, _ in bands])


def _parts(coefficients: Plane, quantizations: Sequence[Factors]) -> list[tuple[Plane, Factors]]:
    """Lanes of equal quantization, joined."""
    lanes = coefficients.shape[1] // len(quantizations)
    parts = []
    start = 0
    for index, quantization in enumerate(quantizations):
        end = index + 1
        if end < len(quantizations) and quantizations[end] == quantization:
            continue
        parts.append((coefficients[:, start * lanes : end * lanes], quantization))
        start = end
    return parts
