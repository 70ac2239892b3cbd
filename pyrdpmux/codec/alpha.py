"""The alpha codec (MS-RDPEGFX 2.2.4.3 ALPHACODEC_BITMAP_STREAM): opacity of each pixel, nothing else.

Values are (h, w) uint8, 255 opaque, top-down; on the wire raw, or as runs (2.2.4.3.1), whichever is shorter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.batches import cut
from pyrdpmux.codec.clear import runs
from pyrdpmux.codec.color import MAX_PIXELS, Pixels
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import Reader, Writer
from pyrdpmux.wire import decode as decode_structure
from pyrdpmux.wire import encode as encode_structure

Alpha = NDArray[np.uint8]
"""(height, width) uint8, top-down."""

SIGNATURE: Final = 0x414C
_HEADER_SIZE: Final = 4


@dataclass(frozen=True, slots=True)
class AlphaStream:
    """MS-RDPEGFX 2.2.4.3 ALPHACODEC_BITMAP_STREAM; ``compressed`` is 0 for raw segments."""

    compressed: int
    segments: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        signature = r.u16_le("alphaSig")
        if signature != SIGNATURE:
            raise r.error("alphaSig", f"{signature:#06x}, expected {SIGNATURE:#06x}")
        return cls(r.u16_le("compressed"), r.rest("segments"))

    def write(self, w: Writer) -> None:
        w.u16_le("alphaSig", SIGNATURE)
        w.u16_le("compressed", self.compressed)
        w.raw("segments", self.segments)


def encode(frame: Pixels, rects: Sequence[Rect]) -> list[bytes]:
    """One stream for each of ``rects`` of a (h, w, 4) uint8 frame: of its fourth bytes. Lossless."""
    return encode_planes([tile[..., 3] for tile in cut(frame, rects)])


def encode_planes(planes: Sequence[Alpha] | Alpha) -> list[bytes]:
    """The same of (h, w) uint8 arrays; views are fine."""
    return [encode_structure(_encode(plane)) for plane in planes]


def _encode(plane: Alpha) -> AlphaStream:
    if plane.ndim != 2 or not plane.size or plane.dtype != np.uint8:
        raise EncodeError("planes", f"{plane.dtype} array of shape {plane.shape}, expected uint8 (h, w)")
    flat = np.ascontiguousarray(plane).reshape(-1)
    starts, lengths = runs.runs_of(flat)
    if 2 * len(starts) < flat.size:
        coded = runs.pack(flat[starts][:, None], lengths)
        if len(coded) < flat.size:
            return AlphaStream(1, coded)
    return AlphaStream(0, flat.tobytes())


def decode(data: bytes, width: int, height: int, *, out: Alpha | None = None) -> Alpha:
    """The (height, width) opacities of one stream; DecodeError for anything that is not exactly one.

    ``out``, such as the fourth bytes of a surface's rectangle, is written only where everything is right.
    """
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise DecodeError("AlphaStream", f"{width} x {height} pixels, expected 1 to {MAX_PIXELS}", 0)
    stream = decode_structure(AlphaStream, data)
    values = np.frombuffer(stream.segments, np.uint8)
    if stream.compressed:
        heads, lengths = runs.unpack(values, 1, "AlphaStream.segments", _HEADER_SIZE)
        # INVARIANT: half the input's bytes of lengths of 32 bits: their sum fits 64 bits.
        _check_size(int(lengths.sum()), width * height)
        values = np.repeat(heads[:, 0], lengths)
    else:
        _check_size(len(values), width * height)
    plane = values.reshape(height, width)
    if out is None:
        return plane.copy()
    out[...] = plane
    return out


def _check_size(values: int, pixels: int) -> None:
    if values != pixels:
        raise DecodeError("AlphaStream.segments", f"{values} values, expected {pixels}", _HEADER_SIZE)
