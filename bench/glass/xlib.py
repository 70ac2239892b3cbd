"""What the benchmark needs of libX11 and libXext: a window, MIT-SHM images in both directions, XCopyArea.

Through ctypes, since no binding for Python has MIT-SHM. Depth 24 in 32 bits per pixel, little-endian: BGRX.
"""

import ctypes
import ctypes.util
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from bench.glass.frames import Frame, Pixels
from pyrdpmux.geometry import Rect

Z_PIXMAP: Final = 2
DEPTH: Final = 24
ALL_PLANES: Final = ctypes.c_ulong(0xFFFFFFFF)
COPY_FROM_PARENT: Final = 0
OVERRIDE_REDIRECT: Final = 1 << 9
IPC_PRIVATE: Final = 0
IPC_RMID: Final = 0
READ_WRITE: Final = 0o600


class XError(Exception):
    """There is no such display, or it cannot do what is asked for."""


class _SegmentInfo(ctypes.Structure):
    """XShmSegmentInfo of X11/extensions/XShm.h."""

    _fields_ = (
        ("shmseg", ctypes.c_ulong),
        ("shmid", ctypes.c_int),
        ("shmaddr", ctypes.c_void_p),
        ("readOnly", ctypes.c_int),
    )


class _ImageHead(ctypes.Structure):
    """The beginning of XImage of X11/Xlib.h."""

    _fields_ = (
        ("width", ctypes.c_int),
        ("height", ctypes.c_int),
        ("xoffset", ctypes.c_int),
        ("format", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("byte_order", ctypes.c_int),
        ("bitmap_unit", ctypes.c_int),
        ("bitmap_bit_order", ctypes.c_int),
        ("bitmap_pad", ctypes.c_int),
        ("depth", ctypes.c_int),
        ("bytes_per_line", ctypes.c_int),
        ("bits_per_pixel", ctypes.c_int),
    )


class _WindowAttributes(ctypes.Structure):
    """XSetWindowAttributes of X11/Xlib.h."""

    _fields_ = (
        ("background_pixmap", ctypes.c_ulong),
        ("background_pixel", ctypes.c_ulong),
        ("border_pixmap", ctypes.c_ulong),
        ("border_pixel", ctypes.c_ulong),
        ("bit_gravity", ctypes.c_int),
        ("win_gravity", ctypes.c_int),
        ("backing_store", ctypes.c_int),
        ("backing_planes", ctypes.c_ulong),
        ("backing_pixel", ctypes.c_ulong),
        ("save_under", ctypes.c_int),
        ("event_mask", ctypes.c_long),
        ("do_not_propagate_mask", ctypes.c_long),
        ("override_redirect", ctypes.c_int),
        ("colormap", ctypes.c_ulong),
        ("cursor", ctypes.c_ulong),
    )


def _library(name: str) -> ctypes.CDLL:
    path = ctypes.util.find_library(name)
    if path is None:
        raise XError(f"lib{name} is not installed")
    return ctypes.CDLL(path)


def _declare(library: ctypes.CDLL, pointers: str, longs: str = "") -> None:
    """What does not return an int."""
    for name in pointers.split():
        getattr(library, name).restype = ctypes.c_void_p
    for name in longs.split():
        getattr(library, name).restype = ctypes.c_ulong


class XDisplay:
    """A connection to an X server."""

    def __init__(self, name: str) -> None:
        self.x11, self.xext = _library("X11"), _library("Xext")
        _declare(self.x11, "XOpenDisplay XDefaultVisual XCreateGC", "XDefaultRootWindow XCreateWindow")
        _declare(self.xext, "XShmCreateImage")
        opened = self.x11.XOpenDisplay(name.encode())
        if not opened:
            raise XError(f"{name}: no such display")
        self.handle = ctypes.c_void_p(opened)
        if not self.xext.XShmQueryExtension(self.handle):
            raise XError(f"{name}: no MIT-SHM")
        self.root = ctypes.c_ulong(self.x11.XDefaultRootWindow(self.handle))
        self.visual = ctypes.c_void_p(self.x11.XDefaultVisual(self.handle, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.x11.XCloseDisplay(self.handle)

    @property
    def size(self) -> tuple[int, int]:
        return self.x11.XDisplayWidth(self.handle, 0), self.x11.XDisplayHeight(self.handle, 0)

    def sync(self) -> None:
        """Until the server has done everything."""
        self.x11.XSync(self.handle, 0)

    def window(self, width: int, height: int) -> ctypes.c_ulong:
        """In the top left corner, on top, without a window manager's doing."""
        attributes = _WindowAttributes(override_redirect=1)
        window = ctypes.c_ulong(
            self.x11.XCreateWindow(
                self.handle, self.root, 0, 0, width, height, 0, COPY_FROM_PARENT, 1, None,
                ctypes.c_ulong(OVERRIDE_REDIRECT), ctypes.byref(attributes),
            )
        )  # fmt: skip
        self.x11.XMapRaised(self.handle, window)
        self.sync()
        return window


class SharedImage:
    """An image in memory that the X server sees as well."""

    def __init__(self, display: XDisplay, width: int, height: int) -> None:
        self._display = display
        self._segment = _SegmentInfo()
        image = display.xext.XShmCreateImage(
            display.handle, display.visual, DEPTH, Z_PIXMAP, None,
            ctypes.byref(self._segment), width, height,
        )  # fmt: skip
        if not image:
            raise XError("XShmCreateImage")
        self.handle = ctypes.c_void_p(image)
        head: Any = ctypes.cast(self.handle, ctypes.POINTER(_ImageHead)).contents
        if head.bits_per_pixel != 32 or head.bytes_per_line != 4 * width:
            raise XError(f"{head.bits_per_pixel} bits per pixel, expected 32")
        size = 4 * width * height
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        identifier = libc.shmget(IPC_PRIVATE, ctypes.c_size_t(size), IPC_RMID | 0o1000 | READ_WRITE)
        address = libc.shmat(identifier, None, 0) if identifier >= 0 else None
        if address is None or address == ctypes.c_void_p(-1).value:
            raise XError(f"{size} bytes of shared memory: errno {ctypes.get_errno()}")
        self._segment.shmid, self._segment.shmaddr = identifier, address
        head.data = address
        display.xext.XShmAttach(display.handle, ctypes.byref(self._segment))
        display.sync()
        # Gone with the last of those who see it, however they end.
        libc.shmctl(identifier, IPC_RMID, None)
        buffer = (ctypes.c_uint8 * size).from_address(address)
        self.pixels: Pixels = np.ctypeslib.as_array(buffer).reshape(height, width, 4)

    def grab(self, x: int, y: int) -> None:
        """Fill it from the display's picture at (x, y)."""
        display = self._display
        if not display.xext.XShmGetImage(display.handle, display.root, self.handle, x, y, ALL_PLANES):
            raise XError("XShmGetImage")


class XCanvas:
    """A window that covers a display, drawn the way a program does that knows what moves."""

    def __init__(self, display: XDisplay, width: int, height: int) -> None:
        if display.size != (width, height):
            raise XError(f"the display has {display.size}, expected {(width, height)}")
        self._display = display
        self._window = display.window(width, height)
        self._context = ctypes.c_void_p(display.x11.XCreateGC(display.handle, self._window, 0, None))
        display.x11.XSetGraphicsExposures(display.handle, self._context, 0)
        self._image = SharedImage(display, width, height)

    def show(self, frame: Frame) -> None:
        """Draw it; returns when the X server has."""
        display = self._display
        for move in frame.moves:
            source = move.source
            display.x11.XCopyArea(
                display.handle, self._window, self._window, self._context,
                source.x, source.y, source.width, source.height, move.x, move.y,
            )  # fmt: skip
        for patch in frame.patches:
            rect = patch.rect
            self._image.pixels[rect.y : rect.bottom, rect.x : rect.right] = patch.pixels
            self._put(rect)
        display.sync()

    def _put(self, rect: Rect) -> None:
        display = self._display
        display.xext.XShmPutImage(
            display.handle, self._window, self._context, self._image.handle,
            rect.x, rect.y, rect.x, rect.y, rect.width, rect.height, 0,
        )  # fmt: skip
