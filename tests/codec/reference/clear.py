"""ClearCodec's decoder (MS-RDPEGFX 2.2.4.1), pixel by pixel: slow, and as the specification has it.

ValueError for what is not a message, also IndexError where it ends early. NSCodec areas are not for here.
"""

Color = tuple[int, int, int]
Picture = dict[tuple[int, int], Color]


class Bytes:
    """A cursor."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise ValueError("ends early")
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def color(self) -> Color:
        blue, green, red = self.take(3)
        return blue, green, red

    def part(self, size: int) -> "Bytes":
        return Bytes(self.take(size))

    @property
    def more(self) -> bool:
        return self.at < len(self.data)

    def run_length(self) -> int:
        length = self.number(1)
        if length == 0xFF:
            length = self.number(2)
            if length == 0xFFFF:
                length = self.number(4)
        return length


class Decoder:
    """One connection's."""

    def __init__(self, sequence_number: int = 0) -> None:
        self.expected = sequence_number
        self.bars: dict[int, list[Color]] = {}
        self.short_bars: dict[int, list[Color]] = {}
        self.cursor = self.short_cursor = 0
        self.glyphs: dict[int, list[Color]] = {}

    def decode(self, data: bytes, width: int, height: int) -> Picture:
        """Only pixels that are painted."""
        r = Bytes(data)
        flags, sequence_number = r.take(2)
        if sequence_number != self.expected:
            raise ValueError("sequence")
        self.expected = (self.expected + 1) % 256
        if flags & 4:
            self.cursor = self.short_cursor = 0
        positions = [(x, y) for y in range(height) for x in range(width)]
        index = r.number(2) if flags & 1 else None
        if index is not None and (index >= 4000 or width * height > 1024):
            raise ValueError("glyph")
        if flags & 3 == 2:
            raise ValueError("flags")
        if flags & 3 == 3:
            glyph = self.glyphs.get(index or 0, [])
            if len(glyph) != width * height or r.more:
                raise ValueError("glyph")
            return dict(zip(positions, glyph, strict=True))
        picture: Picture = {}
        sizes = [r.number(4) for _ in range(3)]
        layers = [r.part(size) for size in sizes]
        if r.more:
            raise ValueError("too much")
        self.residual(layers[0], picture, positions)
        while layers[1].more:
            self.band(layers[1], picture, width, height)
        while layers[2].more:
            self.subcodec(layers[2], picture, width, height)
        if index is not None:
            self.glyphs[index] = [picture.get(position, (0, 0, 0)) for position in positions]
        return picture

    def residual(self, r: Bytes, picture: Picture, positions: list[tuple[int, int]]) -> None:
        at = 0
        while r.more:
            color, length = r.color(), r.run_length()
            if not 0 < length <= len(positions) - at:
                raise ValueError("length")
            for position in positions[at : at + length]:
                picture[position] = color
            at += length

    def band(self, r: Bytes, picture: Picture, width: int, height: int) -> None:
        x_start, x_end, y_start, y_end = (r.number(2) for _ in range(4))
        background = r.color()
        if not x_start <= x_end < width or not y_start <= y_end < height or y_end - y_start >= 52:
            raise ValueError("band")
        for x in range(x_start, x_end + 1):
            for y, color in enumerate(self.bar(r, background, y_end - y_start + 1)):
                picture[x, y_start + y] = color

    def bar(self, r: Bytes, background: Color, height: int) -> list[Color]:
        header = r.number(2)
        if header & 0x8000:
            known = self.bars.get(header & 0x7FFF, [])
            if len(known) != height:
                raise ValueError("hit")
            return known
        if header & 0x4000:
            if header & 0x3FFF not in self.short_bars:
                raise ValueError("short hit")
            short, on = self.short_bars[header & 0x3FFF], r.number(1)
        else:
            on, off = header & 0xFF, header >> 8
            if off < on:
                raise ValueError("miss")
            short = [r.color() for _ in range(off - on)]
            self.short_bars[self.short_cursor] = short
            self.short_cursor = (self.short_cursor + 1) % 16384
        if on + len(short) > height:
            raise ValueError("short")
        bar = [background] * on + short + [background] * (height - on - len(short))
        self.bars[self.cursor] = bar
        self.cursor = (self.cursor + 1) % 32768
        return bar

    def subcodec(self, r: Bytes, picture: Picture, width: int, height: int) -> None:
        left, top, columns, rows = (r.number(2) for _ in range(4))
        size = r.number(4)
        kind, part = r.number(1), r.part(size)
        if left + columns > width or top + rows > height or not columns * rows:
            raise ValueError("area")
        if kind == 0:
            if size != 3 * columns * rows:
                raise ValueError("raw")
            pixels = [part.color() for _ in range(columns * rows)]
        elif kind == 2:
            pixels = rlex(part, columns * rows)
        else:
            raise ValueError("subcodec")
        for at, color in enumerate(pixels):
            picture[left + at % columns, top + at // columns] = color


def rlex(r: Bytes, size: int) -> list[Color]:
    count = r.number(1)
    if not 1 <= count <= 127:
        raise ValueError("palette")
    palette = [r.color() for _ in range(count)]
    bits = max(1, (count - 1).bit_length())
    pixels: list[Color] = []
    while r.more:
        head, length = r.number(1), r.run_length()
        stop, depth = head & ((1 << bits) - 1), head >> bits
        start = stop - depth
        if start < 0 or stop >= count or length > size:
            raise ValueError("index")
        pixels += [palette[start]] * length + palette[start : stop + 1]
        if len(pixels) > size:
            raise ValueError("pixels")
    if len(pixels) != size:
        raise ValueError("pixels")
    return pixels
