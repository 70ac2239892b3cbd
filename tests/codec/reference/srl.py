"""Simplified Run-Length coding by the letter of MS-RDPEGFX 3.1.8.1.5, bit after bit: slow, obvious."""

from collections.abc import Sequence


def encode(values: Sequence[int], widths: Sequence[int]) -> bytes:
    bits = ""
    kp = 8
    zeros = 0

    def run(zeros: int, *, ends: bool = False) -> str:
        nonlocal kp
        text = ""
        while zeros >= 1 << (kp // 8):
            text += "0"
            zeros -= 1 << (kp // 8)
            kp = min(80, kp + 4)
        k = kp // 8
        if not zeros and ends:
            return text
        text += "1" + (f"{zeros:0{k}b}" if k else "")
        kp = max(0, kp - 6)
        return text

    for value, width in zip(values, widths, strict=True):
        if not value:
            zeros += 1
            continue
        bits += run(zeros) + ("1" if value < 0 else "0") + "0" * (abs(value) - 1)
        if abs(value) != (1 << width) - 1:
            bits += "1"
        zeros = 0
    if zeros:
        bits += run(zeros, ends=True)
    if not bits:
        return b""
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)) + b"\0"


def decode(data: bytes, widths: Sequence[int]) -> list[int]:
    """Zeros behind the end of the data, as many as needed."""
    bits = iter("".join(f"{byte:08b}" for byte in data))

    def bit() -> int:
        return int(next(bits, "0"))

    values: list[int] = []
    kp = 8
    while len(values) < len(widths):
        k = kp // 8
        if not bit():
            values += [0] * (1 << k)
            kp = min(80, kp + 4)
            continue
        values += [0] * sum(bit() << (k - 1 - i) for i in range(k))
        if len(values) >= len(widths):
            break
        negative = bit()
        kp = max(0, kp - 6)
        magnitude = 1
        while magnitude < (1 << widths[len(values)]) - 1 and not bit():
            magnitude += 1
        values.append(-magnitude if negative else magnitude)
    return values[: len(widths)]
