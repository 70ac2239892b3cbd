"""The framebuffer that a guest shares (section 5), from its owner's side."""

import contextlib
import mmap
import os
import stat
from pathlib import Path

import numpy as np

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.librdpmux.shared_memory import MIN_LIBRARY_SIZE, Surface
from pyrdpmux.mux.picture.pixel_format import Bytes
from pyrdpmux.mux.picture.screen import bands_of


class GuestFramebuffer:
    """An object of our own making, mapped.

    What is mapped has been allocated before: memory that runs out is an error, not a SIGBUS. Nobody but
    its owner can make the object shorter.
    """

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        """A left-over of an earlier process of the same user is replaced."""
        self._path = path
        self._descriptor = _create(path, mode)
        self._size = 0
        self._mapped: Bytes = np.empty(0, np.uint8)
        self.reserve(MIN_LIBRARY_SIZE)

    def reserve(self, size: int) -> None:
        """Make it at least this large; takes memory only where it is written."""
        if size > self._size:
            os.ftruncate(self._descriptor, size)
            self._size = size

    def write(self, surface: Surface, rect: Rect, bgrx: Bytes) -> None:
        """Put a part of the guest's picture, which lies on the surface, in its place and format."""
        if surface.size > self._mapped.size:
            self._map(surface.size)
        size = surface.format.bytes_per_pixel
        pixels = self._mapped[: surface.size].reshape(surface.height, surface.width, size)
        for band in bands_of(rect):
            surface.format.pack_bgrx(bgrx[band.slices], pixels[band.slices])

    def close(self) -> None:
        """The end of the VM: nobody else removes the object."""
        if self._descriptor >= 0:
            self._mapped = np.empty(0, np.uint8)
            os.close(self._descriptor)
            self._descriptor = -1
            with contextlib.suppress(FileNotFoundError):
                self._path.unlink()

    def _map(self, size: int) -> None:
        try:
            os.posix_fallocate(self._descriptor, 0, size)
            mapping = mmap.mmap(self._descriptor, size)
        except OSError as error:
            raise BackendError(f"{self._path}: {error.strerror or error}") from error
        self._mapped = np.frombuffer(mapping, np.uint8)


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
