"""MPPC decompression, byte by byte from MS-RDPBCGR 3.1.8.3 and 3.1.8.4: a history buffer with an offset."""

from tests.codec.reference.bulk_bits import BitString, match_length

LITERAL_BELOW_80, LITERAL_ABOVE_7F = 0, 1
#: code: bits of the value and its base
RDP4_OFFSETS = {"1111": (6, 0), "1110": (8, 64), "110": (13, 320)}
RDP5_OFFSETS = {"11111": (6, 0), "11110": (8, 64), "1110": (11, 320), "110": (16, 2368)}


class Mppc:
    """One history."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.history = [0] * size
        self.offset = 0
        rows = RDP4_OFFSETS if size == 8192 else RDP5_OFFSETS
        self.rows = list(rows.values())
        self.codes = {code: 2 + index for index, code in enumerate(rows)} | {"0": 0, "10": 1}

    def put(self, byte: int) -> None:
        self.history[self.offset] = byte
        self.offset += 1

    def decompress(self, flags: int, data: bytes) -> bytes:
        if flags & 0x80:
            self.history = [0] * self.size
            self.offset = 0
        if flags & 0x40:
            self.offset = 0
        if not flags & 0x20:
            return data
        start = self.offset
        bits = BitString(data)
        while bits.left() >= 8:
            code = bits.prefix(self.codes)
            if code == LITERAL_BELOW_80:
                self.put(bits.number(7))
            elif code == LITERAL_ABOVE_7F:
                self.put(0x80 | bits.number(7))
            else:
                width, base = self.rows[code - 2]
                distance = base + bits.number(width)
                for _ in range(match_length(bits)):
                    self.put(self.history[(self.offset - distance) % self.size])
        return bytes(self.history[start : self.offset])
