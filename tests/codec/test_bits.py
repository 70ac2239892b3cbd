"""Packing of codes against strings of '0' and '1'."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bits import MAX_WIDTH, pack_lsb, pack_msb, place_lsb, place_msb

Code = tuple[int, int]  # number, width


@st.composite
def a_code(draw: st.DrawFn) -> Code:
    width: int = draw(st.integers(0, MAX_WIDTH))
    return draw(st.integers(0, (1 << width) - 1)), width


def arrays(codes: list[Code]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([c for c, _ in codes], np.uint64), np.array([w for _, w in codes], np.int64)


def bits_of(code: Code) -> str:
    number, width = code
    return f"{number:0{width}b}" if width else ""


def in_bytes(bits: str, *, msb: bool) -> bytes:
    bits += "0" * (-len(bits) % 8)
    parts = [bits[at : at + 8] for at in range(0, len(bits), 8)]
    return bytes([int(part if msb else part[::-1], 2) for part in parts])


class TestPack:
    @settings(max_examples=100)
    @given(st.lists(a_code(), max_size=60))
    def test_any_codes(self, codes: list[Code]) -> None:
        numbers, widths = arrays(codes)
        assert pack_msb(numbers, widths) == in_bytes("".join([bits_of(code) for code in codes]), msb=True)
        backward = "".join([bits_of(code)[::-1] for code in codes])
        assert pack_lsb(numbers, widths) == in_bytes(backward, msb=False)

    @pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000])
    def test_ones(self, count: int) -> None:
        numbers, widths = arrays([(1, 1)] * count)
        assert pack_msb(numbers, widths) == in_bytes("1" * count, msb=True)
        assert pack_lsb(numbers, widths) == in_bytes("1" * count, msb=False)

    def test_order(self) -> None:
        numbers, widths = arrays([(0b110, 3), (0b01, 2), (0b1000_0001_1, 9)])
        assert pack_msb(numbers, widths) == bytes([0b110_01_100, 0b000011_00])
        assert pack_lsb(numbers, widths) == bytes([0b011_01_110, 0b100000])


class TestPlace:
    @settings(max_examples=60)
    @given(st.lists(st.tuples(a_code(), st.integers(0, 90)), max_size=30), st.integers(0, 100))
    def test_gaps_are_zeros(self, codes: list[tuple[Code, int]], rest: int) -> None:
        numbers, widths = arrays([code for code, _ in codes])
        gaps = np.array([gap for _, gap in codes], np.int64)
        starts = np.cumsum(widths + gaps) - widths
        size = int((widths + gaps).sum()) + rest
        forward = "".join(["0" * gap + bits_of(code) for code, gap in codes]) + "0" * rest
        assert place_msb(numbers, widths, starts, size) == in_bytes(forward, msb=True)
        backward = "".join(["0" * gap + bits_of(code)[::-1] for code, gap in codes]) + "0" * rest
        assert place_lsb(numbers, starts, size) == in_bytes(backward, msb=False)
