"""RDP 6.0 planar bitmaps one value at a time, straight from MS-RDPEGDI 2.2.2.5.1 and 3.1.9: an oracle.

A plane is a list of lines, a line a list of values 0..255. Malformed input raises whatever it raises.
"""

Plane = list[list[int]]


def to_delta(current: int, above: int) -> int:
    """3.1.9.2.1: the difference in two's complement, its sign moved to the lowest bit."""
    difference = (current - above) & 0xFF
    signed = difference - 256 if difference & 0x80 else difference
    return 2 * signed if signed >= 0 else 2 * -signed - 1


def from_delta(value: int) -> int:
    """3.1.9.2.3: odd values are 255 less half, even ones half."""
    return 255 - ((value - 1) >> 1) if value & 1 else value >> 1


def encode_plane(plane: Plane) -> bytes:
    """Segments as 3.1.9.2 describes them, runs of at least three."""
    out = bytearray()
    for y, line in enumerate(plane):
        values = line if y == 0 else [to_delta(c, a) for c, a in zip(line, plane[y - 1], strict=True)]
        raw: list[int] = []
        last = 0
        x = 0
        while x < len(values):
            run = 0
            while x + run < len(values) and values[x + run] == last:
                run += 1
            if run >= 3:
                out += _segment(raw, run)
                raw = []
                x += run
            else:
                last = values[x]
                raw.append(last)
                x += 1
        if raw:
            out += _segment(raw, 0)
    return bytes(out)


def _segment(raw: list[int], run: int) -> bytes:
    out = bytearray()
    while len(raw) > 15:
        out += bytes([0xF0, *raw[:15]])
        raw = raw[15:]
    if raw:
        part = run if run <= 15 else min(15, run - 3)
        out += bytes([len(raw) << 4 | part, *raw])
        run -= part
    while run:
        part = run if run <= 47 else min(47, run - 3)
        out.append(part if part < 16 else (part - 16) << 4 | 1 if part < 32 else (part - 32) << 4 | 2)
        run -= part
    return bytes(out)


def decode_plane(data: bytes, offset: int, width: int, height: int) -> tuple[Plane, int]:
    """3.1.9.2.3: the plane and the offset behind it."""
    plane: Plane = []
    for y in range(height):
        line: list[int] = []
        value = 0
        while len(line) < width:
            control = data[offset]
            offset += 1
            run, raw = control & 15, control >> 4
            if run in (1, 2):
                run, raw = 16 * run + raw, 0
            for _ in range(raw):
                value = data[offset]
                offset += 1
                line.append(value)
            line += [value] * run
        assert len(line) == width
        if y:
            line = [(from_delta(v) + a) & 0xFF for v, a in zip(line, plane[-1], strict=True)]
        plane.append(line)
    return plane, offset


def encode(planes: list[Plane], header: int) -> bytes:
    """A stream of planes in the order of the wire."""
    if header & 0x10:
        return bytes([header]) + b"".join(encode_plane(plane) for plane in planes)
    return bytes([header]) + bytes(value for plane in planes for line in plane for value in line) + b"\0"


def decode(data: bytes, width: int, height: int) -> list[list[tuple[int, int, int, int]]]:
    """Lines of (blue, green, red, alpha) in the order of the wire."""
    header = data[0]
    loss, subsampled, rle, no_alpha = header & 7, header & 8, header & 16, header & 32
    offset = 1
    planes: list[Plane] = []
    for index in range(1 if no_alpha else 0, 4):
        w, h = ((width + 1) // 2, (height + 1) // 2) if subsampled and index > 1 else (width, height)
        if rle:
            plane, offset = decode_plane(data, offset, w, h)
        else:
            plane = [list(data[offset + y * w : offset + (y + 1) * w]) for y in range(h)]
            offset += w * h
        planes.append(plane)
    if no_alpha:
        planes.insert(0, [[255] * width for _ in range(height)])
    alpha, first, second, third = planes
    step = 2 if subsampled else 1
    out = []
    for y in range(height):
        line = []
        for x in range(width):
            one, two, three = first[y][x], second[y // step][x // step], third[y // step][x // step]
            color = _from_chroma(one, two, three, loss) if loss else (three, two, one)
            line.append((*color, alpha[y][x]))
        out.append(line)
    return out


def _from_chroma(luma: int, orange: int, green: int, loss: int) -> tuple[int, int, int]:
    """3.1.9.1.2 with blue and red swapped (3.1.9.1.1); half of each chroma value is what the matrix needs."""
    half_orange, half_green = (_signed(value << (loss - 1) & 0xFF) for value in (orange, green))
    red, middle, blue = luma + half_orange - half_green, luma + half_green, luma - half_orange - half_green
    return _clamp(red), _clamp(middle), _clamp(blue)


def _signed(value: int) -> int:
    return value - 256 if value & 0x80 else value


def _clamp(value: int) -> int:
    return min(255, max(0, value))
