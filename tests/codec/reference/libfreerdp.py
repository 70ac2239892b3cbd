"""The codecs of Debian's libfreerdp 2.11 through ctypes: a foreign oracle, and what bench/ compares with.

Facts about its interface only: context constructors, argument order, and the numbers of pixel formats.
"""

import ctypes
from ctypes import POINTER, byref, c_int, c_ubyte, c_uint32, c_void_p
from functools import cache

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

#: where the library's decoder writes: 32 bits a pixel, blue first, the fourth byte unused
BGRX32 = 0x20040888
RGB16 = 0x10010565
RGB15 = 0x0F010555
BGR24 = 0x18020888
RGB8 = 0x08008000
PLANAR_RLE = 0x10
PLANAR_NO_ALPHA = 0x20
FLIP_VERTICAL = 1
SOURCE_FORMATS = {8: RGB8, 15: RGB15, 16: RGB16, 24: BGR24, 32: BGRX32}


class Palette(ctypes.Structure):
    """The library's palette: a pixel format and 256 entries in it."""

    _fields_ = (("format", c_uint32), ("palette", c_uint32 * 256))


@cache
def library() -> ctypes.CDLL | None:
    """The library, or None where it is not installed."""
    try:
        lib = ctypes.CDLL("libfreerdp2.so.2")
    except OSError:
        return None
    # Its complaints about our hostile input would fill the test output.
    winpr = ctypes.CDLL("libwinpr2.so.2")
    winpr.WLog_GetRoot.restype = c_void_p
    winpr.WLog_SetLogLevel.argtypes = (c_void_p, c_uint32)
    winpr.WLog_SetLogLevel(winpr.WLog_GetRoot(), 6)
    u32, pointer = c_uint32, c_void_p
    lib.freerdp_bitmap_planar_context_new.restype = pointer
    lib.freerdp_bitmap_planar_context_new.argtypes = (u32, u32, u32)
    lib.freerdp_bitmap_planar_context_free.argtypes = (pointer,)
    lib.freerdp_bitmap_compress_planar.restype = pointer
    lib.freerdp_bitmap_compress_planar.argtypes = (
        pointer,
        pointer,
        u32,
        u32,
        u32,
        u32,
        pointer,
        POINTER(u32),
    )
    lib.planar_decompress.restype = c_int
    lib.planar_decompress.argtypes = (pointer, pointer, u32, u32, u32, pointer) + (u32,) * 6 + (c_int,)
    lib.bitmap_interleaved_context_new.restype = pointer
    lib.bitmap_interleaved_context_new.argtypes = (c_int,)
    lib.interleaved_compress.restype = c_int
    lib.interleaved_compress.argtypes = (
        (pointer, pointer, POINTER(u32), u32, u32, pointer) + (u32,) * 4 + (pointer, u32)
    )
    lib.interleaved_decompress.restype = c_int
    lib.interleaved_decompress.argtypes = (
        (pointer, pointer, u32, u32, u32, u32, pointer) + (u32,) * 6 + (pointer,)
    )
    lib.freerdp_image_copy.restype = c_int
    lib.freerdp_image_copy.argtypes = (pointer,) + (u32,) * 6 + (pointer,) + (u32,) * 4 + (pointer, u32)
    return lib


def _lib() -> ctypes.CDLL:
    lib = library()
    assert lib is not None, "callers skip where the library is absent"
    return lib


class Planar:
    """One planar context for bitmaps up to ``width`` x ``height``. Streams are bottom-up."""

    def __init__(self, width: int, height: int, *, rle: bool = True) -> None:
        flags = PLANAR_NO_ALPHA | (PLANAR_RLE if rle else 0)
        self._context = _lib().freerdp_bitmap_planar_context_new(flags, width, height)
        self._out = (c_ubyte * (width * height * 8 + 64))()

    def encode(self, tile: Pixels) -> bytes:
        """``tile`` (h, w, 4), rows may be apart."""
        height, width = tile.shape[:2]
        size = c_uint32(len(self._out))
        done = _lib().freerdp_bitmap_compress_planar(
            self._context, tile.ctypes.data, BGRX32, width, height, tile.strides[0], self._out, byref(size)
        )
        assert done, "libfreerdp could not encode"
        return ctypes.string_at(self._out, size.value)

    def decode(self, data: bytes, width: int, height: int, *, bottom_up: bool = True) -> Pixels | None:
        """(h, w, 4), or None if the library refuses the stream."""
        out = np.zeros((height, width, 4), np.uint8)
        done = _lib().planar_decompress(
            self._context, data, len(data), width, height, out.ctypes.data, BGRX32, width * 4, 0, 0, width,
            height, bottom_up,
        )  # fmt: skip
        return out if done > 0 else None


class Interleaved:
    """The interleaved RLE codec of one bit depth."""

    def __init__(self, bits_per_pixel: int) -> None:
        self._bits = bits_per_pixel
        self._context = _lib().bitmap_interleaved_context_new(1)
        self._out = (c_ubyte * (64 * 64 * 8))()

    def encode(self, tile: Pixels) -> bytes:
        """``tile`` (h, w, 4) of at most 64 x 64, the width a multiple of four; not for 8 bits."""
        height, width = tile.shape[:2]
        size = c_uint32(len(self._out))
        done = _lib().interleaved_compress(
            self._context, self._out, byref(size), width, height, tile.ctypes.data, BGRX32, tile.strides[0],
            0, 0, None, self._bits,
        )  # fmt: skip
        assert done, "libfreerdp could not encode"
        return ctypes.string_at(self._out, size.value)

    def decode(self, data: bytes, width: int, height: int, palette: Pixels | None = None) -> Pixels | None:
        """(h, w, 4), or None if the library refuses the stream."""
        out = np.zeros((height, width, 4), np.uint8)
        colors = byref(_palette(palette)) if palette is not None else None
        done = _lib().interleaved_decompress(
            self._context, data, len(data), width, height, self._bits, out.ctypes.data, BGRX32, width * 4, 0,
            0, width, height, colors,
        )  # fmt: skip
        return out if done > 0 else None


def _palette(bgrx: Pixels) -> Palette:
    # An entry is a pixel value of the given format in the library's own order: blue in the top byte.
    blue, green, red = (bgrx[:, i].astype(np.uint32) for i in range(3))
    entries = (blue << 24) | (green << 16) | (red << 8) | 0xFF
    return Palette(BGRX32, (c_uint32 * 256)(*entries.tolist()))


def to_bgrx(data: bytes, width: int, height: int, bits_per_pixel: int) -> Pixels:
    """How the client expands an uncompressed, top-down bitmap to what it shows."""
    out = np.zeros((height, width, 4), np.uint8)
    source_format = SOURCE_FORMATS[bits_per_pixel]
    done = _lib().freerdp_image_copy(
        out.ctypes.data, BGRX32, width * 4, 0, 0, width, height, data, source_format, 0, 0, 0, None, 0
    )
    assert done > 0, "libfreerdp could not convert"
    return out
