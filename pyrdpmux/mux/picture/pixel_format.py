"""The pixel formats a guest may use, to and from the daemon's BGRX.

A format is named by its pixman code (``librdpmux-protocol.md`` 4.4): bits per pixel, order and channel widths
of a little-endian pixel. Alpha is ignored: a console has nothing behind it. The fourth byte of BGRX is always
0, so that guests which leave garbage there do not look like change.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import COLOR_MASK
from pyrdpmux.errors import BackendError

Bytes: TypeAlias = NDArray[np.uint8]
Words: TypeAlias = NDArray[np.uint32]

OPAQUE: Final = np.uint32(0xFF000000)
"""Its fourth byte, full."""


class PixelCode(IntEnum):
    """``pixman_format_code_t``: bpp << 24 | order << 16 | a << 12 | r << 8 | g << 4 | b."""

    A8R8G8B8 = 0x20028888
    X8R8G8B8 = 0x20020888
    A8B8G8R8 = 0x20038888
    X8B8G8R8 = 0x20030888
    B8G8R8A8 = 0x20088888
    B8G8R8X8 = 0x20080888
    R8G8B8A8 = 0x20098888
    R8G8B8X8 = 0x20090888
    R8G8B8 = 0x18020888
    B8G8R8 = 0x18030888
    R5G6B5 = 0x10020565
    B5G6R5 = 0x10030565
    A1R5G5B5 = 0x10021555
    X1R5G5B5 = 0x10020555


class _Order(IntEnum):
    """Channels from the most significant bit down."""

    ARGB = 2
    ABGR = 3
    BGRA = 8
    RGBA = 9


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """One row of the table, with its conversions."""

    code: PixelCode

    @property
    def name(self) -> str:
        return self.code.name.lower()

    @property
    def bytes_per_pixel(self) -> int:
        return self.code >> 27

    @property
    def is_bgrx(self) -> bool:
        """Whether its bytes are those of a surface, whose fourth means nothing."""
        return self.bytes_per_pixel == 4 and self._order is _Order.ARGB

    def view(self, buffer: bytes | bytearray | memoryview, width: int, height: int, stride: int) -> Bytes:
        """The pixels in a buffer whose rows are ``stride`` bytes apart: (height, width, bytes per pixel)."""
        used = width * self.bytes_per_pixel
        if stride < used or len(buffer) < stride * (height - 1) + used:
            raise ValueError(f"{len(buffer)} bytes for {width}x{height} {self.name} with stride {stride}")
        return np.ndarray(
            (height, width, self.bytes_per_pixel), np.uint8, buffer, strides=(stride, self.bytes_per_pixel, 1)
        )

    def to_bgrx(self, pixels: Bytes) -> Bytes:
        """A new (height, width, 4) array from a (height, width, bytes per pixel) one with any row stride."""
        match self.bytes_per_pixel:
            case 4:
                return _as_bytes(_from_32(_as_words(pixels), self._order))
            case 3:
                return _from_24(pixels, self._order)
            case _:
                return _as_bytes(_expansion(self.code)[_as_halves(pixels)])

    def put_bgrx(self, pixels: Bytes, words: Words) -> None:
        """The same, into (height, width) uint32 words 0x00RRGGBB that are there."""
        if self.is_bgrx:
            np.bitwise_and(_as_words(pixels), COLOR_MASK, out=words)
        else:
            words[...] = _as_words(self.to_bgrx(pixels))

    def from_bgrx(self, bgrx: Bytes) -> Bytes:
        """The reverse, for guests: low bits are cut off where a channel has less than 8; alpha is full."""
        words = _as_words(bgrx)
        match self.bytes_per_pixel:
            case 4:
                return _as_bytes(_to_32(words, self._order))
            case 3:
                return np.ascontiguousarray(
                    bgrx[:, :, :3] if self._order == _Order.ARGB else bgrx[:, :, 2::-1]
                )
            case _:
                return _reduce(words, self.code)

    def pack_bgrx(self, bgrx: Bytes, pixels: Bytes) -> None:
        """The same, into (height, width, bytes per pixel) bytes that are there, at any row stride."""
        if self.is_bgrx:
            np.bitwise_or(_as_words(bgrx), OPAQUE, out=_as_words(pixels))
        else:
            pixels[...] = self.from_bgrx(bgrx)

    @property
    def _order(self) -> _Order:
        return _Order((self.code >> 16) & 0xFF)


def pixel_format(code: int) -> PixelFormat:
    """Look up a guest's format code."""
    try:
        return PixelFormat(PixelCode(code))
    except ValueError:
        raise BackendError(f"pixel format {code:#010x} is not one of pixman's that we know") from None


def _as_words(pixels: Bytes) -> Words:
    return _reinterpret(pixels).view("<u4")[:, :, 0]


def _as_halves(pixels: Bytes) -> NDArray[np.uint16]:
    return _reinterpret(pixels).view("<u2")[:, :, 0]


def _reinterpret(pixels: Bytes) -> Bytes:
    """Rows may be apart, the bytes of a row may not."""
    height, width, size = pixels.shape
    if height and width and pixels.strides[1:] != (size, 1):
        return np.ascontiguousarray(pixels)
    return pixels


def _as_bytes(words: Words) -> Bytes:
    return words.view(np.uint8).reshape(*words.shape, 4)


def _from_32(words: Words, order: _Order) -> Words:
    """Turn the word until it reads 0xXXRRGGBB, then cut X off."""
    match order:
        case _Order.ARGB:
            turned = words & COLOR_MASK
        case _Order.ABGR:
            turned = words.byteswap()
            turned >>= np.uint32(8)
        case _Order.RGBA:
            turned = words >> np.uint32(8)
        case _Order.BGRA:
            turned = words.byteswap()
            turned &= COLOR_MASK
    return turned


def _to_32(words: Words, order: _Order) -> Words:
    """The reverse, with the fourth byte full, whatever it was."""
    match order:
        case _Order.ARGB:
            turned = words | OPAQUE
        case _Order.ABGR:
            turned = words.byteswap()
            turned >>= np.uint32(8)
            turned |= OPAQUE
        case _Order.RGBA:
            turned = words << np.uint32(8)
            turned |= np.uint32(0xFF)
        case _Order.BGRA:
            turned = words | OPAQUE
            turned = turned.byteswap(inplace=True)
    return turned


def _from_24(pixels: Bytes, order: _Order) -> Bytes:
    """Channel by channel: seven times as fast as numpy's copy of runs of three."""
    bgrx = np.zeros((*pixels.shape[:2], 4), np.uint8)
    for source, target in enumerate((0, 1, 2) if order == _Order.ARGB else (2, 1, 0)):
        bgrx[:, :, target] = pixels[:, :, source]
    return bgrx


@dataclass(frozen=True, slots=True)
class _Channel:
    shift: int
    width: int

    def expand(self, halves: Words) -> Words:
        """To 8 bits, by repeating the high bits below, so that full stays full."""
        value = (halves >> np.uint32(self.shift)) & np.uint32((1 << self.width) - 1)
        return (value << np.uint32(8 - self.width)) | (value >> np.uint32(2 * self.width - 8))

    def reduce(self, value: Words) -> Words:
        return (value >> np.uint32(8 - self.width)) << np.uint32(self.shift)


def _channels(code: PixelCode) -> tuple[_Channel, _Channel, _Channel]:
    """Red, green and blue of a 16-bit format."""
    red, green, blue = (code >> 8) & 15, (code >> 4) & 15, code & 15
    if (code >> 16) & 0xFF == _Order.ARGB:
        return _Channel(green + blue, red), _Channel(blue, green), _Channel(0, blue)
    return _Channel(0, red), _Channel(red, green), _Channel(red + green, blue)


@cache
def _expansion(code: PixelCode) -> Words:
    """BGRX for each of the 65536 values: one lookup per pixel beats eight passes of arithmetic."""
    halves = np.arange(0x10000, dtype=np.uint32)
    red, green, blue = (channel.expand(halves) for channel in _channels(code))
    return (red << np.uint32(16)) | (green << np.uint32(8)) | blue


def _reduce(words: Words, code: PixelCode) -> Bytes:
    red, green, blue = _channels(code)
    byte = np.uint32(0xFF)
    halves = red.reduce((words >> np.uint32(16)) & byte)
    halves |= green.reduce((words >> np.uint32(8)) & byte)
    halves |= blue.reduce(words & byte)
    if (code >> 12) & 15:
        halves |= np.uint32(0x8000)
    packed = halves.astype("<u2")
    return packed.view(np.uint8).reshape(*packed.shape, 2)
