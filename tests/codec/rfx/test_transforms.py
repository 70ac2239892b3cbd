"""Colors, wavelet and quantization against scalar references written from the specification."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.rfx import color, dwt, quant
from pyrdpmux.codec.rfx.quant import BANDS, Quantization
from tests.codec.reference import rfx as reference
from tests.rows import Row, row_tests

TestRows = row_tests(
    [
        Row("2.2.2.1.5, 4.2.3", Quantization(), "66 66 77 88 98"),
        Row("2.2.2.1.5, all different, constructed", Quantization(*range(6, 16)), "76 98 ba dc fe"),
    ]
)


def samples(seed: int, lanes: int, size: int = 4096) -> np.ndarray:
    return np.random.default_rng(seed).integers(-size, size, (4096, lanes)).astype(np.int16)


class TestWavelet:
    @pytest.mark.parametrize("seed", range(3))
    def test_forward_is_the_reference(self, seed: int) -> None:
        planes = samples(seed, 3)
        ours = dwt.forward(planes)
        for lane in range(3):
            assert ours[:, lane].tolist() == reference.forward(planes[:, lane].reshape(64, 64).tolist())

    @pytest.mark.parametrize("seed", range(3))
    def test_inverse_is_the_reference(self, seed: int) -> None:
        planes = samples(seed, 3, 500)
        ours = dwt.inverse(planes)
        for lane in range(3):
            assert ours[:, lane].reshape(64, 64).tolist() == reference.inverse(planes[:, lane].tolist())

    def test_comes_back_within_a_fraction(self) -> None:
        planes = samples(7, 5)
        assert abs(dwt.inverse(dwt.forward(planes)).astype(int) - planes).max() <= 32

    def test_flat_is_flat(self) -> None:
        coefficients = dwt.forward(np.full((4096, 1), 77, np.int16))
        assert (coefficients[:4032] == 0).all()
        assert (coefficients[4032:] == 77).all()

    @pytest.mark.parametrize("sign", [1, -1])
    def test_no_picture_overflows(self, sign: int) -> None:
        # the sign pattern of what each LL3 coefficient is made of: the largest that a picture can cause
        identity = np.zeros((64, 64, 64), np.int64)
        impulse = np.zeros(64)
        weights = np.zeros(64)
        for place in range(64):
            line = impulse.copy()
            line[place] = 4096
            for _ in range(3):
                line = np.array(reference.split(line.astype(int).tolist())[0])
            weights[place] = line[4]
        assert identity.size
        pattern = np.sign(np.outer(weights, weights)).reshape(4096, 1) * 4095 * sign
        largest = abs(dwt.forward(pattern.astype(np.int16)).astype(int)).max()
        assert largest <= 3 * 4096


class TestQuantization:
    @settings(max_examples=10, deadline=None)
    @given(st.lists(st.integers(6, 15), min_size=10, max_size=10), st.integers(0, 99))
    def test_is_the_reference_both_ways(self, factors: list[int], seed: int) -> None:
        quantization = Quantization(*factors)
        in_order = [getattr(quantization, name) for name, _ in BANDS]
        planes = samples(seed, 3)
        quantized = quant.quantize(planes.copy(), (quantization,) * 3)
        assert quantized[:, 1].tolist() == reference.quantize(planes[:, 1].tolist(), in_order)
        expected = reference.dequantize(quantized[:, 1].tolist(), in_order)
        assert (
            quant.dequantize(quantized, (quantization,) * 3)[:, 1].tolist()
            == np.array(expected).astype(np.int16).tolist()
        )

    def test_each_component_has_its_own(self) -> None:
        planes = samples(1, 6)
        kinds = (Quantization(), Quantization(*[9] * 10), Quantization(*[9] * 10))
        whole = quant.quantize(planes.copy(), kinds)
        for index, kind in enumerate(kinds):
            part = quant.quantize(planes[:, 2 * index : 2 * index + 2].copy(), (kind,))
            assert (whole[:, 2 * index : 2 * index + 2] == part).all()


class TestColors:
    def test_forward_is_within_a_quarter(self) -> None:
        bgr = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 4), dtype=np.uint8)
        planes = color.to_planes(bgr.view("<u4")[..., 0]) / 32
        for place in range(0, 4096, 7):
            blue, green, red, _ = bgr.reshape(4096, 4)[place].tolist()
            assert planes[place] == pytest.approx(reference.to_ycbcr(blue, green, red), abs=0.5)

    def test_grays(self) -> None:
        tiles = np.random.default_rng(0).integers(0, 256, (70, 64, 64, 1), dtype=np.uint8).repeat(4, axis=3)
        tiles[..., 3] = 7
        tiles[3, 0, 0, 0] ^= 1
        tiles[5, 63, 62, 1] ^= 128
        tiles[9, 21, 0, 2] ^= 1
        words = tiles.view("<u4")[..., 0]
        assert np.flatnonzero(~color.are_gray(words)).tolist() == [3, 5, 9]
        gray = words[10:]
        assert color.are_gray(gray).all()
        planes = color.to_planes(gray)
        assert (color.to_luma(gray) == planes[:, :60]).all()
        assert not planes[:, 60:].any()

    def test_backward_is_within_one(self) -> None:
        planes = np.random.default_rng(0).integers(-4096, 4096, (4096, 3)).astype(np.int16)
        pixels = color.to_pixels(planes).reshape(4096, 4)
        for place in range(0, 4096, 7):
            expected = reference.to_bgr(*(planes[place] / 32).tolist())
            assert pixels[place, :3].astype(int) == pytest.approx(expected, abs=1)
        assert (pixels[:, 3] == 255).all()

    @pytest.mark.parametrize("count", [1, 3, 64])
    def test_there_and_back(self, count: int) -> None:
        bgr = np.random.default_rng(count).integers(0, 256, (count, 64, 64, 4), dtype=np.uint8)
        back = color.to_pixels(color.to_planes(bgr.view("<u4")[..., 0]))
        assert abs(back[..., :3].astype(int) - bgr[..., :3]).max() <= 2
