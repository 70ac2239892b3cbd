"""The JPEG surface codec (MS-RDPBCGR 2.2.7.2.10, 2.2.9.2.1.1): each bitmap is one JFIF image, top-down.

The specification's list of codecs has lost it; FreeRDP's {430C9EED-1BAF-4CE6-869A-CB8B37B66237} names it.
Compression is Pillow's (libjpeg-turbo), the extra ``pyrdpmux[jpeg]``. Lossy.
"""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec import extras
from pyrdpmux.codec.batches import cut
from pyrdpmux.codec.color import MAX_PIXELS, Pixels
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import Reader

DEFAULT_QUALITY: Final = 75
MIN_QUALITY: Final = 1
MAX_QUALITY: Final = 95
"""Above, Pillow grows files without gain."""

_COLORS: Final = ("RGB", "L")
_PILLOW_ERRORS: Final = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
)
_START_OF_IMAGE: Final = 0xFFD8
_START_OF_SCAN: Final = 0xFFDA
_START_OF_FRAME: Final = frozenset(range(0xFFC0, 0xFFD0)) - {0xFFC4, 0xFFC8, 0xFFCC}


def encode(
    frame: Pixels, rects: Sequence[Rect], quality: int = DEFAULT_QUALITY, *, subsampling: bool = True
) -> list[bytes]:
    """One image of each of ``rects`` of a (h, w, 4) uint8 BGRX frame. MissingExtra without Pillow."""
    return encode_tiles(cut(frame, rects), quality, subsampling=subsampling)


def encode_tiles(
    tiles: Sequence[Pixels] | Pixels, quality: int = DEFAULT_QUALITY, *, subsampling: bool = True
) -> list[bytes]:
    """The same of (h, w, 4) uint8 BGRX tiles."""
    if not MIN_QUALITY <= quality <= MAX_QUALITY:
        raise EncodeError("quality", f"{quality}, expected {MIN_QUALITY} to {MAX_QUALITY}")
    image = extras.load(extras.JPEG)
    result = []
    for tile in tiles:
        buffer = io.BytesIO()
        picture = image.fromarray(np.ascontiguousarray(tile[..., 2::-1]))
        picture.save(buffer, "JPEG", quality=quality, subsampling="4:2:0" if subsampling else "4:4:4")
        result.append(buffer.getvalue())
    return result


def decode(data: bytes, width: int, height: int, *, out: Pixels | None = None) -> Pixels:
    """(height, width, 4) uint8 BGRX, the fourth byte 255; DecodeError for anything but such an image.

    The size is compared before a pixel is decoded, so memory is bounded by ``width * height``.
    """
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise DecodeError("JPEG", f"{width} x {height} pixels, expected 1 to {MAX_PIXELS}", 0)
    _check_size(data, width, height)
    pixels: Pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = _decoded(data, width, height)
    if out is None:
        return pixels
    out[...] = pixels
    return out


def _check_size(data: bytes, width: int, height: int) -> None:
    """ITU-T T.81 B.1.1.4: walk over the segments before the first scan, one of which is a frame header."""
    r = Reader(data, "JPEG")
    if r.u16_be("SOI") != _START_OF_IMAGE:
        raise r.error("SOI", f"expected {_START_OF_IMAGE:#06x}")
    found = None
    while True:
        marker = r.u16_be("marker")
        size = r.u16_be("length") - 2
        if marker in _START_OF_FRAME:
            if found is not None:
                raise r.error("SOF", "a second frame")
            r.pad("P", 1)
            found = (r.u16_be("Y"), r.u16_be("X"))[::-1]
            size -= 5
        elif marker == _START_OF_SCAN:
            break
        r.pad("segment", size)
    if found != (width, height):
        raise r.error("SOF", f"{found}, expected {width} x {height}")


def _decoded(data: bytes, width: int, height: int) -> Pixels:
    """(height, width, 3) BGR."""
    image = extras.load(extras.JPEG)
    try:
        with image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            if picture.size != (width, height) or picture.mode not in _COLORS:
                found = f"{picture.mode} {picture.size[0]} x {picture.size[1]}"
                raise DecodeError("JPEG", f"{found}, expected RGB {width} x {height}", 0)
            pixels: Pixels = np.asarray(picture.convert("RGB"))[..., ::-1]
            return pixels
    # What Pillow's parsers raise for damaged files has no common class; found by mutation.
    except (*_PILLOW_ERRORS, image.DecompressionBombError) as error:
        raise DecodeError("JPEG", f"{type(error).__name__} in the image", 0) from None
