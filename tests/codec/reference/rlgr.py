"""RLGR1 and RLGR3 by the letter of the pseudocode in MS-RDPRFX 3.1.8.1.7.3, bit after bit: slow, obvious."""

from collections.abc import Sequence

KPMAX, LSGR = 80, 3
UP_GR, DN_GR, UQ_GR, DQ_GR = 4, 6, 3, 3


def _double(value: int) -> int:
    """2 * magnitude - sign."""
    return 2 * value if value >= 0 else -2 * value - 1


def _single(double: int) -> int:
    return -((double + 1) // 2) if double & 1 else double // 2


class _Adaptive:
    """kp and krp, both kept within 0 and 80."""

    def __init__(self) -> None:
        self.kp = self.krp = 1 << LSGR

    @property
    def k(self) -> int:
        return self.kp >> LSGR

    @property
    def kr(self) -> int:
        return self.krp >> LSGR

    def change_kp(self, delta: int) -> None:
        self.kp = max(0, min(KPMAX, self.kp + delta))

    def change_krp(self, quotient: int) -> None:
        if quotient != 1:
            self.krp = max(0, min(KPMAX, self.krp + (quotient or -2)))


class _Encoder(_Adaptive):
    def __init__(self) -> None:
        super().__init__()
        self.bits: list[int] = []

    def put(self, value: int, width: int) -> None:
        self.bits += [value >> (width - 1 - i) & 1 for i in range(width)]

    def golomb_rice(self, value: int) -> None:
        quotient = value >> self.kr
        self.bits += [1] * quotient + [0]
        self.put(value & ((1 << self.kr) - 1), self.kr)
        self.change_krp(quotient)


def encode(values: Sequence[int], *, pairs: bool) -> bytes:
    """``pairs`` is RLGR3. The run at the end is written in full, and no value behind it."""
    e = _Encoder()
    at = 0
    while at < len(values):
        if e.k:
            zeros = 0
            while at + zeros < len(values) and not values[at + zeros]:
                zeros += 1
            at += zeros
            while zeros >= 1 << e.k:
                e.put(0, 1)
                zeros -= 1 << e.k
                e.change_kp(UP_GR)
            e.put(1, 1)
            e.put(zeros, e.k)
            if at < len(values):
                e.put(values[at] < 0, 1)
                e.golomb_rice(abs(values[at]) - 1)
                e.change_kp(-DN_GR)
                at += 1
        elif not pairs:
            double = _double(values[at])
            e.golomb_rice(double)
            e.change_kp(-DQ_GR if double else UQ_GR)
            at += 1
        else:
            one, two = _double(values[at]), _double(values[at + 1]) if at + 1 < len(values) else 0
            e.golomb_rice(one + two)
            e.put(one, (one + two).bit_length())
            if one and two:
                e.change_kp(-2 * DQ_GR)
            elif not one and not two:
                e.change_kp(2 * UQ_GR)
            at += 2
    e.bits += [0] * (-len(e.bits) % 8)
    text = "".join(map(str, e.bits))
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


class _Decoder(_Adaptive):
    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.bits = "".join(f"{byte:08b}" for byte in data)
        self.at = 0

    def get(self, width: int) -> int:
        if self.at + width > len(self.bits):
            raise EOFError
        self.at += width
        return int(self.bits[self.at - width : self.at] or "0", 2)

    def golomb_rice(self) -> int:
        quotient = 0
        while self.get(1):
            quotient += 1
        value = quotient << self.kr | self.get(self.kr)
        self.change_krp(quotient)
        return value


def decode(data: bytes, count: int, *, pairs: bool) -> list[int]:
    """``count`` values; zeros where the bits end early, and no more than ``count`` where they claim more."""
    d = _Decoder(data)
    values: list[int] = []
    try:
        while len(values) < count:
            if d.k:
                run = 0
                while not d.get(1):
                    run += 1 << d.k
                    d.change_kp(UP_GR)
                    if len(values) + run > count + 4096:
                        break
                run += d.get(d.k)
                values += [0] * run
                if len(values) < count:
                    sign = d.get(1)
                    magnitude = d.golomb_rice() + 1
                    values.append(-magnitude if sign else magnitude)
                    d.change_kp(-DN_GR)
            elif not pairs:
                double = d.golomb_rice()
                values.append(_single(double))
                d.change_kp(-DQ_GR if double else UQ_GR)
            else:
                total = d.golomb_rice()
                one = d.get(total.bit_length())
                two = max(0, total - one)
                values += [_single(one), _single(two)]
                if one and two:
                    d.change_kp(-2 * DQ_GR)
                elif not one and not two:
                    d.change_kp(2 * UQ_GR)
    except EOFError:
        pass
    values += [0] * (count - len(values))
    return values[:count]
