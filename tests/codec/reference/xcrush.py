"""XCRUSH decompression, byte by byte from MS-RDPEGDI 3.1.8.2.3 and its example."""

from tests.codec.reference.mppc import Mppc


def u16(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8


class Xcrush:
    """Both histories."""

    def __init__(self) -> None:
        self.history = bytearray(2_000_000)
        self.offset = 0
        self.level2 = Mppc(65536)

    def put(self, data: bytes | bytearray) -> None:
        self.history[self.offset : self.offset + len(data)] = data
        self.offset += len(data)

    def decompress(self, flags: int, data: bytes) -> bytes:
        if not flags & 0x20:
            return data
        level1 = data[0]
        rest = self.level2.decompress(data[1], data[2:]) if level1 & 0x10 else data[2:]
        if level1 & 0x04:
            self.offset = 0
        start, count = self.offset, 0
        if level1 & 0x01:
            count = u16(rest, 0)
            details, rest = rest[2 : 2 + 8 * count], rest[2 + 8 * count :]
        for index in range(count):
            length, output_offset = u16(details, 8 * index), u16(details, 8 * index + 2)
            source = u16(details, 8 * index + 4) | u16(details, 8 * index + 6) << 16
            literals = output_offset - (self.offset - start)
            self.put(rest[:literals])
            rest = rest[literals:]
            for at in range(source, source + length):
                self.put(self.history[at : at + 1])
        self.put(rest)
        return bytes(self.history[start : self.offset])
