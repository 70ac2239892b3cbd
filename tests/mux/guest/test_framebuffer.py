"""What a guest shares: the bytes, and what happens when there is no memory for them."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.guest.framebuffer import GuestFramebuffer
from pyrdpmux.mux.librdpmux.shared_memory import MIN_LIBRARY_SIZE, Surface
from pyrdpmux.mux.picture.pixel_format import Bytes, PixelCode, pixel_format

WIDTH, HEIGHT = 70, 150


def picture(width: int, height: int, seed: int = 1) -> Bytes:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    code=st.sampled_from(PixelCode),
    x=st.integers(0, WIDTH - 1),
    y=st.integers(0, HEIGHT - 1),
    width=st.integers(1, WIDTH),
    height=st.integers(1, HEIGHT),
)
def test_a_rectangle_is_written_and_nothing_beside_it(
    tmp_path: Path, code: PixelCode, x: int, y: int, width: int, height: int
) -> None:
    surface = Surface(pixel_format(code), WIDTH, HEIGHT)
    rect = Rect(x, y, width, height).clip(WIDTH, HEIGHT)
    first, second = picture(WIDTH, HEIGHT), picture(WIDTH, HEIGHT, seed=2)
    path = tmp_path / "1.rdpmux"
    framebuffer = GuestFramebuffer(path)
    framebuffer.write(surface, Rect(0, 0, WIDTH, HEIGHT), first)
    framebuffer.write(surface, rect, second)
    first[rect.slices] = second[rect.slices]
    data = path.read_bytes()
    assert len(data) == MIN_LIBRARY_SIZE
    assert data[: surface.size] == surface.format.from_bgrx(first).tobytes()
    framebuffer.close()


def test_a_larger_picture(tmp_path: Path) -> None:
    """Beyond what was mapped, and beyond the library's size."""
    path = tmp_path / "1.rdpmux"
    framebuffer = GuestFramebuffer(path)
    for width, height in ((64, 64), (200, 100), (8192, 1025), (3, 2)):
        surface = Surface(pixel_format(PixelCode.X8R8G8B8), width, height)
        framebuffer.reserve(surface.size)
        shown = picture(width, height)
        framebuffer.write(surface, Rect(0, 0, width, height), shown)
        data = np.fromfile(path, np.uint8, surface.size).reshape(shown.shape)
        assert (data[:, :, :3] == shown[:, :, :3]).all()
    assert path.stat().st_size == 8192 * 1025 * 4
    framebuffer.close()
    assert not path.exists()


def test_memory_that_runs_out_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is written that would need it."""
    asked: list[int] = []

    def full(descriptor: int, offset: int, size: int) -> None:
        asked.append(size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "1.rdpmux"
    framebuffer = GuestFramebuffer(path)
    surface = Surface(pixel_format(PixelCode.R5G6B5), WIDTH, HEIGHT)
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(BackendError, match="No space left"):
            framebuffer.write(surface, Rect(0, 0, 1, 1), picture(WIDTH, HEIGHT))
    assert asked == [surface.size]
    assert not any(path.read_bytes())
    framebuffer.write(surface, Rect(0, 0, 1, 1), np.full((HEIGHT, WIDTH, 4), 0x80, np.uint8))
    assert any(path.read_bytes()[:2])
    framebuffer.close()
