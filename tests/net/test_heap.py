"""Freed memory that the C library keeps goes back to the system."""

import os
import platform

import pytest

from pyrdpmux.mux.control.diagnostics import PROCESS, memory
from pyrdpmux.net.heap import trim

BLOCK = 32 * 1024
COUNT = 2000
KEPT = 100
"""Every so many blocks one stays, so that nothing goes back by itself."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_what_was_freed_is_given_back() -> None:
    blocks = [os.urandom(BLOCK) for _ in range(COUNT)]
    kept = blocks[::KEPT]
    del blocks
    before = memory(PROCESS)["now"]
    assert trim()
    assert before - memory(PROCESS)["now"] > 0.8 * BLOCK * COUNT
    assert len(kept) == COUNT // KEPT
