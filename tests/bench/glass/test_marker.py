"""Each number has a marker of its own, and nothing else is taken for one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.glass import marker
from bench.glass.sampler import FIRST, STEP


def samples_of(picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """As the sampler takes them."""
    return picture.tobytes()[FIRST : FIRST + STEP * marker.BLOCKS : STEP]


def test_every_number_is_read_as_itself() -> None:
    numbers = range(marker.MAX_NUMBER + 1)
    assert [marker.read(samples_of(marker.draw(number))) for number in numbers] == list(numbers)


def test_size() -> None:
    picture = marker.draw(5)
    assert picture.shape == (8, 192, 4)
    assert (marker.RECT.width, marker.RECT.height) == (192, 8)
    assert set(picture.ravel().tolist()) == {0, 255}


@pytest.mark.parametrize("number", [-1, marker.MAX_NUMBER + 1])
def test_other_numbers_have_none(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        marker.draw(number)


@pytest.mark.parametrize("level", [0, 127, 128, 255])
def test_a_flat_screen_has_none(level: int) -> None:
    assert marker.read(bytes([level]) * marker.BLOCKS) is None


@given(st.integers(0, marker.MAX_NUMBER), st.integers(0, 100))
def test_what_a_codec_has_blurred_is_read(number: int, blur: int) -> None:
    samples = samples_of(marker.draw(number))
    assert marker.read(bytes(min(255 - blur, max(blur, sample)) for sample in samples)) == number


@given(st.integers(0, marker.MAX_NUMBER), st.integers(0, marker.BLOCKS - 1))
def test_one_wrong_block_is_noticed(number: int, block: int) -> None:
    samples = bytearray(samples_of(marker.draw(number)))
    samples[block] = 255 - samples[block]
    assert marker.read(bytes(samples)) is None


def test_neighbors_that_are_mixed_by_tiles_are_hardly_ever_taken_for_a_third() -> None:
    """A client paints tiles of 64 pixels one after the other."""
    wrong = 0
    for number in range(1, 1200):
        old, new = samples_of(marker.draw(number - 1)), samples_of(marker.draw(number))
        for tile in (8, 16):
            wrong += marker.read(new[:tile] + old[tile:]) not in (None, number - 1, number)
            wrong += marker.read(old[:tile] + new[tile:]) not in (None, number - 1, number)
    assert wrong <= 5
