"""The wavelet, the extra quantization and the codes of upgrades, against scalar references."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.progressive import extrapolate, passes, srl
from pyrdpmux.codec.progressive.block import ComponentQuantization
from tests.codec.reference import extrapolate as wavelet_reference
from tests.codec.reference import srl as srl_reference
from tests.rows import unhex


def samples(seed: int, lanes: int = 3, size: int = 4096) -> np.ndarray:
    return np.random.default_rng(seed).integers(-size, size, (4096, lanes)).astype(np.int16)


class TestWavelet:
    @pytest.mark.parametrize("seed", range(3))
    def test_forward_is_the_reference(self, seed: int) -> None:
        planes = samples(seed)
        ours = extrapolate.forward(planes)
        for lane in range(3):
            assert ours[:, lane].tolist() == wavelet_reference.forward(
                planes[:, lane].reshape(64, 64).tolist()
            )

    @pytest.mark.parametrize("seed", range(3))
    def test_inverse_is_the_reference(self, seed: int) -> None:
        planes = samples(seed, size=300)
        ours = extrapolate.inverse(planes)
        for lane in range(3):
            expected = wavelet_reference.inverse(planes[:, lane].tolist())
            assert ours[:, lane].reshape(64, 64).tolist() == expected

    def test_comes_back_within_a_fraction(self) -> None:
        planes = samples(9)
        assert abs(extrapolate.inverse(extrapolate.forward(planes)).astype(int) - planes).max() <= 32

    def test_a_slope_has_no_high_values(self) -> None:
        slope = np.add.outer(np.arange(64), np.arange(64)).reshape(4096, 1).astype(np.int16) * 16
        assert abs(extrapolate.forward(slope)[:4015]).max() <= 1

    def test_bands_fill_the_tile(self) -> None:
        ends = [rows.stop for _, rows in extrapolate.BANDS]
        assert ends == [1023, 2046, 3007, 3279, 3551, 3807, 3879, 3951, 4015, 4096]


class TestPasses:
    def test_towards_zero_but_for_ll3(self) -> None:
        position = ComponentQuantization(*[2] * 10)
        values = np.full((3, 2, 4096), -5, np.int16)
        sent = passes.coarse(values, (position,) * 3, extrapolate.BANDS)
        assert (sent[..., :4015] == -1).all()
        assert (sent[..., 4015:] == -2).all()
        values[:] = 7
        assert (passes.coarse(values, (position,) * 3, extrapolate.BANDS) == 1).all()
        assert (passes.restored(sent, (position,) * 3, extrapolate.BANDS)[..., :4015] == -4).all()

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.integers(0, 8), min_size=30, max_size=30), st.integers(0, 99))
    def test_what_is_left_has_the_sign_of_what_went_out(self, shifts: list[int], seed: int) -> None:
        y, cb, cr = (ComponentQuantization(*shifts[i : i + 10]) for i in (0, 10, 20))
        values = np.ascontiguousarray(samples(seed, 6, 1000).T).reshape(3, 2, 4096)
        sent = passes.coarse(values, (y, cb, cr), extrapolate.BANDS)
        left = values - passes.restored(sent, (y, cb, cr), extrapolate.BANDS)
        assert (left[..., 4015:] >= 0).all()
        assert (left[..., :4015].astype(int) * sent[..., :4015] >= 0).all()
        assert abs(left).max() < 1 << max(shifts)


def streams(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values, widths, and lengths of 60 streams of every density, two of them empty."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 200, 60)
    lengths[3] = lengths[59] = 0
    lengths[7] = 4015
    widths = rng.integers(1, 9, lengths.sum())
    dense = rng.random(len(widths)) < np.repeat(rng.random(60) ** 2, lengths)
    values = np.where(dense, rng.integers(-255, 256, len(widths)), 0)
    return np.clip(values, 1 - (1 << widths), (1 << widths) - 1), widths, lengths


class TestSrl:
    @pytest.mark.parametrize(
        ("magnitude", "bits"),
        [(1, "1"), (2, "01"), (3, "001"), (4, "0001"), (5, "00001"), (6, "000001"), (7, "000000")],
    )
    def test_the_codes_of_3_1_8_1_5_2(self, magnitude: int, bits: str) -> None:
        # a run of no zeros with k = 1, a positive sign, the magnitude
        expected = int(("10" + "0" + bits).ljust(16, "0"), 2).to_bytes(2, "big").rstrip(b"\0") or b"\0"
        (data,) = srl.encode(np.array([magnitude]), np.array([3]), np.array([1]))
        assert data.rstrip(b"\0") == expected
        assert data.endswith(b"\0")

    @pytest.mark.parametrize("seed", range(3))
    def test_is_the_reference(self, seed: int) -> None:
        values, widths, lengths = streams(seed)
        at = 0
        for data, length in zip(srl.encode(values, widths, lengths), lengths.tolist(), strict=True):
            part, part_widths = values[at : at + length].tolist(), widths[at : at + length]
            assert data == srl_reference.encode(part, part_widths.tolist())
            assert srl.decode(data, part_widths).tolist() == part
            at += length

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=30), st.lists(st.integers(1, 15), max_size=80))
    def test_any_bytes_are_what_the_reference_makes_of_them(self, data: bytes, widths: list[int]) -> None:
        assert srl.decode(data, np.array(widths, np.int64)).tolist() == srl_reference.decode(data, widths)


class TestRaw:
    def test_the_example_of_3_2_8_1_5_2_1(self) -> None:
        # "abc", "defg", "hijkl" become "abcdefgh", "ijkl0000"
        (data,) = srl.encode_raw(np.array([0b101, 0b1001, 0b11010]), np.array([3, 4, 5]), np.array([3]))
        assert data == unhex("b3 a0")

    def test_comes_back(self) -> None:
        values, widths, lengths = streams(1)
        at = 0
        for data, length in zip(srl.encode_raw(abs(values), widths, lengths), lengths.tolist(), strict=True):
            part = slice(at, at + length)
            assert srl.decode_raw(data, widths[part]).tolist() == abs(values[part]).tolist()
            at += length

    @pytest.mark.parametrize("size", [0, 1, 2, 5])
    def test_zeros_follow_the_end(self, size: int) -> None:
        decoded = srl.decode_raw(b"\xff" * size, np.full(100, 15))
        assert (decoded[size:] == 0).all()
