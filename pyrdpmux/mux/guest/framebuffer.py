"""The framebuffer that a guest shares (section 5), from its owner's side."""

import contextlib
import os
import stat
from pathlib import Path

import numpy as np

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.librdpmux.shared_memory import MIN_LIBRARY_SIZE, Surface
from pyrdpmux.mux.picture.pixel_format import Bytes


class GuestFramebuffer:
    """An object of our own making, written like a file: memory that runs out is an error, not a SIGBUS."""

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        """A left-over of an earlier process of the same user is replaced."""
        self._path = path
        self._descriptor = _create(path, mode)
        self._size = 0
        self.reserve(MIN_LIBRARY_SIZE)

    def reserve(self, size: int) -> None:
        """Make it at least this large; takes memory only where it is written."""
        if size > self._size:
            os.ftruncate(self._descriptor, size)
            self._size = size

    def write(self, surface: Surface, rect: Rect, bgrx: Bytes) -> None:
        """Put a part of the guest's picture, which lies on the surface, in its place and format."""
        pixels = surface.format.from_bgrx(bgrx[rect.y : rect.bottom, rect.x : rect.right])
        start = rect.y * surface.stride + rect.x * surface.format.bytes_per_pixel
        if rect.width == surface.width:
            self._put(pixels, start)
        else:
            for row in range(rect.height):
                self._put(pixels[row], start + row * surface.stride)

    def close(self) -> None:
        """The end of the VM: nobody else removes the object."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()

    def _put(self, pixels: Bytes, offset: int) -> None:
        try:
            written = os.pwritev(self._descriptor, [np.ascontiguousarray(pixels).data], offset)
        except OSError as error:
            raise BackendError(f"{self._path}: {error.strerror or error}") from error
        if written != pixels.nbytes:
            raise BackendError(f"{self._path}: no memory left")


def _create(path: Path, mode: int) -> int:
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with contextlib.suppress(FileNotFoundError):
            _remove_stale(path)
        descriptor = os.open(path, flags, mode)
        os.fchmod(descriptor, mode)  # whatever the umask
    except OSError as error:
        raise BackendError(f"{path}: {error.strerror or error}") from error
    return descriptor


def _remove_stale(path: Path) -> None:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise BackendError(f"{path}: exists and is not ours (uid {status.st_uid})")
    path.unlink()
