"""NSCodec by the letter of MS-RDPNSC and MS-RDPEGDI 3.1.9.1, one value after the other: slow, and obvious."""

Plane = list[int]


def rle_encode(plane: Plane) -> bytes:
    """MS-RDPNSC 3.1.8.1.1."""
    out = bytearray()
    at, end = 0, len(plane) - 4
    while at < end:
        count = 1
        while at + count < end and plane[at + count] == plane[at]:
            count += 1
        if count == 1:
            out.append(plane[at])
        elif count < 256:
            out += bytes((plane[at], plane[at], count - 2))
        else:
            out += bytes((plane[at], plane[at], 255)) + count.to_bytes(4, "little")
        at += count
    return bytes(out) + bytes(plane[-4:])


def rle_decode(data: bytes, size: int) -> Plane:
    """MS-RDPNSC 2.2.2.1; ValueError for anything that is not exactly ``size`` values."""
    segments, at = data[:-4], 0
    plane: Plane = []
    if len(data) < 4:
        raise ValueError("no EndData")
    while at < len(segments):
        value = segments[at]
        if segments[at + 1 : at + 2] != bytes((value,)):
            plane.append(value)
            at += 1
            continue
        factor = segments[at + 2 : at + 3]
        if factor == b"\xff":
            long = segments[at + 3 : at + 7]
            if len(long) < 4:
                raise ValueError("cut off")
            count = int.from_bytes(long, "little")
            at += 7
        elif factor:
            count = factor[0] + 2
            at += 3
        else:
            raise ValueError("cut off")
        if len(plane) + count > size - 4:
            raise ValueError("too many values")
        plane += [value] * count
    if len(plane) != size - 4:
        raise ValueError("too few values")
    return plane + list(data[-4:])


def decode(data: bytes, width: int, height: int) -> list[list[tuple[int, int, int, int]]]:
    """Lines, as they stand on the wire, of (blue, green, red, alpha)."""
    counts = [int.from_bytes(data[i : i + 4], "little") for i in (0, 4, 8, 12)]
    loss, subsampled = data[16], bool(data[17])
    luma_width = (width + 7) // 8 * 8 if subsampled else width
    chroma_width, chroma_height = (luma_width // 2, (height + 1) // 2) if subsampled else (width, height)
    sizes = [luma_width * height, *[chroma_width * chroma_height] * 2, width * height]
    planes, at = [], 20
    for count, size in zip(counts, sizes, strict=True):
        part = data[at : at + count]
        at += count
        planes.append(list(part) if count == size else rle_decode(part, size) if count else [255] * size)
    lines = []
    for y in range(height):
        line = []
        for x in range(width):
            half = 2 if subsampled else 1
            place = y // half * chroma_width + x // half
            # The matrix takes half of each chroma value: one bit less to shift back.
            orange, green = (_signed(planes[i][place] << (loss - 1)) for i in (1, 2))
            luma = planes[0][y * luma_width + x]
            red, blue = luma + orange - green, luma - orange - green
            line.append((_clamped(blue), _clamped(luma + green), _clamped(red), planes[3][y * width + x]))
        lines.append(line)
    return lines


def _signed(value: int) -> int:
    value &= 255
    return value - 256 if value > 127 else value


def _clamped(value: int) -> int:
    return max(0, min(255, value))
