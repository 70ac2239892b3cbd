"""Small pictures: which layers they get; that they come out is tests/codec/clear/test_encoder.py's, too."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pyrdpmux.codec.clear import small
from pyrdpmux.codec.clear.encoder import Encoder
from pyrdpmux.codec.clear.stream import MAX_GLYPH_PIXELS
from tests.codec.clear.test_encoder import check


def noise(height: int, width: int) -> NDArray[np.uint32]:
    words: NDArray[np.uint32] = np.random.default_rng(width).integers(0, 1 << 24, (height, width), np.uint32)
    return words


def blocks(columns: int) -> NDArray[np.uint32]:
    """Eight rows of blocks of 8x8, black and white in turns."""
    line = np.where(np.arange(columns) % 2, 0xFFFFFF, 0).astype(np.uint32).repeat(8)
    return line[None].repeat(8, axis=0)


def pixels(words: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return words.view(np.uint8).reshape(*words.shape, 4)


def test_many_colors_go_raw() -> None:
    found = small.payload(noise(8, 16))
    assert found is not None
    assert not found.residual
    assert not found.bands
    assert found.subcodecs.endswith(noise(8, 16).reshape(-1, 1).view(np.uint8)[:, :3].tobytes())


def test_few_runs_go_as_runs() -> None:
    found = small.payload(blocks(12))
    assert found is not None
    assert not found.bands
    assert not found.subcodecs
    # Eleven edges in a row; a run goes on into the next row or does not.
    assert len(found.residual) == 4 * (8 * 11 + 1 + 7)


def test_what_is_larger_and_has_many_colors_is_looked_at() -> None:
    assert small.payload(noise(16, 13)) is None


@pytest.mark.parametrize(
    "words",
    [
        noise(8, 16),
        noise(1, 1),
        noise(192, 1),
        noise(1, 192),
        blocks(1),
        blocks(12),
        blocks(16),
        noise(16, 13),
    ],
    ids=lambda words: str(words.shape),
)
def test_readers_agree(words: NDArray[np.uint32]) -> None:
    assert words.size <= MAX_GLYPH_PIXELS
    check([pixels(words), pixels(words)])


def test_the_second_time_it_is_a_glyph() -> None:
    first, second = Encoder().encode_tiles([pixels(noise(8, 16))] * 2)
    assert len(first) > 3 * 8 * 16
    assert len(second) == 4
