"""ClearCodec of Debian's libfreerdp 2.11 through ctypes: a decoder only, its encoder is empty.

Facts about its interface only: constructor and argument order.
"""

from ctypes import c_int, c_uint32, c_void_p
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.codec.reference.libfreerdp import BGRX32, library

Pixels = NDArray[np.uint8]


@cache
def _lib() -> Any:
    lib = library()
    assert lib is not None, "callers skip where the library is absent"
    lib.clear_context_new.restype = c_void_p
    lib.clear_context_new.argtypes = (c_int,)
    lib.clear_context_free.argtypes = (c_void_p,)
    lib.clear_decompress.restype = c_int
    lib.clear_decompress.argtypes = (
        (c_void_p, c_void_p, c_uint32, c_uint32, c_uint32, c_void_p) + (c_uint32,) * 6 + (c_void_p,)
    )
    return lib


class Decoder:
    """One connection's."""

    def __init__(self) -> None:
        self._context = _lib().clear_context_new(0)

    def __del__(self) -> None:
        _lib().clear_context_free(self._context)

    def decode(self, data: bytes, width: int, height: int) -> Pixels | None:
        """(h, w, 4), or None if the library refuses the message."""
        out = np.zeros((height, width, 4), np.uint8)
        done = _lib().clear_decompress(
            self._context, data, len(data), width, height, out.ctypes.data, BGRX32, width * 4, 0, 0,
            width, height, None,
        )  # fmt: skip
        return out if done >= 0 else None
