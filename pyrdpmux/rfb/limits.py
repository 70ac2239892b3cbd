"""What a server may make us hold; more of it is not a screen."""

from typing import Final

MAX_SIDE: Final = 8192
MAX_PIXELS: Final = 1 << 25
"""Of a framebuffer and of one rectangle: a little more than 8K."""

MAX_CURSOR_SIDE: Final = 1024
MAX_SCREENS: Final = 64
MAX_TEXT: Final = 1 << 16
"""Of a desktop name or of a reason; the rest is not read."""

MAX_SUBTYPES: Final = 64

CHUNK: Final = 1 << 18
"""Bytes waited for at a time: large rectangles arrive in bands, long texts are thrown away in pieces."""
