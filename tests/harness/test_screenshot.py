"""XWD files: what xwd writes becomes an array of red, green and blue."""

import numpy as np
import pytest

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.screenshot import XwdImage
from pyrdpmux.wire import decode
from tests.rows import Row, row_tests

PIXELS = bytes.fromhex("010203ff 040506ff 00000000  070809ff 0a0b0cff 00000000")

ROWS = [
    Row(
        "two by two with a line pad (constructed)",
        XwdImage(2, 2, 12, PIXELS, b"it"),
        """00000067 00000007 00000002 00000018 00000002 00000002  # size, version, ZPixmap, depth, 2x2
           00000000 00000000 00000020 00000000 00000020 00000020  # xoffset, orders, units, pad, bits
           0000000c 00000004 00ff0000 0000ff00 000000ff           # bytes a line, true color, masks
           00000008 00000100 00000000                             # bits per rgb, color map
           00000002 00000002 00000000 00000000 00000000           # window
           697400                                                 # "it"
           010203ff 040506ff 00000000  070809ff 0a0b0cff 00000000""",
    ),
]

TestRows = row_tests(ROWS)


def test_the_picture_is_red_green_blue() -> None:
    picture = XwdImage(2, 2, 12, PIXELS).picture
    expected = np.array([[[3, 2, 1], [6, 5, 4]], [[9, 8, 7], [12, 11, 10]]], np.uint8)
    np.testing.assert_array_equal(picture, expected)


def test_a_color_map_is_passed_over() -> None:
    data = bytearray(ROWS[0].data)
    data[79] = 2
    image = decode(XwdImage, bytes(data[:103]) + bytes(24) + PIXELS)
    assert image.pixels == PIXELS


def test_lines_hold_their_pixels() -> None:
    data = bytearray(ROWS[0].data)
    data[51] = 8
    assert decode(XwdImage, bytes(data[:-8])).picture.shape == (2, 2, 3)
    data[51] = 7
    with pytest.raises(DecodeError, match="bytes_per_line: 7, at least 8 needed"):
        decode(XwdImage, bytes(data))


@pytest.mark.parametrize(
    ("at", "complaint"), [(7, "file_version"), (11, "pixmap_format"), (47, "bits_per_pixel")]
)
def test_other_formats_are_refused(at: int, complaint: str) -> None:
    data = bytearray(ROWS[0].data)
    data[at] = 1
    with pytest.raises(DecodeError, match=complaint):
        decode(XwdImage, bytes(data))
