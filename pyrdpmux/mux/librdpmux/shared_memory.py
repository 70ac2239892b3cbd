"""A guest's framebuffer in POSIX shared memory (section 5), as seen by us: read-only and untrusted.

It is opened as a file and read with ``pread``, never mapped. Its owner may truncate it at any moment, and
touching a mapping past the new end is a SIGBUS that no check beforehand can rule out: one guest would end the
daemon and every other VM's console. A read merely comes up short. What the kernel's copy costs on top is in
``bench/framebuffer_read.py``: for a whole 1920x1080 frame that changes everywhere, 3.5 ms instead of 2.
"""

import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from pyrdpmux.codec.color import COLOR_MASK
from pyrdpmux.errors import BackendError
from pyrdpmux.files.protected_file import OpenFile
from pyrdpmux.geometry import MAX_PIXELS, MAX_SIDE, Rect
from pyrdpmux.graphics.rows import is_wide
from pyrdpmux.mux.picture.pixel_format import Bytes, PixelFormat, Words

SHARED_MEMORY: Final = Path("/dev/shm")
"""Where Linux keeps the objects of ``shm_open``."""

MIN_LIBRARY_SIZE: Final = 4096 * 2048 * 4
"""The library's objects have always this size, and old servers map all of it."""


Unlink = Callable[[Path, int | None], None]
"""What removes a file of this user. Raises OSError."""


def _unlink(path: Path, _owner: int | None) -> None:
    path.unlink()


def object_name(vm_id: int) -> str:
    return f"{vm_id}.rdpmux"


def remove_leftover(path: Path, owner: int | None, unlink: Unlink = _unlink) -> None:
    """Remove what a dead VM of this user has left; may not be permitted."""
    try:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and owner == status.st_uid:
            unlink(path, owner)
    except OSError:
        pass


@dataclass(frozen=True, slots=True)
class Surface:
    """What a DISPLAY_SWITCH announces; rows are packed, the first byte of the object is the top left."""

    format: PixelFormat
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise BackendError(f"a surface of {self.width}x{self.height}, 1 to {MAX_SIDE} allowed")
        if self.width * self.height > MAX_PIXELS:
            raise BackendError(
                f"a surface of {self.width}x{self.height}, at most {MAX_PIXELS} pixels allowed"
            )

    @property
    def stride(self) -> int:
        return self.width * self.format.bytes_per_pixel

    @property
    def size(self) -> int:
        return self.stride * self.height


class Framebuffer:
    """An open object that belongs to the right user and was large enough when it was opened."""

    def __init__(self, descriptor: int, path: Path, surface: Surface) -> None:
        self._descriptor = descriptor
        self._path = path
        self.surface = surface
        self._stride = surface.stride
        self._is_bgrx = surface.format.is_bgrx
        self._scratch: Bytes = np.empty(0, np.uint8)
        #: held while a band is read: a descriptor that is closed meanwhile may be another file's
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls, path: Path, surface: Surface, owner: int | None, open_file: OpenFile = os.open
    ) -> "Framebuffer":
        """``owner``: the only uid whose object is accepted; None if it is not known.

        Not root's for anybody else: who names the object of a VM of root's would be shown its picture.
        """
        # O_NONBLOCK: a pipe in its place must not hold us up before it is recognized as one.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = open_file(path, flags)
        except OSError as error:
            raise BackendError(f"{path}: {error.strerror or error}") from error
        framebuffer = cls(descriptor, path, surface)
        try:
            framebuffer._check(owner)
        except BackendError:
            framebuffer.close()
            raise
        return framebuffer

    def _check(self, owner: int | None) -> None:
        status = os.fstat(self._descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise BackendError(f"{self._path}: not a regular file")
        if owner is not None and status.st_uid != owner:
            raise BackendError(f"{self._path}: belongs to uid {status.st_uid}, but its VM to uid {owner}")
        if status.st_size < self.surface.size:
            raise BackendError(
                f"{self._path}: {status.st_size} bytes, but a surface of {self.surface.width}x"
                f"{self.surface.height} {self.surface.format.name} takes {self.surface.size}"
            )

    def close(self) -> None:
        """Waits for a :meth:`put`, if there is one: a millisecond at most."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            self._scratch = np.empty(0, np.uint8)

    def unlink(self, unlink: Unlink = _unlink) -> None:
        """Remove the object of a VM that has died, unless another one took its name; may not be permitted."""
        try:
            ours, current = os.fstat(self._descriptor), self._path.lstat()
            if (ours.st_dev, ours.st_ino) == (current.st_dev, current.st_ino):
                unlink(self._path, ours.st_uid)
        except OSError:
            pass

    def read(self, rect: Rect) -> Bytes:
        """The pixels of a rectangle on the surface as they are now; valid until the next call.

        Whole rows are read: a system call per row of a narrow rectangle costs more than its neighbors' bytes.
        """
        surface = self.surface
        shape = (rect.height, surface.width, surface.format.bytes_per_pixel)
        return self._rows(rect).reshape(shape)[:, rect.x : rect.right]

    def _rows(self, rect: Rect) -> Bytes:
        size = rect.height * self._stride
        if size > self._scratch.size:
            self._scratch = np.empty(size, np.uint8)
        rows = self._scratch[:size]
        self._read_rows(rect.y, rows)
        return rows

    def put(self, rect: Rect, words: Words) -> None:
        """The same in the daemon's format, at its place in ``words``, (height, width) uint32.

        What lies beside a wide rectangle comes along, where no bytes have to be turned: its rows are read to
        where they belong.
        """
        width = self.surface.width
        has_its_width = words.shape[1] == width and words.flags.c_contiguous
        is_direct = self._is_bgrx and has_its_width and is_wide(rect.width, width)
        with self._lock:
            if is_direct:
                self._read_rows(rect.y, words[rect.y : rect.bottom].reshape(-1).view(np.uint8))
            elif self._is_bgrx:
                pixels = self._rows(rect).view("<u4").reshape(-1, width)
                np.bitwise_and(pixels[:, rect.x : rect.right], COLOR_MASK, out=words[rect.slices])
            else:
                self.surface.format.put_bgrx(self.read(rect), words[rect.slices])

    def _read_rows(self, first: int, rows: Bytes) -> None:
        if self._descriptor < 0:
            raise BackendError(f"{self._path}: closed")
        try:
            count = os.preadv(self._descriptor, [rows.data], first * self._stride)
        except OSError as error:
            raise BackendError(f"{self._path}: {error.strerror or error}") from error
        if count != len(rows):
            raise BackendError(f"{self._path}: shrank below what its surface takes")
