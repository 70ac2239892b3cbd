"""Bits as a string of '0' and '1': as slow as it is plain."""


class BitString:
    """A cursor over ``data``, each byte's highest (MSB) or lowest bit first."""

    def __init__(self, data: bytes, *, msb: bool = True) -> None:
        self._bits = "".join([f"{byte:08b}"[:: 1 if msb else -1] for byte in data])
        self._msb = msb
        self.at = 0

    def left(self) -> int:
        return len(self._bits) - self.at

    def take(self, count: int) -> str:
        if count > self.left():
            raise EOFError
        self.at += count
        return self._bits[self.at - count : self.at]

    def number(self, count: int) -> int:
        return int("0" + self.take(count)[:: 1 if self._msb else -1], 2)

    def prefix(self, codes: dict[str, int]) -> int:
        """What the code that begins here stands for."""
        code = ""
        while code not in codes:
            if len(code) > 16:
                raise ValueError(f"no code begins with {code}")
            code += self.take(1)
        return codes[code]


def match_length(bits: BitString) -> int:
    """MS-RDPBCGR 3.1.8.4.2.2.2, MS-RDPEGFX 3.1.9.1.2.4: n ones, a zero, n + 1 bits."""
    ones = 0
    while bits.take(1) == "1":
        ones += 1
    return (2 << ones) + bits.number(ones + 1) if ones else 3
