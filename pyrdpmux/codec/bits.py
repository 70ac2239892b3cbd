"""Many codes of different widths packed into one stream of bits: shared by the bulk compressors and RLGR.

Two orders exist. *MSB*: the first bit of the stream is the highest bit of the first byte, and codes are
written highest bit first. *LSB*: the first bit is the lowest of the first byte, codes lowest bit first.

Every code is shifted into a 64-bit window that begins at the 32-bit word in which the code starts; windows
of the same word are merged, then each window's halves go to its word and to the next. About 20 ns a code.

INVARIANT: a code has at most :data:`MAX_WIDTH` bits: with up to 31 bits before it, the window holds it.
INVARIANT: a code is below ``1 << width``; codes stand in ascending, not overlapping order of position.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint64]
Counts = NDArray[np.int64]

MAX_WIDTH: Final = 33
"""32 bits of the window's two words, and the one that a start at bit 31 still leaves."""

_LOW: Final = np.uint64(0xFFFFFFFF)
_WORD: Final = np.uint64(32)


def pack_msb(codes: Codes, widths: Counts) -> bytes:
    """``codes[i]`` in ``widths[i]`` bits one after the other, highest bit first, zeros up to a whole byte."""
    ends = np.cumsum(widths)
    return place_msb(codes, widths, ends - widths, int(ends[-1]) if len(ends) else 0)


def pack_lsb(codes: Codes, widths: Counts) -> bytes:
    """The same, lowest bit first."""
    ends = np.cumsum(widths)
    return place_lsb(codes, ends - widths, int(ends[-1]) if len(ends) else 0)


def place_msb(codes: Codes, widths: Counts, starts: Counts, size: int) -> bytes:
    """Codes at the bit positions ``starts`` of a stream of ``size`` bits whose gaps are zeros."""
    return msb_bytes(msb_words(codes, widths, starts, size), size)


def msb_words(codes: Codes, widths: Counts, starts: Counts, size: int) -> NDArray[np.uint32]:
    """The same as words, two streams of which may be joined by OR."""
    shift = starts & 31
    shift += widths
    np.subtract(64, shift, out=shift)
    return _merged(codes << shift.view(np.uint64), starts >> 5, size, _WORD, np.uint64(0))


def msb_bytes(words: NDArray[np.uint32], size: int) -> bytes:
    """The bytes of a stream of ``size`` bits."""
    return words.astype(">u4").tobytes()[: -(-size // 8)]


def place_lsb(codes: Codes, starts: Counts, size: int) -> bytes:
    """The same, lowest bit first."""
    words = _merged(codes << (starts & 31).astype(np.uint64), starts >> 5, size, np.uint64(0), _WORD)
    return words.astype("<u4").tobytes()[: -(-size // 8)]


def _merged(
    windows: Codes, word: Counts, size: int, first_shift: np.uint64, second_shift: np.uint64
) -> NDArray[np.uint32]:
    """The stream's words. One of the shifts is 0 and the other 32: which half of a window comes first."""
    result = np.zeros((size >> 5) + 2, np.uint32)
    if not len(windows):
        return result
    # Codes without bits may stand behind the last word that has any.
    starts = np.flatnonzero(word[1:] != word[:-1])
    starts += 1
    starts = np.concatenate([np.zeros(1, np.int64), starts])
    merged = np.bitwise_or.reduceat(windows, starts)
    place = word[starts]
    result[place] = ((merged >> first_shift) & _LOW).astype(np.uint32)
    result[place + 1] |= ((merged >> second_shift) & _LOW).astype(np.uint32)
    return result
