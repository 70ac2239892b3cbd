"""The residual layer (MS-RDPEGFX 2.2.4.1.1.1 CLEARCODEC_RESIDUAL_DATA): runs of one color, line by line."""

from typing import Final

import numpy as np

from pyrdpmux.codec.clear import runs
from pyrdpmux.codec.color import Words
from pyrdpmux.codec.scatter import Bytes
from pyrdpmux.errors import DecodeError

PATH: Final = "ClearCodec.residualData"
OPAQUE: Final = np.uint32(0xFF000000)


def encode(words: Words) -> bytes:
    """(h, w) words 0x00RRGGBB, C-contiguous."""
    flat = words.reshape(-1)
    starts, lengths = runs.runs_of(flat)
    return runs.pack(octets(flat[starts]), lengths)


def encode_flat(color: int, pixels: int) -> bytes:
    """``pixels`` times one color."""
    return runs.pack(octets(np.array([color], np.uint32)), np.array([pixels]))


def octets(colors: Words) -> Bytes:
    """(n, 3) blue, green, red of (n,) words."""
    result: Bytes = np.ascontiguousarray(colors, "<u4").view(np.uint8).reshape(-1, 4)[:, :3]
    return result


def colors_of(bgr: Bytes) -> Words:
    """(n,) words with an opaque fourth byte, of (n, 3) blue, green, red."""
    result = np.full((len(bgr), 4), 255, np.uint8)
    result[:, :3] = bgr
    return result.view("<u4")[:, 0]


def decode(data: bytes, canvas: Words, offset: int = 0) -> None:
    """Paint the first pixels of C-contiguous ``canvas`` (h, w); the layer may end before the last.

    INVARIANT: lengths are 32 bits each and at most a quarter of the input's bytes, so sums fit 64 bits.
    """
    heads, lengths = runs.unpack(np.frombuffer(data, np.uint8), 3, PATH, offset)
    if not lengths.all():
        raise DecodeError(f"{PATH}.runLengthFactor", "0, expected more", offset)
    total = int(lengths.sum())
    if total > canvas.size:
        raise DecodeError(PATH, f"{total} pixels, at most {canvas.size} expected", offset)
    canvas.reshape(-1)[:total] = np.repeat(colors_of(heads), lengths)
