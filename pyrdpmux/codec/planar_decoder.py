"""Reading RDP6_BITMAP_STREAMs (MS-RDPEGDI 2.2.2.5.1), all variants, strictly.

Hostile input: control bytes are located first, producing nothing; every line's sum is checked against the
width; only then arrays of exactly the expected size are filled. Each control byte adds at least one pixel, so
the walk is bounded by the pixels that the caller expects, and by the input.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.codec.color import MAX_PIXELS, Pixels
from pyrdpmux.errors import DecodeError

Plane = NDArray[np.uint8]

_CLL_MASK: Final = 0x07
_CHROMA_SUBSAMPLING: Final = 0x08
_RLE: Final = 0x10
_NO_ALPHA: Final = 0x20


def decode(data: bytes, width: int, height: int) -> Pixels:
    """(height, width, 4) BGRX, lines in the order of the wire."""
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        raise DecodeError("Planar", f"{width} x {height} pixels, expected 1 to {MAX_PIXELS}", 0)
    if not data:
        raise DecodeError("Planar.FormatHeader", "need 1 bytes, 0 left", 0)
    header = data[0]
    loss, subsampled = header & _CLL_MASK, bool(header & _CHROMA_SUBSAMPLING)
    if subsampled and not loss:
        raise DecodeError("Planar.FormatHeader", "chroma subsampling without a color loss level", 0)
    chroma = ((width + 1) // 2, (height + 1) // 2) if subsampled else (width, height)
    fields = {"AlphaPlane": (width, height)} if not header & _NO_ALPHA else {}
    fields |= {
        "LumaOrRedPlane": (width, height),
        "OrangeChromaOrGreenPlane": chroma,
        "GreenChromaOrBluePlane": chroma,
    }
    planes, offset = [], 1
    for field, (w, h) in fields.items():
        read = _read_rle if header & _RLE else _read_raw
        plane, offset = read(data, offset, w, h, field)
        planes.append(plane)
    # The pad byte exists only behind raw planes, and not every sender puts it there.
    if len(data) - offset > (0 if header & _RLE else 1):
        raise DecodeError("Planar.Pad", f"{len(data) - offset} bytes too many", offset)
    out = np.empty((height, width, 4), np.uint8)
    out[..., 3] = planes.pop(0) if not header & _NO_ALPHA else 255
    if loss:
        _to_bgr(planes, loss, out)
    else:
        out[..., 2], out[..., 1], out[..., 0] = planes
    return out


def _read_raw(data: bytes, offset: int, width: int, height: int, field: str) -> tuple[Plane, int]:
    size = width * height
    if len(data) - offset < size:
        raise DecodeError(f"Planar.{field}", f"need {size} bytes, {len(data) - offset} left", offset)
    plane = np.frombuffer(data, np.uint8, size, offset).reshape(height, width)
    return plane, offset + size


def _locate(data: bytes, start: int, width: int, height: int, field: str) -> tuple[list[int], list[int], int]:
    """Offsets of the control bytes of a plane, which of them start a line, and where the plane ends."""
    controls: list[int] = []
    line_starts: list[int] = []
    at, end = start, len(data)
    for _ in range(height):
        line_starts.append(len(controls))
        x = 0
        while x < width:
            if at >= end:
                raise _end_of_input(field, at, end)
            raw, pixels = _RAW[data[at]], _PIXELS[data[at]]
            if not pixels:
                raise DecodeError(f"Planar.{field}.controlByte", "0x00, expected a nonzero value", at)
            x += pixels
            if x > width:
                raise DecodeError(f"Planar.{field}.controlByte", f"line of {x} values, expected {width}", at)
            controls.append(at)
            at += 1 + raw
    if at > end:
        raise _end_of_input(field, at, end)
    return controls, line_starts, at


def _end_of_input(field: str, at: int, end: int) -> DecodeError:
    if at > end:
        return DecodeError(f"Planar.{field}.rawValues", f"need {at - end} bytes more", end)
    return DecodeError(f"Planar.{field}.controlByte", "need 1 bytes, 0 left", at)


def _lengths() -> tuple[list[int], list[int]]:
    """2.2.2.5.1.2: raw values and all values of each control byte."""
    raw, pixels = [], []
    for control in range(256):
        run, count = control & 15, control >> 4
        if run in (1, 2):
            run, count = run * 16 + count, 0
        raw.append(count)
        pixels.append(count + run)
    return raw, pixels


_RAW, _PIXELS = _lengths()
_RAW_OF: Final = np.array(_RAW)
_RUN_OF: Final = np.array(_PIXELS) - _RAW_OF


def _read_rle(data: bytes, start: int, width: int, height: int, field: str) -> tuple[Plane, int]:
    """3.1.9.2.3 Decoding Run-Length Sequences."""
    located, line_starts, end = _locate(data, start, width, height, field)
    stream = np.frombuffer(data, np.uint8, end - start, start)
    controls = np.array(located) - start
    code = stream[controls]
    # A run repeats the last raw value of its line, from however many control bytes back; zero if none.
    origin = np.where(_RAW_OF[code] > 0, controls + _RAW_OF[code], -1)
    starts = np.zeros(len(controls), np.bool_)
    starts[line_starts] = True
    origin[starts & (origin < 0)] = len(stream)
    known = np.maximum.accumulate(np.where(origin >= 0, np.arange(len(origin)), 0))
    run_values = np.append(stream, np.uint8(0))[origin[known]]
    # A run stands behind its raw values, where the next control byte is: let each take the other's place.
    values = np.append(stream[1:], np.uint8(0))
    counts = np.ones(len(stream), np.int64)
    places = np.append(controls[1:], len(stream)) - 1
    values[places] = run_values
    counts[places] = _RUN_OF[code]
    plane = np.repeat(values, counts).reshape(height, width)
    if height > 1:
        rest = plane[1:]
        rest[...] = (rest >> np.uint8(1)) ^ (np.uint8(0) - (rest & np.uint8(1)))
        np.add.accumulate(plane, axis=0, dtype=np.uint8, out=plane)
    return plane, end


def _to_bgr(planes: list[Plane], loss: int, out: Pixels) -> None:
    """3.1.9.1.2 to 3.1.9.1.4, chroma planes expanded first.

    A reduced chroma value has lost ``loss`` bits of nine and fits a byte; the byte's sign is the value's. The
    matrices' halves are in the chroma shift, which is one less: FreeRDP and Windows clients agree on that.
    """
    luma, orange, green = planes
    height, width = luma.shape
    co, cg = (_chroma(plane, height, width, loss) for plane in (orange, green))
    y = luma.astype(np.int16)
    base = y - cg
    # 3.1.9.1.1: "client decoders MUST swap the B and R components after applying the inverse transformation",
    # because Windows servers mix them up: what the matrix calls red goes where blue is.
    for index, channel in ((0, base + co), (1, y + cg), (2, base - co)):
        out[..., index] = np.clip(channel, 0, 255)


def _chroma(plane: Plane, height: int, width: int, loss: int) -> NDArray[np.int16]:
    if plane.shape != (height, width):
        plane = plane.repeat(2, axis=0)[:height].repeat(2, axis=1)[:, :width]
    shifted: Plane = plane << np.uint8(loss - 1)
    return shifted.view(np.int8).astype(np.int16)
