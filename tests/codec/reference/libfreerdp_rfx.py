"""NSCodec, RemoteFX and RemoteFX progressive of Debian's libfreerdp 2.11 through ctypes.

Facts about its interface only: constructors, argument order, parameter numbers, and the head of a wStream.
"""

import ctypes
from ctypes import POINTER, c_int, c_uint16, c_uint32, c_void_p
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.codec.reference.libfreerdp import BGRX32, library

Pixels = NDArray[np.uint8]

NSC_COLOR_LOSS_LEVEL = 0
NSC_ALLOW_SUBSAMPLING = 1
NSC_DYNAMIC_COLOR_FIDELITY = 2
NSC_COLOR_FORMAT = 3

FLIP_NONE = 0
FLIP_VERTICAL = 1


class _Stream(ctypes.Structure):
    """The head of winpr's wStream."""

    _fields_ = (
        ("buffer", c_void_p),
        ("pointer", c_void_p),
        ("length", ctypes.c_size_t),
        ("capacity", ctypes.c_size_t),
    )

    def written(self) -> bytes:
        assert self.buffer
        return ctypes.string_at(self.buffer, (self.pointer or 0) - self.buffer)

    def rewind(self) -> None:
        self.pointer = self.buffer


@cache
def _lib() -> ctypes.CDLL:
    lib = library()
    assert lib is not None, "callers skip where the library is absent"
    u32, pointer = c_uint32, c_void_p
    lib.nsc_context_new.restype = pointer
    lib.nsc_context_free.argtypes = (pointer,)
    lib.nsc_context_reset.argtypes = (pointer, u32, u32)
    lib.nsc_context_set_parameters.argtypes = (pointer, c_int, u32)
    lib.nsc_compose_message.argtypes = (pointer, POINTER(_Stream), pointer, u32, u32, u32)
    lib.nsc_process_message.argtypes = (
        (pointer, c_uint16, u32, u32, pointer, u32, pointer) + (u32,) * 6 + (u32,)
    )
    size = ctypes.c_size_t
    lib.rfx_context_new.restype = pointer
    lib.rfx_context_new.argtypes = (c_int,)
    lib.rfx_context_free.argtypes = (pointer,)
    lib.rfx_context_reset.argtypes = (pointer, u32, u32)
    lib.rfx_context_set_pixel_format.argtypes = (pointer, u32)
    lib.rfx_compose_message.argtypes = (pointer, POINTER(_Stream), pointer, size, pointer, u32, u32, u32)
    lib.rfx_process_message.argtypes = (pointer, pointer, u32, u32, u32, pointer, u32, u32, u32, pointer)
    lib.progressive_context_new.restype = pointer
    lib.progressive_context_new.argtypes = (c_int,)
    lib.progressive_context_free.argtypes = (pointer,)
    lib.progressive_create_surface_context.argtypes = (pointer, c_uint16, u32, u32)
    lib.progressive_compress_ex.argtypes = (
        pointer, pointer, u32, u32, u32, u32, u32, pointer, POINTER(pointer), POINTER(u32),
    )  # fmt: skip
    lib.progressive_decompress_ex.argtypes = (
        pointer, pointer, u32, pointer, u32, u32, u32, u32, pointer, c_uint16, u32,
    )  # fmt: skip
    lib.region16_init.argtypes = (pointer,)
    lib.region16_uninit.argtypes = (pointer,)
    return lib


@cache
def _winpr() -> ctypes.CDLL:
    winpr = ctypes.CDLL("libwinpr2.so.2")
    winpr.Stream_New.restype = POINTER(_Stream)
    winpr.Stream_New.argtypes = (c_void_p, ctypes.c_size_t)
    winpr.Stream_Free.argtypes = (POINTER(_Stream), c_int)
    return winpr


class _Codec:
    """A stream to write to, and the pixels of the last call, kept alive."""

    def __init__(self, capacity: int = 1 << 16) -> None:
        self._stream = _winpr().Stream_New(None, capacity)

    def __del__(self) -> None:
        _winpr().Stream_Free(self._stream, 1)

    def _written(self) -> bytes:
        data: bytes = self._stream.contents.written()
        return data


class NSCodec(_Codec):
    """Their NSCodec; lines bottom-up on the wire."""

    def __init__(self, width: int, height: int, color_loss_level: int = 3, subsampling: bool = True) -> None:
        super().__init__()
        self._context = _lib().nsc_context_new()
        for what, value in (
            (NSC_COLOR_LOSS_LEVEL, color_loss_level),
            (NSC_ALLOW_SUBSAMPLING, int(subsampling)),
            (NSC_DYNAMIC_COLOR_FIDELITY, 1),
            (NSC_COLOR_FORMAT, BGRX32),
        ):
            _lib().nsc_context_set_parameters(self._context, what, value)
        assert _lib().nsc_context_reset(self._context, width, height)

    def __del__(self) -> None:
        _lib().nsc_context_free(self._context)
        super().__del__()

    def encode(self, tile: Pixels) -> bytes:
        """``tile`` (h, w, 4), rows may be apart."""
        height, width = tile.shape[:2]
        self._stream.contents.rewind()
        done = _lib().nsc_compose_message(
            self._context, self._stream, tile.ctypes.data, width, height, tile.strides[0]
        )
        assert done, "libfreerdp could not encode"
        return self._written()

    def decode(self, data: bytes, width: int, height: int) -> Pixels | None:
        """(h, w, 4), or None if the library refuses the stream."""
        out = np.zeros((height, width, 4), np.uint8)
        done = _lib().nsc_process_message(
            self._context, 32, width, height, data, len(data), out.ctypes.data, BGRX32, width * 4, 0, 0,
            width, height, FLIP_VERTICAL,
        )  # fmt: skip
        return out if done > 0 else None


class _Rectangle(ctypes.Structure):
    """RFX_RECT."""

    _fields_ = (("x", c_uint16), ("y", c_uint16), ("width", c_uint16), ("height", c_uint16))


class RemoteFX(_Codec):
    """Their RemoteFX, messages with all headers (image mode). ``mode``: 0 is RLGR1, 1 is RLGR3."""

    def __init__(self, width: int, height: int, mode: int = 0, *, encoder: bool = True) -> None:
        super().__init__(1 << 20)
        lib = _lib()
        self._context = lib.rfx_context_new(int(encoder))
        assert lib.rfx_context_reset(self._context, width, height)
        lib.rfx_context_set_pixel_format(self._context, BGRX32)
        # state, encoder, flags, properties, width, height, then the mode
        ctypes.c_int.from_address(self._context + 16).value = mode
        self._region = ctypes.create_string_buffer(64)
        _lib().region16_init(self._region)

    def __del__(self) -> None:
        _lib().region16_uninit(self._region)
        _lib().rfx_context_free(self._context)
        super().__del__()

    def encode(self, frame: Pixels, rectangles: list[tuple[int, int, int, int]] | None = None) -> bytes:
        """One message for ``rectangles`` (x, y, width, height) of ``frame`` (h, w, 4)."""
        height, width = frame.shape[:2]
        rectangles = rectangles or [(0, 0, width, height)]
        array = (_Rectangle * len(rectangles))(*[_Rectangle(*area) for area in rectangles])
        self._stream.contents.rewind()
        done = _lib().rfx_compose_message(
            self._context, self._stream, array, len(rectangles), frame.ctypes.data, width, height,
            frame.strides[0],
        )  # fmt: skip
        assert done, "libfreerdp could not encode"
        return self._written()

    def decode(self, data: bytes, out: Pixels) -> bool:
        """Draw a message onto ``out`` (h, w, 4); False if the library refuses it."""
        done: int = _lib().rfx_process_message(
            self._context, data, len(data), 0, 0, out.ctypes.data, BGRX32, out.strides[0], out.shape[0],
            self._region,
        )  # fmt: skip
        return done > 0


class Progressive:
    """Their progressive codec for one surface. Its encoder sends whole tiles and no differences."""

    def __init__(self, width: int, height: int, *, encoder: bool = False) -> None:
        lib = _lib()
        self._context = lib.progressive_context_new(int(encoder))
        if not encoder:
            assert lib.progressive_create_surface_context(self._context, 0, width, height) >= 0
        self._region = ctypes.create_string_buffer(64)
        lib.region16_init(self._region)
        self._frame = 0

    def __del__(self) -> None:
        _lib().region16_uninit(self._region)
        _lib().progressive_context_free(self._context)

    def encode(self, frame: Pixels) -> bytes:
        """All of ``frame`` (h, w, 4)."""
        height, width = frame.shape[:2]
        out, size = c_void_p(), c_uint32()
        done = _lib().progressive_compress_ex(
            self._context, frame.ctypes.data, height * frame.strides[0], BGRX32, width, height,
            frame.strides[0], None, ctypes.byref(out), ctypes.byref(size),
        )  # fmt: skip
        assert done >= 0, "libfreerdp could not encode"
        assert out.value
        return ctypes.string_at(out.value, size.value)

    def decode(self, data: bytes, out: Pixels) -> bool:
        """Draw a stream onto ``out`` (h, w, 4); False if the library refuses it."""
        self._frame += 1
        done: int = _lib().progressive_decompress_ex(
            self._context, data, len(data), out.ctypes.data, BGRX32, out.strides[0], 0, 0, self._region,
            0, self._frame,
        )  # fmt: skip
        return done > 0
