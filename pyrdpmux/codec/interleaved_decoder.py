"""Reading RLE_BITMAP_STREAMs (MS-RDPBCGR 2.2.9.1.1.3.1.2.4, 3.1.9), all orders, strictly.

Hostile input: an order is refused before it writes if it goes past the last pixel, and a stream if it ends
before the last pixel; so memory is exactly the expected size, and work is bounded by orders (each at least
one byte of input) and by lines written.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import MAX_PIXELS, Samples
from pyrdpmux.errors import DecodeError

_SPECIAL_MASKS: Final = {0xF9: 0x03, 0xFA: 0x05}
_WHITE_PIXEL, _BLACK_PIXEL = 0xFD, 0xFE
_DTYPES: Final = {8: np.uint8, 15: np.uint16, 16: np.uint16, 24: np.uint32}


class _Form(NamedTuple):
    """How an order states its length."""

    kind: str
    mask: int  # of the length within the header; 0 for the two bytes of MEGA_MEGA orders
    sets_foreground: bool = False


_FORMS: Final = {
    0x0: _Form("background", 0x1F),
    0x1: _Form("foreground", 0x1F),
    0x2: _Form("image", 0x1F),
    0x3: _Form("color run", 0x1F),
    0x4: _Form("color image", 0x1F),
    0xC: _Form("foreground", 0x0F, True),
    0xD: _Form("image", 0x0F, True),
    0xE: _Form("dithered", 0x0F),
    0xF0: _Form("background", 0),
    0xF1: _Form("foreground", 0),
    0xF2: _Form("image", 0),
    0xF3: _Form("color run", 0),
    0xF4: _Form("color image", 0),
    0xF6: _Form("foreground", 0, True),
    0xF7: _Form("image", 0, True),
    0xF8: _Form("dithered", 0),
}


def decode(data: bytes, width: int, height: int, bits_per_pixel: int) -> Samples:
    """(height, width) samples, lines in the order of the wire (bottom-up)."""
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise DecodeError("Interleaved", f"{width} x {height} pixels, expected 1 to {MAX_PIXELS}", 0)
    decoder = _Decoder(data, width, height, bits_per_pixel)
    while decoder.offset < len(data):
        decoder.order()
    if decoder.at < width * height:
        reason = f"{decoder.at} pixels, expected {width * height}"
        raise DecodeError("Interleaved.rleCompressedBitmapStream", reason, len(data))
    return decoder.out.reshape(height, width)


class _Decoder:
    """The state of 3.1.9's pseudo code."""

    def __init__(self, data: bytes, width: int, height: int, bits_per_pixel: int) -> None:
        dtype = _DTYPES[bits_per_pixel]
        self.data = data
        self.offset = 0
        self.at = 0
        self.width = width
        self.pixel = (bits_per_pixel + 7) // 8
        self.out: Samples = np.zeros(width * height, dtype)
        self.white = (1 << bits_per_pixel) - 1
        self.foreground = self.white
        self.inserts_foreground = False
        self.is_first_line = True
        self.start = 0

    def error(self, reason: str) -> DecodeError:
        return DecodeError("Interleaved.rleCompressedBitmapStream", reason, self.start)

    # -- input -------------------------------------------------------------------------------------

    def take(self, size: int) -> bytes:
        chunk = self.data[self.offset : self.offset + size]
        if len(chunk) < size:
            raise self.error(f"need {size} bytes, {len(chunk)} left")
        self.offset += size
        return chunk

    def color(self) -> int:
        value = 0
        for byte in reversed(self.take(self.pixel)):
            value = value << 8 | byte
        return value

    def length(self, header: int, form: _Form) -> int:
        if not form.mask:
            low, high = self.take(2)
            return high << 8 | low
        short = header & form.mask
        if form.kind == "image":
            return short * 8 or self.take(1)[0] + 1
        return short or self.take(1)[0] + form.mask + 1

    # -- orders ------------------------------------------------------------------------------------

    def order(self) -> None:
        self.start = self.offset
        header = self.take(1)[0]
        if self.is_first_line and self.at >= self.width:
            self.is_first_line = self.inserts_foreground = False
        if header >= 0xF9:
            self.special(header)
            return
        code = header if header >= 0xF0 else header >> 4 if header >= 0xC0 else header >> 5
        form = _FORMS.get(code)
        if form is None:
            raise self.error(f"order {header:#04x}, expected a known one")
        length = self.length(header, form)
        inserts = self.inserts_foreground
        self.inserts_foreground = form.kind == "background"
        if form.sets_foreground:
            self.foreground = self.color()
        if form.kind == "background":
            self.background(length, inserts)
        elif form.kind == "foreground":
            self.vary(length, self.foreground)
        elif form.kind == "image":
            self.image(length, self.take((length + 7) // 8))
        elif form.kind == "color image":
            self.color_image(length)
        else:
            self.colors(length, [self.color() for _ in range(2 if form.kind == "dithered" else 1)])

    def special(self, header: int) -> None:
        self.inserts_foreground = False
        if header in _SPECIAL_MASKS:
            self.image(8, bytes([_SPECIAL_MASKS[header]]))
        elif header in (_WHITE_PIXEL, _BLACK_PIXEL):
            self.colors(1, [self.white if header == _WHITE_PIXEL else 0])
        else:
            raise self.error(f"order {header:#04x}, expected a known one")

    def room(self, length: int) -> None:
        if length > len(self.out) - self.at:
            raise self.error(f"{length} pixels, {len(self.out) - self.at} left in the bitmap")

    def background(self, length: int, inserts: bool) -> None:
        if inserts:
            if not length:
                raise self.error("empty background run, expected room for a foreground pixel")
            self.vary(1, self.foreground)
            length -= 1
        self.vary(length, 0)

    def vary(self, length: int, difference: int) -> None:
        """Pixels that are those above, or black on the first line, changed by one difference."""
        self.room(length)
        at, stop, width = self.at, self.at + length, self.width
        self.at = stop
        if self.is_first_line:
            self.out[at:stop] = difference
            return
        # What is above may be written by this very run: one line at a time.
        for begin in range(at, stop, width):
            end = min(begin + width, stop)
            np.bitwise_xor(
                self.out[begin - width : end - width],
                self.out.dtype.type(difference),
                out=self.out[begin:end],
            )

    def image(self, length: int, masks: bytes) -> None:
        self.room(length)
        bits = np.unpackbits(np.frombuffer(masks, np.uint8), count=length, bitorder="little")
        differences: NDArray[np.generic] = bits.astype(self.out.dtype) * self.out.dtype.type(self.foreground)
        at, stop, width = self.at, self.at + length, self.width
        self.at = stop
        if self.is_first_line:
            self.out[at:stop] = differences
            return
        for begin in range(at, stop, width):
            end = min(begin + width, stop)
            np.bitwise_xor(
                self.out[begin - width : end - width],
                differences[begin - at : end - at],
                out=self.out[begin:end],
            )

    def colors(self, length: int, colors: list[int]) -> None:
        """``length`` repetitions of one or two colors."""
        step = len(colors)
        self.room(length * step)
        stop = self.at + length * step
        for index, color in enumerate(colors):
            self.out[self.at + index : stop : step] = color
        self.at = stop

    def color_image(self, length: int) -> None:
        self.room(length)
        raw = np.frombuffer(self.take(length * self.pixel), np.uint8).reshape(length, self.pixel)
        target = self.out[self.at : self.at + length].view(np.uint8).reshape(length, -1)
        target[:, : self.pixel] = raw
        self.at += length
