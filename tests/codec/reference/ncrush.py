"""NCRUSH decompression, byte by byte from MS-RDPEGDI 3.1.8.1.4.4 and its tables."""

from tests.codec.reference.bulk_bits import BitString

#: Table 1, run by run: how many codes of which length
LEC_LENGTHS = [
    int(digit, 16)
    for digit in "66677777777888888898999988999999899a9999999a9aaa99a9a9a999aa9a99"
    "89999aaa99aaaaaa99aaaaaaa9aaaaaa8aaaaaaaaaaaaaaa9aaaaaaa9aaaaaa9"
    "799a9aaa9aaaaaaa9aaaaaaaaaaaaaaaaaaaaaaaaaadaaaaaabaaaaaaaaaaaaa"
    "9aaaaa9aaaaa9aaa9aaaaaaaaaaaaaaa9aaaaaaaaaaaaa9a899a9aaa9aaa9987"
    "dd77a77666656665656666666666666685677"
]
#: Table 4
LOM_LENGTHS = [4, 2, 3, 4, 3, 4, 4, 5, 4, 5, 5, 6, 6, 7, 7, 8, 7, 8, 8, 9, 9, 8, *[9] * 10]
#: Table 3
OFFSET_BITS = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12]
OFFSET_BITS += [13, 13, 14, 14]
OFFSET_BASES = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537]
OFFSET_BASES += [2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577, 32769, 49153]
#: Table 6
LOM_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 6, 6, 8, 8, 14, 14]
LOM_BASES = [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 22, 26, 30, 34, 42, 50, 58, 66, 82, 98, 114, 130]
LOM_BASES += [194, 258, 514, 2, 2]


def canonical(lengths: list[int]) -> dict[str, int]:
    """Codes in the order of their lengths, each the next number: first bit on the wire first."""
    codes, number = {}, 0
    for length in range(1, 16):
        number *= 2
        for symbol, symbol_length in enumerate(lengths):
            if symbol_length == length:
                codes[f"{number:0{length}b}"] = symbol
                number += 1
    return codes


LEC, LOM = canonical(LEC_LENGTHS), canonical(LOM_LENGTHS)


class Ncrush:
    """One history."""

    def __init__(self) -> None:
        self.history = [0] * 65536
        self.offset = 0
        self.cache = [0] * 4

    def decompress(self, flags: int, data: bytes) -> bytes:
        if flags & 0x40:
            self.history[:32768] = self.history[self.offset - 32768 : self.offset]
            self.offset = 32768
        if flags & 0x80:
            self.history = [0] * 65536
            self.offset = 0
            self.cache = [0] * 4
        if not flags & 0x20:
            return data
        start = self.offset
        bits = BitString(data, msb=False)
        while (symbol := bits.prefix(LEC)) != 256:
            if symbol < 256:
                self.history[self.offset] = symbol
                self.offset += 1
                continue
            if symbol >= 289:
                index = symbol - 289
                self.cache[0], self.cache[index] = self.cache[index], self.cache[0]
            else:
                row = symbol - 257
                self.cache = [OFFSET_BASES[row] + bits.number(OFFSET_BITS[row]) - 1, *self.cache[:3]]
            row = bits.prefix(LOM)
            for _ in range(LOM_BASES[row] + bits.number(LOM_BITS[row])):
                self.history[self.offset] = self.history[self.offset - self.cache[0]]
                self.offset += 1
        return bytes(self.history[start : self.offset])
