"""The bulk compressors of Debian's libfreerdp 2.11 through ctypes: facts about its interface only."""

import ctypes
from ctypes import POINTER, byref, c_int, c_ubyte, c_uint32, c_void_p
from functools import cache
from typing import Final

from pyrdpmux.codec.bulk.packet import TYPE_MASK, Compressed
from tests.codec.reference.libfreerdp import library

BUFFER: Final = 1 << 17

#: name of the functions, arguments of the constructor: level for MPPC, then whether it compresses
KINDS: Final[dict[str, tuple[str, int | None]]] = {
    "mppc8": ("mppc", 0),
    "mppc64": ("mppc", 1),
    "ncrush": ("ncrush", None),
    "xcrush": ("xcrush", None),
}


@cache
def _lib() -> ctypes.CDLL:
    lib = library()
    assert lib is not None, "callers skip where the library is absent"
    u32, pointer = c_uint32, c_void_p
    for name in ("mppc", "ncrush", "xcrush"):
        new = getattr(lib, f"{name}_context_new")
        new.restype = pointer
        new.argtypes = (u32, c_int) if name == "mppc" else (c_int,)
        getattr(lib, f"{name}_context_free").argtypes = (pointer,)
        compress = getattr(lib, f"{name}_compress")
        compress.restype = c_int
        compress.argtypes = (pointer, pointer, u32, POINTER(pointer), POINTER(u32), POINTER(u32))
        decompress = getattr(lib, f"{name}_decompress")
        decompress.restype = c_int
        decompress.argtypes = (pointer, pointer, u32, POINTER(pointer), POINTER(u32), u32)
    lib.zgfx_context_new.restype = pointer
    lib.zgfx_context_new.argtypes = (c_int,)
    lib.zgfx_context_free.argtypes = (pointer,)
    lib.zgfx_decompress.restype = c_int
    lib.zgfx_decompress.argtypes = (pointer, pointer, u32, POINTER(pointer), POINTER(u32), u32)
    lib.zgfx_compress.restype = c_int
    lib.zgfx_compress.argtypes = (pointer, pointer, u32, POINTER(pointer), POINTER(u32), POINTER(u32))
    return lib


class _Context:
    def __init__(self, kind: str, compressor: bool) -> None:
        self._name, level = KINDS[kind]
        new = getattr(_lib(), f"{self._name}_context_new")
        self._context = new(compressor) if level is None else new(level, compressor)

    def __del__(self) -> None:
        getattr(_lib(), f"{self._name}_context_free")(self._context)


class Compressor(_Context):
    """Their compressor of one kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind, True)
        self._out = (c_ubyte * BUFFER)()

    def compress(self, data: bytes) -> Compressed:
        # The library may read a little behind the end of its input.
        source = ctypes.create_string_buffer(data, len(data) + 16)
        result, size, flags = c_void_p(), c_uint32(BUFFER), c_uint32()
        function = getattr(_lib(), f"{self._name}_compress")
        result.value = ctypes.addressof(self._out)  # and, unless it gives the input back, the result
        done = function(self._context, source, len(data), byref(result), byref(size), byref(flags))
        assert done >= 0, f"libfreerdp could not compress: {done}"
        return Compressed(flags.value, ctypes.string_at(result.value or 0, size.value))


class Decompressor(_Context):
    """Their decompressor of one kind."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind, False)

    def decompress(self, flags: int, data: bytes) -> bytes | None:
        """None if the library refuses the packet."""
        if not flags & ~TYPE_MASK:
            return data  # its clients do not call it then
        source = ctypes.create_string_buffer(data, len(data) + 16)
        result, size = c_void_p(), c_uint32()
        function = getattr(_lib(), f"{self._name}_decompress")
        done = function(self._context, source, len(data), byref(result), byref(size), flags)
        return ctypes.string_at(result.value or 0, size.value) if done >= 0 else None


class Zgfx:
    """Their ZGFX: the decompressor, and a compressor that only wraps."""

    def __init__(self, compressor: bool = False) -> None:
        self._context = _lib().zgfx_context_new(compressor)

    def __del__(self) -> None:
        _lib().zgfx_context_free(self._context)

    def decompress(self, data: bytes) -> bytes | None:
        result, size = c_void_p(), c_uint32()
        done = _lib().zgfx_decompress(self._context, data, len(data), byref(result), byref(size), 0)
        return _taken(result, size) if done >= 0 else None

    def compress(self, data: bytes) -> bytes:
        result, size, flags = c_void_p(), c_uint32(), c_uint32()
        done = _lib().zgfx_compress(self._context, data, len(data), byref(result), byref(size), byref(flags))
        assert done >= 0
        return _taken(result, size)


def _taken(result: c_void_p, size: c_uint32) -> bytes:
    """A copy of what the library allocated, which is freed."""
    taken = ctypes.string_at(result.value or 0, size.value)
    libc = ctypes.CDLL(None)
    libc.free.argtypes = (c_void_p,)
    libc.free(result)
    return taken
