"""Each row of librdpmux-protocol.md 4.4, with the memory bytes as given there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.picture.pixel_format import PixelCode, PixelFormat, pixel_format

B, G, R, X = 0x11, 0x92, 0xE3, 0x5A

MEMORY = {  # code, decimal value, memory bytes of the color above
    PixelCode.A8R8G8B8: (537036936, [B, G, R, X]),
    PixelCode.X8R8G8B8: (537004168, [B, G, R, X]),
    PixelCode.A8B8G8R8: (537102472, [R, G, B, X]),
    PixelCode.X8B8G8R8: (537069704, [R, G, B, X]),
    PixelCode.B8G8R8A8: (537430152, [X, R, G, B]),
    PixelCode.B8G8R8X8: (537397384, [X, R, G, B]),
    PixelCode.R8G8B8A8: (537495688, [X, B, G, R]),
    PixelCode.R8G8B8X8: (537462920, [X, B, G, R]),
    PixelCode.R8G8B8: (402786440, [B, G, R]),
    PixelCode.B8G8R8: (402851976, [R, G, B]),
}

WORDS = {  # code, decimal value, value of a pixel, its red, green, blue
    PixelCode.R5G6B5: (268567909, 0b10110_011011_00001, (0b10110_101, 0b011011_01, 0b00001_000)),
    PixelCode.B5G6R5: (268633445, 0b00001_011011_10110, (0b10110_101, 0b011011_01, 0b00001_000)),
    PixelCode.A1R5G5B5: (268571989, 0b1_10110_01101_00001, (0b10110_101, 0b01101_011, 0b00001_000)),
    PixelCode.X1R5G5B5: (268567893, 0b0_10110_01101_00001, (0b10110_101, 0b01101_011, 0b00001_000)),
}


def test_the_table_is_complete() -> None:
    assert {*MEMORY, *WORDS} == set(PixelCode)


@pytest.mark.parametrize("code", MEMORY, ids=lambda code: code.name)
def test_whole_byte_formats(code: PixelCode) -> None:
    decimal, memory = MEMORY[code]
    format_ = pixel_format(decimal)
    assert format_.code is code
    assert format_.bytes_per_pixel == len(memory)
    pixels = np.array([[memory, [0] * len(memory)]], np.uint8)
    assert format_.to_bgrx(pixels).tolist() == [[[B, G, R, 0], [0, 0, 0, 0]]]


@pytest.mark.parametrize("code", WORDS, ids=lambda code: code.name)
def test_16_bit_formats(code: PixelCode) -> None:
    decimal, word, (red, green, blue) = WORDS[code]
    format_ = pixel_format(decimal)
    assert format_.code is code
    pixels = np.array([[[word & 0xFF, word >> 8], [0xFF, 0xFF]]], np.uint8)
    assert format_.to_bgrx(pixels).tolist() == [[[blue, green, red, 0], [255, 255, 255, 0]]]


@pytest.mark.parametrize("code", PixelCode, ids=lambda code: code.name)
@given(
    seed=st.integers(0, 2**32 - 1), width=st.integers(1, 9), height=st.integers(1, 5), gap=st.integers(0, 7)
)
def test_guests_pixels_come_back(code: PixelCode, seed: int, width: int, height: int, gap: int) -> None:
    """What a guest packs with ``from_bgrx`` is what we unpack, at any stride, modulo the cut bits."""
    format_ = PixelFormat(code)
    bgrx = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    packed = format_.from_bgrx(bgrx)
    size = format_.bytes_per_pixel
    stride = width * size + gap
    buffer = bytearray(stride * height)
    format_.view(buffer, width, height, stride)[:] = packed
    seen = format_.to_bgrx(format_.view(buffer, width, height, stride))
    assert not seen[:, :, 3].any()
    words = np.full((height + 2, width + 2), 0x77777777, np.uint32)
    format_.put_bgrx(format_.view(buffer, width, height, stride), words[1:-1, 1:-1])
    assert (words[1:-1, 1:-1] == seen.view("<u4")[:, :, 0]).all()
    assert (words[0] == 0x77777777).all()
    assert (words[:, -1] == 0x77777777).all()
    lost = np.array([0, 0, 0] if size > 2 else [7, 7 if "5G5" in code.name else 3, 7])
    cut = 0xFF & ~lost
    assert ((seen[:, :, :3] & cut) == (bgrx[:, :, :3] & cut)).all()
    assert (format_.from_bgrx(seen) == packed).all()


def test_scattered_pixels() -> None:
    pixels = np.arange(2 * 6 * 4, dtype=np.uint8).reshape(2, 6, 4)[:, ::2]
    seen = PixelFormat(PixelCode.X8R8G8B8).to_bgrx(pixels)
    assert (seen[:, :, :3] == pixels[:, :, :3]).all()


@pytest.mark.parametrize("code", [0, 0x20020889, 0x08018000, 2**32 - 1, 2**64])
def test_unknown_codes(code: int) -> None:
    with pytest.raises(BackendError, match="pixel format"):
        pixel_format(code)


def test_a_buffer_that_is_too_small() -> None:
    with pytest.raises(ValueError, match="stride"):
        PixelFormat(PixelCode.R8G8B8).view(b"\0" * 17, 3, 2, 9)
    with pytest.raises(ValueError, match="stride"):
        PixelFormat(PixelCode.R8G8B8).view(b"\0" * 99, 3, 2, 8)
