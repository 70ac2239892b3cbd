"""What QEMU shows where no guest draws; the real one is in tests/interop/test_heads.py."""

import numpy as np
import pytest

from pyrdpmux.codec.color import Words
from pyrdpmux.mux.qemu.placeholder import MESSAGES, is_placeholder
from tests.mux.qemu.placeholders import placeholder


@pytest.mark.parametrize("text", MESSAGES)
@pytest.mark.parametrize(("width", "height"), [(640, 480), (1024, 768), (1366, 767), (400, 16)])
def test_those_of_qemu(text: str, width: int, height: int) -> None:
    assert is_placeholder(placeholder(text, width, height))


def with_pixel(picture: Words, x: int, y: int, value: int = 1) -> Words:
    picture[y, x] = value
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((480, 640), np.uint32),
        np.full((480, 640), 0xAAAAAA, np.uint32),
        np.zeros((8, 640), np.uint32),
        np.full((1, 1), 0xAAAAAA, np.uint32),
        placeholder("some other text", 640, 480),
        placeholder(MESSAGES[0], 640, 480, row=0),
        with_pixel(placeholder(MESSAGES[0], 640, 480), 639, 479),
        with_pixel(placeholder(MESSAGES[0], 640, 480), 0, 0),
        with_pixel(placeholder(MESSAGES[0], 640, 480), 300, 230, 0xFF0000),
        with_pixel(placeholder(MESSAGES[0], 640, 480), 143, 230, 0xAAAAAA),
    ],
)
def test_other_pictures(picture: Words) -> None:
    assert not is_placeholder(picture)


def test_the_fourth_byte_means_nothing() -> None:
    assert is_placeholder(placeholder(MESSAGES[1], 640, 480) | np.uint32(0xFF000000))
