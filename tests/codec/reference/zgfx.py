"""ZGFX decompression, bit by bit from MS-RDPEGFX 3.1.9.1.2: a ring of history."""

from tests.codec.reference.bulk_bits import BitString, match_length

SHORT_LITERALS = [0x00, 0x01, 0x02, 0x03, 0xFF, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A, 0x0B, 0x3A, 0x3B]
SHORT_LITERALS += [0x3C, 0x3D, 0x3E, 0x3F, 0x40, 0x80, 0x0C, 0x38, 0x39, 0x66]
#: The table's column of prefixes, as it stands there
SHORT_CODES = ["11000", "11001", "110100", "110101", "110110"]
SHORT_CODES += ["1101110", "1101111", "1110000", "1110001", "1110010", "1110011", "1110100", "1110101"]
SHORT_CODES += ["1110110", "1110111", "1111000", "1111001", "1111010", "1111011", "1111100", "1111101"]
SHORT_CODES += ["11111100", "11111101", "11111110", "11111111"]
DISTANCES = {
    "10001": (0, 31),
    "10010": (32, 159),
    "10011": (160, 671),
    "10100": (672, 1695),
    "10101": (1696, 5791),
    "101100": (5792, 22175),
    "101101": (22176, 54943),
    "1011100": (54944, 317087),
    "1011101": (317088, 1365663),
    "10111100": (1365664, 2414239),
    "10111101": (2414240, 2414240 + (1 << 21) - 1),
}
NINE_BITS, FIRST_DISTANCE = 256, 300
CODES = {"0": NINE_BITS} | dict(zip(SHORT_CODES, SHORT_LITERALS, strict=True))
CODES |= {code: FIRST_DISTANCE + index for index, code in enumerate(DISTANCES)}
RANGES = list(DISTANCES.values())


def u32(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16 | data[at + 3] << 24


class Zgfx:
    """One history."""

    def __init__(self, size: int = 2_500_000) -> None:
        self.size = size
        self.history = bytearray(size)
        self.cursor = 0

    def put(self, byte: int) -> int:
        self.history[self.cursor] = byte
        self.cursor = (self.cursor + 1) % self.size
        return byte

    def decompress(self, data: bytes) -> bytes:
        if data[0] == 0xE0:
            return self.segment(data[1:])
        result, at = b"", 7
        for _ in range(data[1] | data[2] << 8):
            size = u32(data, at)
            result += self.segment(data[at + 4 : at + 4 + size])
            at += 4 + size
        assert len(result) == u32(data, 3)
        return result

    def segment(self, data: bytes) -> bytes:
        if not data[0] & 0x20:
            return bytes([self.put(byte) for byte in data[1:]])
        out = bytearray()
        bits = BitString(data[1:-1])
        unused = data[-1] & 7
        while bits.left() > unused:
            symbol = bits.prefix(CODES)
            if symbol < FIRST_DISTANCE:
                out.append(self.put(bits.number(8) if symbol == NINE_BITS else symbol))
                continue
            low, high = RANGES[symbol - FIRST_DISTANCE]
            distance = low + bits.number((high - low).bit_length())
            if distance:
                for _ in range(match_length(bits)):
                    out.append(self.put(self.history[(self.cursor - distance) % self.size]))
                continue
            count = bits.number(15)
            bits.take(-bits.at % 8)
            for _ in range(count):
                out.append(self.put(bits.number(8)))
        return bytes(out)
