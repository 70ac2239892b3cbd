"""Encodings of rectangles, and the pseudo-encodings by which a viewer says what else it understands."""

from enum import IntEnum
from typing import Final


class Encoding(IntEnum):
    """RFC 6143 7.7 and 7.8, and the extensions that rfbproto lists."""

    RAW = 0
    COPY_RECT = 1
    RRE = 2
    HEXTILE = 5
    ZLIB = 6
    ZRLE = 16

    DESKTOP_SIZE = -223
    LAST_RECT = -224
    CURSOR = -239
    X_CURSOR = -240
    QEMU_POINTER_MOTION_CHANGE = -257
    QEMU_EXTENDED_KEY_EVENT = -258
    QEMU_LED_STATE = -261
    EXTENDED_DESKTOP_SIZE = -308
    FENCE = -312
    CONTINUOUS_UPDATES = -313
    CURSOR_WITH_ALPHA = -314
    VMWARE_LED_STATE = 0x574D5668


PSEUDO_ENCODINGS: Final = (
    Encoding.LAST_RECT,
    Encoding.DESKTOP_SIZE,
    Encoding.EXTENDED_DESKTOP_SIZE,
    Encoding.CURSOR_WITH_ALPHA,
    Encoding.CURSOR,
    Encoding.X_CURSOR,
    Encoding.QEMU_POINTER_MOTION_CHANGE,
    Encoding.QEMU_EXTENDED_KEY_EVENT,
    Encoding.QEMU_LED_STATE,
    Encoding.VMWARE_LED_STATE,
    Encoding.FENCE,
    Encoding.CONTINUOUS_UPDATES,
)

#: The closer a server is, the less it pays to compress: with ZRLE Xtigervnc works eight times as long.
#: QUIRK(Xtigervnc 1.12): prefers ZRLE or Hextile to raw wherever they are in the list, so here they are not.
NEAR: Final = (Encoding.COPY_RECT, Encoding.RAW)
#: A server takes the first that it can.
FAR: Final = (
    Encoding.COPY_RECT,
    Encoding.ZRLE,
    Encoding.ZLIB,
    Encoding.HEXTILE,
    Encoding.RRE,
    Encoding.RAW,
)
