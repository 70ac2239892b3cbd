"""The pointer that an X display shows at the moment, as the X Fixes extension tells it."""

import ctypes
import ctypes.util
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

X11: Final = ctypes.util.find_library("X11")
XFIXES: Final = ctypes.util.find_library("Xfixes")


class _Image(ctypes.Structure):
    """XFixesCursorImage of X11/extensions/Xfixes.h."""

    _fields_ = (
        ("x", ctypes.c_short),
        ("y", ctypes.c_short),
        ("width", ctypes.c_ushort),
        ("height", ctypes.c_ushort),
        ("xhot", ctypes.c_ushort),
        ("yhot", ctypes.c_ushort),
        ("cursor_serial", ctypes.c_ulong),
        ("pixels", ctypes.POINTER(ctypes.c_ulong)),
        ("atom", ctypes.c_ulong),
        ("name", ctypes.c_char_p),
    )


@dataclass(frozen=True)
class XCursor:
    """Where it is, its hot spot, and its pixels: blue, green, red, alpha, multiplied by alpha."""

    position: tuple[int, int]
    hot_spot: tuple[int, int]
    image: NDArray[np.uint8]


def cursor_of(display_name: str) -> XCursor:
    """What the display shows now."""
    assert X11 is not None
    assert XFIXES is not None
    x11, xfixes = ctypes.CDLL(X11), ctypes.CDLL(XFIXES)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    xfixes.XFixesGetCursorImage.restype = ctypes.POINTER(_Image)
    display = ctypes.c_void_p(x11.XOpenDisplay(display_name.encode()))
    assert display.value, f"no display {display_name}"
    found = xfixes.XFixesGetCursorImage(display)
    image = found.contents
    words = np.array(image.pixels[: image.width * image.height], np.uint64).astype(
        np.uint32
    )  # the lower half
    cursor = XCursor(
        (image.x, image.y),
        (image.xhot, image.yhot),
        words.reshape(image.height, image.width).view(np.uint8).reshape(image.height, image.width, 4),
    )
    x11.XFree(found)
    x11.XCloseDisplay(display)
    return cursor
