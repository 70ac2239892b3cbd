"""What a server may make us hold; more of it is not a screen."""

from typing import Final

MAX_PIXELS: Final = 1 << 25
"""Of a framebuffer and of one rectangle: a little more than 8K."""

OVERDRAW: Final = 4
"""A server that paints each pixel of its framebuffer more often than this in one update wants our time."""

SMALL_UPDATE: Final = 1 << 20
"""Pixels that an update may paint whatever the framebuffer: pointers, a new size, rectangles that overlap."""

PIXELS_PER_RECTANGLE: Final = 16
"""Of the framebuffer, for each rectangle of an update: QEMU's smallest are 16x1."""

SMALL_COUNT: Final = 4096
"""Rectangles that an update may have whatever the framebuffer."""

STEP_PIXELS: Final = 1 << 16
"""Painted at once, so that what is done between two yields of a decoder takes a millisecond or so."""

MAX_CURSOR_SIDE: Final = 1024
KEPT_CURSOR_SIDE: Final = 384
"""Of a pointer that is larger, the rest is read and forgotten: RDP knows none."""

MAX_SCREENS: Final = 64
MAX_TEXT: Final = 1 << 16
"""Of a desktop name or of a reason; the rest is not read."""

MAX_SUBTYPES: Final = 64

MAX_FENCE: Final = 64
"""Bytes of a fence's payload, as rfbproto has it."""

COMPRESSED_CHUNK: Final = 1 << 14
"""The same, of compressed data: it may take far longer to inflate than to send."""

CHUNK: Final = 1 << 18
"""Bytes waited for at a time: large rectangles arrive in bands, long texts are thrown away in pieces."""
