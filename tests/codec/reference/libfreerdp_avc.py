"""AVC420 and AVC444 of Debian's libfreerdp 2.11 (FFmpeg beneath) through ctypes.

Facts about its interface only: constructor, argument order, and the codec identifiers.
"""

import ctypes
from ctypes import POINTER, byref, c_int, c_ubyte, c_uint16, c_uint32, c_void_p
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.avc.stream import Avc420Stream, Avc444Stream, MetaBlock, QuantQuality, Rectangle16
from pyrdpmux.wire import decode, encode
from tests.codec.reference.libfreerdp import BGRX32, library

Pixels = NDArray[np.uint8]
CODEC_IDS = {1: 0x0E, 2: 0x0F}


class _Rectangle(ctypes.Structure):
    _fields_ = (("left", c_uint16), ("top", c_uint16), ("right", c_uint16), ("bottom", c_uint16))


@cache
def _lib() -> Any:
    lib = library()
    assert lib is not None, "callers skip where the library is absent"
    u32, pointer, rectangles = c_uint32, c_void_p, POINTER(_Rectangle)
    lib.h264_context_new.restype = pointer
    lib.h264_context_new.argtypes = (c_int,)
    lib.h264_context_reset.argtypes = (pointer, u32, u32)
    lib.h264_context_free.argtypes = (pointer,)
    lib.avc420_decompress.argtypes = (
        pointer, pointer, u32, pointer, u32, u32, u32, u32, rectangles, u32,
    )  # fmt: skip
    lib.avc444_decompress.argtypes = (
        pointer, c_ubyte, rectangles, u32, pointer, u32, rectangles, u32, pointer, u32, pointer, u32, u32,
        u32, u32, u32,
    )  # fmt: skip
    out, size = POINTER(c_void_p), POINTER(u32)
    lib.avc420_compress.argtypes = (pointer, pointer, u32, u32, u32, u32, out, size)
    lib.avc444_compress.argtypes = (
        pointer, pointer, u32, u32, u32, u32, c_ubyte, POINTER(c_ubyte), out, size, out, size,
    )  # fmt: skip
    return lib


def is_available() -> bool:
    """Whether the library is there, and has an H.264 decoder."""
    if library() is None:
        return False
    context = _lib().h264_context_new(0)
    _lib().h264_context_free(context)
    return bool(context)


def can_encode() -> bool:
    """Whether it has an H.264 encoder as well."""
    if library() is None:
        return False
    context = _lib().h264_context_new(1)
    _lib().h264_context_free(context)
    return bool(context)


def _rectangles(regions: tuple[Rectangle16, ...]) -> Any:
    return (_Rectangle * len(regions))(
        *(_Rectangle(region.left, region.top, region.right, region.bottom) for region in regions)
    )


class Decoder:
    """One surface's."""

    def __init__(self, width: int, height: int) -> None:
        self._context = _lib().h264_context_new(0)
        assert _lib().h264_context_reset(self._context, width, height)
        self.surface: Pixels = np.zeros((height, width, 4), np.uint8)

    def __del__(self) -> None:
        _lib().h264_context_free(self._context)

    def decode_420(self, data: bytes) -> Pixels | None:
        """The surface, or None if the library refuses the message."""
        stream = decode(Avc420Stream, data)
        height, width = self.surface.shape[:2]
        regions = stream.meta.regions
        done = _lib().avc420_decompress(
            self._context, stream.bitstream, len(stream.bitstream), self.surface.ctypes.data, BGRX32,
            width * 4, width, height, _rectangles(regions), len(regions),
        )  # fmt: skip
        return self.surface if done >= 0 else None

    def decode_444(self, data: bytes, version: int) -> Pixels | None:
        """The surface, or None if the library refuses the message."""
        stream = decode(Avc444Stream, data)
        height, width = self.surface.shape[:2]
        kind = 2 if stream.luma is None else int(stream.chroma is None)
        parts = [part for part in (stream.luma, stream.chroma) if part is not None]
        arguments: list[Any] = []
        for part in (*parts, None)[:2]:
            regions = part.meta.regions if part else ()
            bitstream = part.bitstream if part else None
            arguments += [_rectangles(regions), len(regions), bitstream, len(bitstream or b"")]
        done = _lib().avc444_decompress(
            self._context, kind, *arguments, self.surface.ctypes.data, BGRX32, width * 4, width, height,
            CODEC_IDS[version],
        )  # fmt: skip
        return self.surface if done >= 0 else None


class Encoder:
    """One surface's; the messages around the bitstreams are ours, one region of all."""

    def __init__(self, width: int, height: int) -> None:
        self._context = _lib().h264_context_new(1)
        assert _lib().h264_context_reset(self._context, width, height)
        self._meta = MetaBlock((Rectangle16(0, 0, width, height),), (QuantQuality(0),))

    def __del__(self) -> None:
        _lib().h264_context_free(self._context)

    def encode_420(self, frame: Pixels) -> bytes:
        """A message of a (h, w, 4) frame."""
        height, width = frame.shape[:2]
        data, size = c_void_p(), c_uint32()
        done = _lib().avc420_compress(
            self._context, frame.ctypes.data, BGRX32, width * 4, width, height, byref(data), byref(size)
        )
        assert done >= 0, "libfreerdp could not encode"
        return encode(self._stream(data, size))

    def encode_444(self, frame: Pixels, version: int) -> bytes:
        """A message with both views."""
        height, width = frame.shape[:2]
        kind = c_ubyte()
        first, first_size, second, second_size = c_void_p(), c_uint32(), c_void_p(), c_uint32()
        done = _lib().avc444_compress(
            self._context, frame.ctypes.data, BGRX32, width * 4, width, height, version, byref(kind),
            byref(first), byref(first_size), byref(second), byref(second_size),
        )  # fmt: skip
        assert done >= 0, "libfreerdp could not encode"
        assert kind.value == 0, "expected both views"
        return encode(Avc444Stream(self._stream(first, first_size), self._stream(second, second_size)))

    def _stream(self, data: c_void_p, size: c_uint32) -> Avc420Stream:
        assert data.value, "nothing was encoded"
        return Avc420Stream(self._meta, ctypes.string_at(data.value, size.value))
