"""RLEX against the scalar reader."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.clear import rlex
from pyrdpmux.codec.color import words
from pyrdpmux.errors import DecodeError
from tests.codec import pictures
from tests.codec.reference.clear import Bytes
from tests.codec.reference.clear import rlex as reference
from tests.rows import unhex

COLOR = np.uint32(0xFFFFFF)


@pytest.mark.parametrize(("colors", "bits"), [(1, 1), (2, 1), (3, 2), (14, 4), (64, 6), (65, 7), (127, 7)])
def test_index_bits(colors: int, bits: int) -> None:
    assert rlex.index_bits(colors) == bits


@settings(max_examples=60, deadline=None)
@given(pictures.tiles())
def test_round_trip(tiles: np.ndarray[tuple[int, int, int, int], np.dtype[np.uint8]]) -> None:
    for tile in tiles:
        pixels = words(tile) & COLOR
        data = rlex.encode(pixels)
        few = len(np.unique(pixels)) <= rlex.MAX_COLORS
        assert (data is not None) == few
        if data is None:
            continue
        assert ((rlex.decode(data, pixels.size) & COLOR) == pixels.reshape(-1)).all()
        if pixels.size < 5000:
            expected = [tuple(color[:3]) for color in tile.reshape(-1, 4).tolist()]
            assert reference(Bytes(data), pixels.size) == expected


def test_suites_share_a_segment() -> None:
    pixels = np.array([[1, 1, 1, 2, 3, 4, 1, 2]], np.uint32)
    assert rlex.encode(pixels) == unhex("04 010000 020000 030000 040000  0f 02  05 00")


@pytest.mark.parametrize("colors", [1, 2, 60, 127])
def test_long_suites_stop_at_the_greatest_depth(colors: int) -> None:
    pixels = (np.arange(1024, dtype=np.uint32) % colors).reshape(16, 64)
    data = rlex.encode(pixels)
    assert data is not None
    assert ((rlex.decode(data, 1024) & COLOR) == pixels.reshape(-1)).all()


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ("", "paletteCount"),
        ("00", "paletteCount"),
        ("80", "paletteCount"),
        ("02 000000 0000", "paletteEntries"),
        ("03 000000 000000 000000  03 03", "stopIndex"),
        ("03 000000 000000 000000  04 03", "stopIndex"),
        ("01 000000 00 02", "segments"),
        ("01 000000 00 04", "segments"),
        ("01 000000 00 ff ff ff ff ff ff ff", "segments"),
        ("01 000000", "segments"),
        ("01 000000 00", "segments"),
    ],
)
def test_refuses(data: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        rlex.decode(unhex(data), 4)
    assert caught.value.path == f"ClearCodec.bitmapData.{path}"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 255]), max_size=24))
def test_anything_is_read_as_by_the_reference(octets: list[int]) -> None:
    data = unhex("03 000000 010101 020202") + bytes(octets)
    try:
        expected = reference(Bytes(data), 12)
    except ValueError:
        with pytest.raises(DecodeError):
            rlex.decode(data, 12)
    else:
        assert (rlex.decode(data, 12) & COLOR).tolist() == [blue * 0x010101 for blue, _, _ in expected]
