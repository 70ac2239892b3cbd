"""Pictures as PNG files, without an imaging library."""

import zlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.wire import Writer

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
BITS_PER_SAMPLE: Final = 8
TRUE_COLOR: Final = 2


def encode_png(bgrx: NDArray[np.uint8]) -> bytes:
    """RFC 2083: (height, width, 4) BGRX pixels, or (height, width, 3) BGR, as true color without alpha."""
    height, width = bgrx.shape[:2]
    lines = np.zeros((height, 1 + 3 * width), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = bgrx[:, :, 2::-1].reshape(height, -1)
    w = Writer("PNG")
    w.raw("signature", SIGNATURE)
    _chunk(w, b"IHDR", _header(width, height))
    _chunk(w, b"IDAT", zlib.compress(lines.tobytes(), 6))
    _chunk(w, b"IEND", b"")
    return w.getvalue()


def _header(width: int, height: int) -> bytes:
    w = Writer("IHDR")
    w.u32_be("width", width)
    w.u32_be("height", height)
    w.u8("bit depth", BITS_PER_SAMPLE)
    w.u8("color type", TRUE_COLOR)
    w.pad("compression, filter and interlace method", 3)
    return w.getvalue()


def _chunk(w: Writer, kind: bytes, data: bytes) -> None:
    w.u32_be("length", len(data))
    w.raw("type", kind)
    w.raw("data", data)
    w.u32_be("crc", zlib.crc32(kind + data))


def write_png(path: Path | str, bgrx: NDArray[np.uint8]) -> None:
    """Write ``path``. Raises OSError."""
    Path(path).write_bytes(encode_png(bgrx))
