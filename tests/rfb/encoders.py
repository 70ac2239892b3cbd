"""Rectangles as a server would send them, written the obvious way, one for each encoding."""

import zlib

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.server_messages import Number, RectangleHeader, UpdateHeader
from pyrdpmux.wire import encode

Picture = NDArray[np.uint32]
"""(height, width): 0x00RRGGBB."""


def update(*rectangles: bytes) -> bytes:
    return b"\0" + encode(UpdateHeader(len(rectangles))) + b"".join(rectangles)


def rectangle(encoding: int, body: bytes, x: int = 0, y: int = 0, width: int = 0, height: int = 0) -> bytes:
    return encode(RectangleHeader(x, y, width, height, encoding)) + body


def picture_rectangle(encoding: Encoding, body: bytes, picture: Picture, x: int = 0, y: int = 0) -> bytes:
    height, width = picture.shape
    return rectangle(encoding, body, x, y, width, height)


def u32(value: int) -> bytes:
    return encode(Number(value))


def pixel(color: int) -> bytes:
    return bytes([color & 255, color >> 8 & 255, color >> 16 & 255, 0xA5])


def cpixel(color: int) -> bytes:
    return pixel(color)[:3]


def raw(picture: Picture) -> bytes:
    return b"".join([pixel(int(color)) for color in picture.ravel()])


def rre(picture: Picture) -> bytes:
    """Each pixel that is not background is a box of its own."""
    background = int(picture[0, 0])
    boxes = [
        pixel(int(color)) + bytes([x >> 8, x & 255, y >> 8, y & 255, 0, 1, 0, 1])
        for (y, x), color in np.ndenumerate(picture)
        if color != background
    ]
    return u32(len(boxes)) + pixel(background) + b"".join(boxes)


def tiles_of(picture: Picture, side: int) -> list[Picture]:
    height, width = picture.shape
    return [
        picture[y : y + side, x : x + side] for y in range(0, height, side) for x in range(0, width, side)
    ]


class HextileEncoder:
    """Leaves colors out where they are those of the tile before."""

    def __init__(self) -> None:
        self.background: int | None = None
        self.foreground: int | None = None

    def encode(self, picture: Picture) -> bytes:
        return b"".join([self.tile(tile) for tile in tiles_of(picture, 16)])

    def tile(self, tile: Picture) -> bytes:
        colors = [int(color) for color in np.unique(tile)]
        if len(colors) > 8:
            self.background = self.foreground = None
            return b"\x01" + raw(tile)
        mask, head = 0, b""
        if colors[0] != self.background:
            self.background = colors[0]
            mask |= 2
            head += pixel(colors[0])
        boxes = [
            (int(color), bytes([x << 4 | y, 0]))
            for (y, x), color in np.ndenumerate(tile)
            if color != colors[0]
        ]
        if len(colors) == 1:
            return bytes([mask]) + head
        if len(colors) == 2:
            if colors[1] != self.foreground:
                self.foreground = colors[1]
                mask |= 4
                head += pixel(colors[1])
            return bytes([mask | 8]) + head + bytes([len(boxes)]) + b"".join([box for _, box in boxes])
        if len(boxes) > 255:
            self.background = self.foreground = None
            return b"\x01" + raw(tile)
        body = b"".join([pixel(color) + box for color, box in boxes])
        return bytes([mask | 8 | 16]) + head + bytes([len(boxes)]) + body


class ZlibEncoder:
    """One stream for all its rectangles."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj()

    def deflate(self, data: bytes) -> bytes:
        compressed = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        return u32(len(compressed)) + compressed


def run_length(length: int) -> bytes:
    return b"\xff" * ((length - 1) // 255) + bytes([(length - 1) % 255])


def runs_of(tile: Picture) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for color in tile.ravel():
        if runs and runs[-1][0] == color:
            runs[-1] = (int(color), runs[-1][1] + 1)
        else:
            runs.append((int(color), 1))
    return runs


def zrle_tile(tile: Picture) -> bytes:
    """The subencoding that its number of colors suggests."""
    colors = [int(color) for color in np.unique(tile)]
    runs = runs_of(tile)
    if len(colors) == 1:
        return b"\x01" + cpixel(colors[0])
    palette = b"".join([cpixel(color) for color in colors])
    if len(colors) <= 127 and len(runs) * 4 < tile.size:
        body = b"".join(
            [
                bytes([colors.index(color)])
                if length == 1
                else bytes([colors.index(color) | 128]) + run_length(length)
                for color, length in runs
            ]
        )
        return bytes([128 + len(colors)]) + palette + body
    if len(colors) <= 16:
        bits = 1 if len(colors) == 2 else 2 if len(colors) <= 4 else 4
        return bytes([len(colors)]) + palette + b"".join([packed(row, colors, bits) for row in tile])
    if len(runs) * 2 < tile.size:
        return b"\x80" + b"".join([cpixel(color) + run_length(length) for color, length in runs])
    return b"\x00" + b"".join([cpixel(int(color)) for color in tile.ravel()])


def packed(row: Picture, colors: list[int], bits: int) -> bytes:
    digits = "".join([f"{colors.index(int(color)):0{bits}b}" for color in row])
    digits += "0" * (-len(digits) % 8)
    return bytes([int(digits[i : i + 8], 2) for i in range(0, len(digits), 8)])


def zrle_plain(picture: Picture) -> bytes:
    """Before compression."""
    return b"".join([zrle_tile(tile) for tile in tiles_of(picture, 64)])


class Server:
    """Encodes pictures; keeps the state that a connection has."""

    def __init__(self) -> None:
        self.zlib = ZlibEncoder()
        self.zrle = ZlibEncoder()

    def body(self, encoding: Encoding, picture: Picture) -> bytes:
        match encoding:
            case Encoding.RAW:
                return raw(picture)
            case Encoding.RRE:
                return rre(picture)
            case Encoding.HEXTILE:
                return HextileEncoder().encode(picture)
            case Encoding.ZLIB:
                return self.zlib.deflate(raw(picture))
            case Encoding.ZRLE:
                return self.zrle.deflate(zrle_plain(picture))
        raise ValueError(encoding)

    def rectangle(self, encoding: Encoding, picture: Picture, x: int = 0, y: int = 0) -> bytes:
        return picture_rectangle(encoding, self.body(encoding, picture), picture, x, y)
