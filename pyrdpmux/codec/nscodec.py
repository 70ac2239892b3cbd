"""NSCodec (MS-RDPNSC 2.2.2 NSCODEC_BITMAP_STREAM): luma and two chroma planes, run-length encoded.

::

    BGRX (n, h, w, 4)  ->  Y   (r + 2g + b) / 4       8 bits
                           Co  r - b                  9 bits   >> color loss level, averaged over 2x2 if
                           Cg  g - (r + b) / 2        9 bits   >> color loss level     subsampled

With subsampling, planes are padded to a multiple of eight columns and two lines; the luma plane to columns
only. A plane whose byte count is its size is raw, a smaller one is coded (:mod:`pyrdpmux.codec.nscodec_rle`).

INVARIANT: all sums are int16: four values of at most +-510 and half a step of rounding.
INVARIANT: a stored chroma value shifted left by level - 1 fits a signed byte, which is how clients undo the
reduction and the matrix's halves in one go (FreeRDP 2.11); the encoder rounds, but not beyond that.

Surface commands (MS-RDPBCGR 2.2.9.2) carry lines bottom-up, ClearCodec's areas top-down: ``bottom_up``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec import nscodec_rle
from pyrdpmux.codec.batches import batches, encode_by_size, gathered, tile_words
from pyrdpmux.codec.color import MAX_PIXELS, Pixels, Words
from pyrdpmux.codec.scatter import Bytes, Scratch, rounded_up
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import Block, Reader, Writer
from pyrdpmux.wire import encode as encode_structure

MIN_COLOR_LOSS: Final = 1
MAX_COLOR_LOSS: Final = 7
DEFAULT_COLOR_LOSS: Final = 3
"""What FreeRDP announces: two bits less of chroma than a byte holds; hardly visible."""

_PADDED_COLUMNS: Final = 8
_PADDED_LINES: Final = 2

_PART: Final = 16 * 64 * 64
"""Pixels that are converted at a time."""
_BYTE: Final = np.int16(0xFF)

Signed = NDArray[np.int16]

_HEADER: Final = Block(
    LumaPlaneByteCount="u32",
    OrangeChromaPlaneByteCount="u32",
    GreenChromaPlaneByteCount="u32",
    AlphaPlaneByteCount="u32",
    ColorLossLevel="u8",
    ChromaSubsamplingLevel="u8",
    Reserved="u16",
)


@dataclass(frozen=True, slots=True)
class BitmapStream:
    """MS-RDPNSC 2.2.2 NSCodec Compressed Bitmap Stream (NSCODEC_BITMAP_STREAM), planes as on the wire."""

    luma: bytes
    orange_chroma: bytes
    green_chroma: bytes
    alpha: bytes = b""
    color_loss_level: int = DEFAULT_COLOR_LOSS
    chroma_subsampling_level: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        luma, orange, green, alpha, loss, subsampling, _ = r.block(_HEADER)
        if not MIN_COLOR_LOSS <= loss <= MAX_COLOR_LOSS:
            raise r.error("ColorLossLevel", f"{loss}, expected {MIN_COLOR_LOSS} to {MAX_COLOR_LOSS}")
        return cls(
            r.raw("LumaPlane", luma),
            r.raw("OrangeChromaPlane", orange),
            r.raw("GreenChromaPlane", green),
            r.raw("AlphaPlane", alpha),
            loss,
            subsampling,
        )

    def write(self, w: Writer) -> None:
        planes = (self.luma, self.orange_chroma, self.green_chroma, self.alpha)
        w.block(_HEADER, *map(len, planes), self.color_loss_level, self.chroma_subsampling_level, 0)
        w.raw("LumaPlane", self.luma)
        w.raw("OrangeChromaPlane", self.orange_chroma)
        w.raw("GreenChromaPlane", self.green_chroma)
        w.raw("AlphaPlane", self.alpha)


# -- encoder -------------------------------------------------------------------------------------------


def encode(
    frame: Pixels,
    rects: Sequence[Rect],
    color_loss_level: int = DEFAULT_COLOR_LOSS,
    subsampling: bool = True,
    *,
    alpha: bool = False,
    bottom_up: bool = True,
) -> list[bytes]:
    """MS-RDPNSC 2.2.2: one stream for each of ``rects`` of a (h, w, 4) uint8 BGRX frame; sizes may be mixed.

    Lossy: chroma loses ``color_loss_level`` bits of nine, luma at most a quarter of a step by rounding.
    Without ``alpha``, clients see 255.
    """
    _check_loss(color_loss_level)
    return encode_by_size(
        frame,
        rects,
        lambda strips, width: _encode_strips(strips, width, color_loss_level, subsampling, alpha, bottom_up),
    )


def encode_tiles(
    tiles: Sequence[Pixels] | Pixels,
    color_loss_level: int = DEFAULT_COLOR_LOSS,
    subsampling: bool = True,
    *,
    alpha: bool = False,
    bottom_up: bool = True,
) -> list[bytes]:
    """The same of tiles of one geometry: (n, h, w, 4) uint8 BGRX, or n views of (h, w, 4)."""
    _check_loss(color_loss_level)
    strips = tile_words(tiles)
    if not strips:
        return []
    return _encode_strips(strips, strips[0].shape[1], color_loss_level, subsampling, alpha, bottom_up)


def _check_loss(level: int) -> None:
    if not MIN_COLOR_LOSS <= level <= MAX_COLOR_LOSS:
        raise EncodeError("ColorLossLevel", f"{level}, expected {MIN_COLOR_LOSS} to {MAX_COLOR_LOSS}")


def _encode_strips(
    strips: list[Words], width: int, loss: int, subsampling: bool, alpha: bool, bottom_up: bool
) -> list[bytes]:
    """``strips`` (h, k * width) uint32, k tiles side by side each."""
    scratch = Scratch.take()
    result: list[bytes] = []
    for batch in batches(strips, width):
        words = gathered(batch, width, scratch)
        pixels = words if bottom_up else words[:, ::-1]
        result += _encode_batch(pixels, loss, subsampling, alpha, scratch)
    scratch.give_back()
    return result


def _encode_batch(
    pixels: Words, loss: int, subsampling: bool, with_alpha: bool, scratch: Scratch
) -> list[bytes]:
    """One stream per tile of ``pixels`` (n, h, w) uint32, its lines in the order of the wire."""
    count, height, width = pixels.shape
    luma, chroma = _planes(pixels, loss, subsampling)
    lumas = nscodec_rle.encode(luma, scratch)
    chromas = nscodec_rle.encode(chroma, scratch)
    alphas = [b""] * count
    if with_alpha:
        plane = (pixels >> np.uint32(24)).astype(np.uint8).reshape(count, height * width)
        alphas = nscodec_rle.encode(plane, scratch)
    return [
        encode_structure(BitmapStream(lumas[i], chromas[i], chromas[count + i], alphas[i], loss, subsampling))
        for i in range(count)
    ]


def _planes(pixels: Words, loss: int, subsampling: bool) -> tuple[Bytes, Bytes]:
    """Luma (n, size) and chroma (2n, size): all orange planes, then all green ones."""
    count, height, width = pixels.shape
    if subsampling and (width % _PADDED_COLUMNS or height % _PADDED_LINES):
        columns = rounded_up(width, _PADDED_COLUMNS) - width
        pixels = np.pad(pixels, ((0, 0), (0, height % _PADDED_LINES), (0, columns)), "edge")
    _, lines, columns = pixels.shape
    luma: Bytes = np.empty((count, height, columns), np.uint8)
    chroma_shape = (lines // 2, columns // 2) if subsampling else (lines, columns)
    chroma = np.empty((2, count, *chroma_shape), np.uint8)
    # Parts whose planes stay in the second-level cache: half the time of a batch at once.
    step = max(1, _PART // (lines * columns))
    for first in range(0, count, step):
        part = slice(first, first + step)
        y, co, cg = _converted(pixels[part])
        luma[part] = y[:, :height].astype(np.uint8)
        shift = loss
        if subsampling:
            co, cg = _averaged(co), _averaged(cg)
            shift += 2
        chroma[0, part] = _reduced(co, shift, loss).astype(np.uint8)
        chroma[1, part] = _reduced(cg, shift + 1, loss).astype(np.uint8)
    return luma.reshape(count, -1), chroma.reshape(2 * count, -1)


def _converted(pixels: Words) -> tuple[Signed, Signed, Signed]:
    """MS-RDPEGDI 3.1.9.1.2: luma, and orange chroma, and twice the green one, each (n, h, w) int16.

    ``pixels`` (n, h, w) uint32. Luma is 0 to 255, orange -255 to 255, twice green -510 to 510.
    """
    blue = pixels.astype(np.int16)
    blue &= _BYTE
    green, red = np.empty_like(blue), np.empty_like(blue)
    for shift, channel in ((8, green), (16, red)):
        np.right_shift(pixels, np.uint32(shift), out=channel, casting="unsafe")
        channel &= _BYTE
    green += green
    both = red + blue
    luma = both + green
    luma += np.int16(2)
    luma >>= np.int16(2)
    red -= blue
    green -= both
    return luma, red, green


def _averaged(chroma: Signed) -> Signed:
    """3.1.9.1.3: (n, h / 2, w / 2) int16, the sum of each 2x2 of ``chroma`` (n, h, w) int16, h and w even.

    At most 4 * 510: the sum of a word's halves is right in its low 16 bits, whatever its high ones have
    become.
    """
    lines = chroma[:, 0::2] + chroma[:, 1::2]
    # Neighbors lie in one 32-bit word: adding its halves is quicker than adding every other element.
    pairs = lines.view(np.int32)
    high = pairs >> np.int32(16)
    high += pairs
    result: Signed = high.astype(np.int16)
    return result


def _reduced(chroma: Signed, shift: int, loss: int) -> Signed:
    """3.1.9.1.4, rounded to the nearest, in place: ``chroma`` int16 of any shape, at most 4 * 510 + 2**9."""
    chroma += np.int16(1 << (shift - 1))
    chroma >>= np.int16(shift)
    np.minimum(chroma, np.int16(127 >> (loss - 1)), out=chroma)
    return chroma


# -- decoder -------------------------------------------------------------------------------------------


def decode(
    data: bytes, width: int, height: int, *, bottom_up: bool = True, out: Pixels | None = None
) -> Pixels:
    """The (height, width, 4) uint8 BGRX pixels of one stream; DecodeError for anything that is not one.

    The fourth byte is the alpha plane, or 255 without one. Work and memory are bounded by ``len(data)`` and
    ``width * height``; ``out`` is written only after all planes have been checked.
    """
    pixels: Pixels = decode_tiles([data], width, height, bottom_up=bottom_up)[0]
    if out is None:
        return pixels
    out[...] = pixels
    return out


def decode_tiles(streams: Sequence[bytes], width: int, height: int, *, bottom_up: bool = True) -> Pixels:
    """The same for several streams of one geometry: (n, height, width, 4)."""
    if width <= 0 or height <= 0 or width * height * max(1, len(streams)) > MAX_PIXELS:
        reason = f"{len(streams)} times {width} x {height} pixels, expected 1 to {MAX_PIXELS}"
        raise DecodeError("NSCodec", reason, 0)
    result = np.empty((len(streams), height, width, 4), np.uint8)
    parsed = [_parse(data) for data in streams]
    # Streams of one kind go together; a sender hardly ever mixes kinds.
    kinds = {(stream.color_loss_level, bool(stream.chroma_subsampling_level)) for stream in parsed}
    for loss, subsampled in sorted(kinds):
        chosen = [
            index
            for index, stream in enumerate(parsed)
            if (stream.color_loss_level, bool(stream.chroma_subsampling_level)) == (loss, subsampled)
        ]
        some = [parsed[index] for index in chosen]
        pixels = _decode_batch(some, width, height, loss, subsampled)
        result[chosen] = pixels[:, ::-1] if bottom_up else pixels
    return result


def _parse(data: bytes) -> BitmapStream:
    r = Reader(data, "NSCodec")
    # What follows the planes is left alone: senders pad (FreeRDP ignores it, too).
    return BitmapStream.read(r)


def _decode_batch(
    streams: Sequence[BitmapStream], width: int, height: int, loss: int, subsampled: bool
) -> Pixels:
    """(n, height, width, 4), lines in the order of the wire."""
    luma_width = rounded_up(width, _PADDED_COLUMNS) if subsampled else width
    chroma_shape = (
        (rounded_up(height, _PADDED_LINES) // 2, luma_width // 2) if subsampled else (height, width)
    )
    luma = _planes_of([stream.luma for stream in streams], (height, luma_width), "LumaPlane")
    shift = np.uint8(loss - 1)
    chroma = []
    for field, parts in (
        ("OrangeChromaPlane", [stream.orange_chroma for stream in streams]),
        ("GreenChromaPlane", [stream.green_chroma for stream in streams]),
    ):
        plane = _planes_of(parts, chroma_shape, field)
        plane = (plane << shift).view(np.int8).astype(np.int16)
        if subsampled:
            plane = plane.repeat(2, axis=2).repeat(2, axis=1)[:, :height, :width]
        chroma.append(plane)
    out = np.empty((len(streams), height, width, 4), np.uint8)
    out[..., 3] = 255
    shown = [index for index, stream in enumerate(streams) if stream.alpha]
    if shown:
        out[shown, ..., 3] = _planes_of([streams[i].alpha for i in shown], (height, width), "AlphaPlane")
    orange, green = chroma
    y = luma[..., :width].astype(np.int16)
    base = y - green
    for index, channel in ((0, base - orange), (1, y + green), (2, base + orange)):
        np.clip(channel, 0, 255, out=channel)
        out[..., index] = channel
    return out


def _planes_of(parts: Sequence[bytes], shape: tuple[int, int], field: str) -> Bytes:
    """(n, *shape) from raw and coded planes."""
    size = shape[0] * shape[1]
    result: Bytes = np.empty((len(parts), size), np.uint8)
    coded = []
    for index, part in enumerate(parts):
        if not 0 < len(part) <= size:
            raise DecodeError(f"NSCodec.{field}", f"{len(part)} bytes, expected 1 to {size}", 0)
        if len(part) == size:
            result[index] = np.frombuffer(part, np.uint8)
        else:
            coded.append(index)
    path = f"NSCodec.{field}"
    planes = nscodec_rle.decode([parts[i] for i in coded], [size] * len(coded), path)
    for index, plane in zip(coded, planes, strict=True):
        result[index] = plane
    return result.reshape(-1, *shape)
