"""RemoteFX's wavelet, quantization and colors by the letter of MS-RDPRFX 3.1.8, value by value.

Fixed point with five fraction bits, as the C implementation has it; the two roundings of its quantization are
one here, as in ours.
"""

Line = list[int]
Square = list[list[int]]


def split(line: Line) -> tuple[Line, Line]:
    """3.1.8.1.4: low and high band of one line, mirrored at its ends."""
    n = len(line)

    def at(i: int) -> int:
        i = abs(i)
        return line[i if i < n else 2 * (n - 1) - i]

    high = [(at(2 * i + 1) - ((at(2 * i) + at(2 * i + 2)) >> 1)) >> 1 for i in range(n // 2)]
    low = [at(2 * i) + ((high[max(0, i - 1)] + high[i]) >> 1) for i in range(n // 2)]
    return low, high


def merge(low: Line, high: Line) -> Line:
    """3.1.8.2.4."""
    n = len(low)
    line = [0] * (2 * n)
    for i in range(n):
        line[2 * i] = low[i] - ((high[max(0, i - 1)] + high[i] + 1) >> 1)
    for i in range(n):
        line[2 * i + 1] = 2 * high[i] + ((line[2 * i] + line[min(2 * n - 2, 2 * i + 2)]) >> 1)
    return line


def _transposed(square: Square) -> Square:
    return [list(column) for column in zip(*square, strict=True)]


def _split_lines(square: Square) -> tuple[Square, Square]:
    halves = [split(line) for line in square]
    return [low for low, _ in halves], [high for _, high in halves]


def forward(samples: Square) -> Line:
    """64 x 64 samples to 4096 coefficients in the order of 3.1.8.1.6, LL3 not differential."""
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
    """Back again."""
    samples = [coefficients[4032 + 8 * y : 4040 + 8 * y] for y in range(8)]
    for size, offset in ((8, 3840), (16, 3072), (32, 0)):
        bands = [
            [coefficients[start + size * y : start + size * (y + 1)] for y in range(size)]
            for start in (offset + i * size * size for i in range(3))
        ]
        horizontal, vertical, diagonal = bands
        upper = [merge(low, high) for low, high in zip(samples, horizontal, strict=True)]
        lower = [merge(low, high) for low, high in zip(vertical, diagonal, strict=True)]
        columns = zip(_transposed(upper), _transposed(lower), strict=True)
        samples = _transposed([merge(low, high) for low, high in columns])
    return samples


#: sub-band sizes in the order of the stream
BAND_SIZES = (1024, 1024, 1024, 256, 256, 256, 64, 64, 64, 64)


def quantize(coefficients: Line, factors: Line) -> Line:
    """3.1.8.1.5, 3.1.8.1.6; ``factors`` in the order of the stream."""
    result: Line = []
    for size, factor in zip(BAND_SIZES, factors, strict=True):
        part = coefficients[len(result) : len(result) + size]
        result += [round_half_up(value, 1 << (factor - 1)) for value in part]
    last = result[4032:]
    return result[:4033] + [last[i] - last[i - 1] for i in range(1, 64)]


def round_half_up(value: int, step: int) -> int:
    return (value + step // 2) // step


def dequantize(values: Line, factors: Line) -> Line:
    values = list(values)
    for i in range(4033, 4096):
        values[i] += values[i - 1]
    result: Line = []
    for size, factor in zip(BAND_SIZES, factors, strict=True):
        result += [value << (factor - 1) for value in values[len(result) : len(result) + size]]
    return result


def to_ycbcr(blue: int, green: int, red: int) -> tuple[float, float, float]:
    """3.1.8.1.3, the luma shifted down by 128."""
    return (
        0.299 * red + 0.587 * green + 0.114 * blue - 128,
        -0.168935 * red - 0.331665 * green + 0.50059 * blue,
        0.499813 * red - 0.418531 * green - 0.081282 * blue,
    )


def to_bgr(y: float, cb: float, cr: float) -> tuple[int, int, int]:
    """3.1.8.2.5."""
    y += 128
    values = (y + 1.769905 * cb, y - 0.343730 * cb - 0.714401 * cr, y + 1.402525 * cr)
    blue, green, red = (max(0, min(255, round(value))) for value in values)
    return blue, green, red
