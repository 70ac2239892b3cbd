"""What QEMU shows on a console: the VM's surface, written by the thread that reads what QEMU sends.

However far the loop is behind, this is one picture and one region: the newest pixels, and where they changed.
INVARIANT: whoever holds the lock touches no pixels, so that the loop never waits for a copy.
"""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import COLOR_MASK, Pixels
from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import MAX_PIXELS, MAX_SIDE, Rect, Region
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.cursor import AnyCursor, Cursor, CursorState
from pyrdpmux.mux.picture.pixel_format import PixelCode, PixelFormat, pixel_format
from pyrdpmux.mux.picture.screen import NO_SIGNAL_SIZE, bands_of, new_surface

MAX_COMPARED: Final = 64 << 10
"""Pixels of an update that are looked at before anybody is told: a text cursor is sent for ever, at 33 Hz,
also while it does not change. Of a larger one, streams find out what has."""

MAX_CURSOR_SIDE: Final = 512

MAX_MACHINE_PIXELS: Final = 2 * MAX_PIXELS
"""Of all consoles of one QEMU: the memory that it can make us use for its pictures."""

FIT_ATTEMPTS: Final = 10
"""To copy a picture into one of another size without an update coming in between."""

MAX_ROWS_READ: Final = 1 << 20
"""Bytes of shared memory at a time; rows may be far longer than the picture is wide."""

_BGRX: Final = (PixelCode.X8R8G8B8, PixelCode.A8R8G8B8)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What has changed since the last one. The surface goes on changing; every change is told again."""

    surface: Surface
    rects: tuple[Rect, ...]
    #: there are pixels of QEMU's; not so before the first ones, and while the display is off
    is_enabled: bool
    #: QEMU said so
    is_off: bool
    cursor: AnyCursor | None
    position: tuple[int, int] | None


class PixelBudget:
    """What the pictures of one QEMU may take together."""

    def __init__(self, maximum: int = MAX_MACHINE_PIXELS) -> None:
        self._maximum = maximum
        self._lock = threading.Lock()
        self._taken: dict[int, int] = {}

    def take(self, owner: object, pixels: int) -> None:
        """So many instead of those that the owner has now. BackendError if there are not so many left."""
        with self._lock:
            total = sum(self._taken.values()) - self._taken.get(id(owner), 0) + pixels
            if total > self._maximum:
                raise BackendError(f"pictures of {total} pixels in all, at most {self._maximum} allowed")
            self._taken[id(owner)] = pixels

    def give_back(self, owner: object) -> None:
        with self._lock:
            self._taken.pop(id(owner), None)


class Picture:
    """The pixels of one console. ``changed`` is called by the writer, once until the next :meth:`take`."""

    def __init__(self, changed: Callable[[], None], budget: PixelBudget | None = None) -> None:
        self._changed = changed
        self._budget = budget or PixelBudget()
        #: held for moments only, around everything that :meth:`take` takes
        self._lock = threading.Lock()
        self._size = NO_SIGNAL_SIZE
        #: of another size than that only until :meth:`fit`
        self._surface = new_surface(*self._size)
        #: larger, and from before the size that the console's properties told: that news may be old
        self._spare: Surface | None = None
        #: how often pixels were written
        self._puts = 0
        self._damage = Region()
        self._is_enabled = self._is_off = False
        self._cursor: AnyCursor | None = None
        self._shape: AnyCursor = CursorState.UNDEFINED
        self._position: tuple[int, int] | None = None
        self._is_told = False
        #: an update went beyond the size that was told: the console's properties know the new one
        self._is_guessed = False
        self._shared: _SharedMemory | None = None

    # -- the writer's side -----------------------------------------------------------------------

    def scanout(self, width: int, height: int, stride: int, code: int, data: memoryview) -> None:
        """The whole picture, perhaps of another size. BackendError if it cannot be one."""
        source = _view(width, height, stride, code, data)
        self._drop_shared()
        self._start(width, height)
        self._put(Rect(0, 0, width, height), source, pixel_format(code))

    def update(self, rect: Rect, stride: int, code: int, data: memoryview) -> None:
        """A part of it, which may lie outside: text modes change their size without a word (7.2)."""
        if rect.x < 0 or rect.y < 0:
            raise BackendError(f"an update of {rect}")
        source = _view(rect.width, rect.height, stride, code, data)
        self._grow(rect.right, rect.bottom)
        self._put(rect, source, pixel_format(code))

    def scanout_map(
        self, descriptor: int, offset: int, width: int, height: int, stride: int, code: int
    ) -> None:
        """The whole picture lies in shared memory; the descriptor is ours from now on."""
        try:
            _check_surface(width, height, stride, code)
            shared = _SharedMemory(descriptor, offset, width, height, stride, pixel_format(code))
        except BaseException:
            os.close(descriptor)
            raise
        self._drop_shared()
        self._shared = shared
        self._start(width, height)
        self.update_map(Rect(0, 0, width, height))

    def update_map(self, rect: Rect) -> None:
        """A part of what lies there is new."""
        shared = self._shared
        if shared is None:
            raise BackendError("an UpdateMap without ScanoutMap")
        rect = rect.clip(shared.width, shared.height)
        if not rect.is_empty:
            self._grow(rect.right, rect.bottom)
            for band in shared.bands_of(rect):
                self._put(band, shared.read(band), shared.format)

    def disable(self) -> None:
        """Nothing is shown."""
        self._drop_shared()
        with self._lock:
            self._is_enabled, self._is_off = False, True
            self._tell()

    def set_size(self, width: int, height: int) -> None:
        """What the console's properties say; takes effect by :meth:`fit`. Pixels beyond are kept aside."""
        if _is_size(width, height):
            self._set_size(width, height)

    def define_cursor(self, width: int, height: int, hot_x: int, hot_y: int, data: bytes) -> None:
        """BGRA pixels. A shape without any is no pointer at all."""
        if not (0 < width <= MAX_CURSOR_SIDE and 0 < height <= MAX_CURSOR_SIDE):
            raise BackendError(f"a cursor of {width}x{height}")
        if len(data) != width * height * 4:
            raise BackendError(f"{len(data)} bytes for a cursor of {width}x{height}")
        image = np.frombuffer(data, np.uint8).reshape(height, width, 4)
        cursor = Cursor(image, hot_x, hot_y)
        with self._lock:
            self._shape = CursorState.HIDDEN if cursor.is_blank else cursor
            self._cursor = self._shape
            self._tell()

    def set_pointer(self, x: int, y: int, is_visible: bool) -> None:
        """Where the guest has put its pointer."""
        with self._lock:
            self._cursor = self._shape if is_visible else CursorState.HIDDEN
            self._position = (x, y) if is_visible else None
            self._tell()

    def accept_size(self) -> None:
        """Take the size that the pixels suggest: no property of the console has contradicted it."""
        with self._lock:
            self._is_guessed = False

    def release(self) -> None:
        """Nobody looks, and nothing comes in: black, without the memory, until the next scanout."""
        with self._lock:
            self._surface = new_surface(*self._size)
            self._is_enabled = False
            self._damage.clear()

    def close(self) -> None:
        """Its listener has ended; another one may write again."""
        self._drop_shared()
        self._spare = None
        self._budget.give_back(self)

    # -- the loop's side -------------------------------------------------------------------------

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def is_fit(self) -> bool:
        """The surface has the size that is shown. Before the first pixels none is needed."""
        return not self._is_enabled or (self._surface.width, self._surface.height) == self._size

    def fit(self) -> None:
        """Go on with a surface of the size that is shown, in any thread: all of the picture is copied."""
        for attempt in range(FIT_ATTEMPTS):
            with self._lock:
                old, size, puts = self._surface, self._size, self._puts
            if self.is_fit:
                return
            new = new_surface(*size)
            _copy_over(old, new)
            with self._lock:
                is_same = self._surface is old and self._size == size
                if is_same and (self._puts == puts or attempt == FIT_ATTEMPTS - 1):
                    if old.width > new.width or old.height > new.height:
                        self._spare = old
                    self._surface = new
                    self._damage.add(new.rect)
                    return

    def take(self) -> Snapshot | None:
        """What is new; afterwards nothing is. None as long as the size is a guess: see :meth:`set_size`."""
        with self._lock:
            if self._is_guessed or not self.is_fit:
                return None
            self._damage.clip(*self._size)
            snapshot = Snapshot(
                self._surface,
                tuple(self._damage),
                self._is_enabled,
                self._is_off,
                self._cursor,
                self._position,
            )
            self._damage.clear()
            self._cursor = self._position = None
            self._is_told = False
        return snapshot

    # -- inside ----------------------------------------------------------------------------------

    def _start(self, width: int, height: int) -> None:
        self._spare = None
        surface = self._surface
        self._budget.take(self, width * height)
        if (surface.width, surface.height) != (width, height):
            surface = new_surface(width, height)
        with self._lock:
            self._surface = surface
            self._take_size(width, height)

    def _set_size(self, width: int, height: int) -> None:
        with self._lock:
            self._take_size(width, height)

    def _take_size(self, width: int, height: int) -> None:
        """The lock is held."""
        self._is_guessed = False
        if (width, height) != self._size:
            self._size = (width, height)
            self._damage.add(Rect(0, 0, width, height))
            self._tell()

    def _grow(self, right: int, bottom: int) -> None:
        """Make room; what is there stays, and what was there before the picture became smaller comes back."""
        while True:
            with self._lock:
                old, told, spare = self._surface, self._size, self._spare
            size = max(told[0], right), max(told[1], bottom)
            if not _is_size(*size):
                raise BackendError(f"an update up to {right},{bottom}")
            if size == told and right <= old.width and bottom <= old.height:
                return
            self._budget.take(self, size[0] * size[1])
            new = new_surface(*size)
            for one in (spare, old):
                if one is not None:
                    _copy_over(one, new)
            with self._lock:
                if self._surface is not old or self._size != told:
                    continue  # told of another size meanwhile
                self._surface, self._spare = new, None
                if size != told:
                    self._size = size
                    self._is_guessed = True
                self._damage.add(new.rect)
                return

    def _put(self, rect: Rect, source: Pixels, pixels: PixelFormat) -> None:
        """Pixels first, then the word of them: whoever takes the word sees the pixels."""
        while True:
            surface = self._surface
            has_changed = self._write(surface, rect, source, pixels)
            with self._lock:
                if surface is not self._surface:
                    continue  # it was copied meanwhile, perhaps without this
                self._puts += 1
                if has_changed:
                    self._is_enabled, self._is_off = True, False
                    self._damage.add(rect)
                    self._tell()
                return

    def _write(self, surface: Surface, rect: Rect, source: Pixels, pixels: PixelFormat) -> bool:
        """Whether anything has changed, if that was looked at. What lies outside is cut off."""
        is_compared = self._is_enabled and rect.pixels <= MAX_COMPARED
        has_changed = False
        for band in bands_of(rect.clip(surface.width, surface.height)):
            old = surface.words[band.y : band.bottom, band.x : band.right]
            part = source[band.y - rect.y : band.bottom - rect.y, band.x - rect.x : band.right - rect.x]
            if not is_compared:
                pixels.put_bgrx(part, old)
                has_changed = True
            elif not np.array_equal(old, words := _words_of(part, pixels)):
                old[...] = words
                has_changed = True
        return has_changed

    def _tell(self) -> None:
        if not self._is_told:
            self._is_told = True
            self._changed()

    def _drop_shared(self) -> None:
        shared, self._shared = self._shared, None
        if shared is not None:
            os.close(shared.descriptor)


class _SharedMemory:
    """A picture in a memfd of QEMU's, read with pread: a mapping dies with SIGBUS if it is truncated."""

    def __init__(
        self, descriptor: int, offset: int, width: int, height: int, stride: int, pixels: PixelFormat
    ) -> None:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size < offset + stride * height:
            raise BackendError(f"{status.st_size} bytes of shared memory for {width}x{height}")
        self.descriptor = descriptor
        self.width = width
        self.height = height
        self.format = pixels
        self._offset = offset
        self._stride = stride

    def bands_of(self, rect: Rect) -> Iterator[Rect]:
        """Of so many rows as are read at a time."""
        rows = max(1, MAX_ROWS_READ // self._stride)
        for top in range(rect.y, rect.bottom, rows):
            yield Rect(rect.x, top, rect.width, min(rows, rect.bottom - top))

    def read(self, rect: Rect) -> Pixels:
        """Whole rows are read, a part of them returned."""
        rows = np.empty((rect.height, self._stride), np.uint8)
        if os.preadv(self.descriptor, [rows.data], self._offset + rect.y * self._stride) != rows.size:
            raise BackendError("shared memory became shorter")
        view = self.format.view(rows.data.cast("B"), self.width, rect.height, self._stride)
        return view[:, rect.x : rect.right]


def _copy_over(source: Surface, target: Surface) -> None:
    """What of it there is room for."""
    width, height = min(source.width, target.width), min(source.height, target.height)
    target.words[:height, :width] = source.words[:height, :width]


def _words_of(source: Pixels, pixels: PixelFormat) -> NDArray[np.uint32]:
    """0x00RRGGBB."""
    if pixels.code in _BGRX:
        words: NDArray[np.uint32] = source.view("<u4")[:, :, 0] & COLOR_MASK
        return words
    return pixels.to_bgrx(source).view("<u4")[:, :, 0]


def _is_size(width: int, height: int) -> bool:
    return 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE and width * height <= MAX_PIXELS


def _check_surface(width: int, height: int, stride: int, code: int) -> None:
    if not _is_size(width, height):
        raise BackendError(f"a picture of {width}x{height}")
    if not width * pixel_format(code).bytes_per_pixel <= stride <= 4 * MAX_SIDE * 4:
        raise BackendError(f"{width} pixels in rows of {stride} bytes")


def _view(width: int, height: int, stride: int, code: int, data: memoryview) -> Pixels:
    _check_surface(width, height, stride, code)
    try:
        return pixel_format(code).view(data, width, height, stride)
    except ValueError as error:
        raise BackendError(str(error)) from None
