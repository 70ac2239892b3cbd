"""Freed memory that the C library keeps: after pictures it is several times what is in use."""

import ctypes
import os
from typing import Final

_TRIM: Final = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
"""Of the GNU C library; others keep less."""


def trim() -> bool:
    """Give it back to the system, from the heaps of all threads; whether there was some.

    It takes milliseconds, in which another thread may wait for memory.
    """
    return _TRIM is not None and bool(_TRIM(ctypes.c_size_t(0)))
