"""The Reduce-Extrapolate wavelet by the letter of MS-RDPEGFX 3.2.8.1.2.2, on one tile: slow, obvious."""

Line = list[int]
Square = list[list[int]]


def split(line: Line) -> tuple[Line, Line]:
    """A line of 64, or of an odd number of values, mirrored at its ends.

    The extrapolated value is limited to what leaves room for sums in 16 bits (our choice).
    """
    extended = len(line) % 2 == 0
    if extended:
        line = [*line, max(-16383, min(16383, 2 * line[-1] - line[-2]))]
    count = len(line) // 2
    high = [(line[2 * i + 1] - ((line[2 * i] + line[2 * i + 2]) >> 1)) >> 1 for i in range(count)]
    if extended:
        high[-1] = 0  # what the other side takes it for
    around = [high[0], *high, high[-1]]
    low = [line[2 * i] + ((around[i] + around[i + 1]) >> 1) for i in range(count + 1)]
    return low, high[:-1] if extended else high


def merge(low: Line, high: Line) -> Line:
    """The inverse: 64 values of 33 and 31, else an odd number."""
    extended = len(low) == len(high) + 2
    if extended:
        high = [*high, 0]
    around = [high[0], *high, high[-1]]
    even = [value - ((around[i] + around[i + 1] + 1) >> 1) for i, value in enumerate(low)]
    line = []
    for i, value in enumerate(high):
        line += [even[i], 2 * value + ((even[i] + even[i + 1]) >> 1)]
    return line if extended else [*line, even[-1]]


def _transposed(square: Square) -> Square:
    return [list(column) for column in zip(*square, strict=True)]


def _split_lines(square: Square) -> tuple[Square, Square]:
    halves = [split(line) for line in square]
    return [low for low, _ in halves], [high for _, high in halves]


def forward(samples: Square) -> Line:
    coefficients: Line = []
    for _ in range(3):
        upper, lower = (_transposed(band) for band in _split_lines(_transposed(samples)))
        low, horizontal = _split_lines(upper)
        vertical, diagonal = _split_lines(lower)
        for band in (horizontal, vertical, diagonal):
            coefficients += [value for line in band for value in line]
        samples = low
    return coefficients + [value for line in samples for value in line]


def inverse(coefficients: Line) -> Square:
    samples = [coefficients[4015 + 9 * y : 4024 + 9 * y] for y in range(9)]
    for low, high, offset in ((9, 8, 3807), (17, 16, 3007), (33, 31, 0)):
        bands = []
        for lines, columns in ((low, high), (high, low), (high, high)):
            bands.append(
                [coefficients[offset + columns * y : offset + columns * (y + 1)] for y in range(lines)]
            )
            offset += lines * columns
        horizontal, vertical, diagonal = bands
        upper = [merge(one, two) for one, two in zip(samples, horizontal, strict=True)]
        lower = [merge(one, two) for one, two in zip(vertical, diagonal, strict=True)]
        columns_of = zip(_transposed(upper), _transposed(lower), strict=True)
        samples = _transposed([merge(one, two) for one, two in columns_of])
    return samples
