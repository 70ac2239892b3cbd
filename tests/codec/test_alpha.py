"""The alpha codec."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec import alpha
from pyrdpmux.codec.alpha import AlphaStream
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.wire import decode
from tests.codec import pictures
from tests.codec.reference.clear import Bytes
from tests.rows import Row, row_tests, unhex

TestRows = row_tests(
    [
        Row(
            "2.2.4.3, compressed, constructed",
            AlphaStream(1, b"\xff\x05"),
            """
            4c 41   # alphaSig
            01 00   # compressed
            ff 05   # runValue, runLengthFactor1
            """,
            valid_prefixes=(4, 5),
            refuses_trailing=False,
        ),
    ]
)


@settings(max_examples=60, deadline=None)
@given(pictures.tiles())
def test_round_trip(tiles: NDArray[np.uint8]) -> None:
    planes = tiles[..., 3]
    for plane, data in zip(planes, alpha.encode_planes(planes), strict=True):
        height, width = plane.shape
        assert (alpha.decode(data, width, height) == plane).all()
        assert len(data) <= plane.size + 4
        stream = decode(AlphaStream, data)
        if stream.compressed:
            r, values = Bytes(stream.segments), bytearray()
            while r.more:
                values += r.take(1) * r.run_length()
            assert values == plane.tobytes()


def test_an_opaque_screen_is_twelve_bytes() -> None:
    data = alpha.encode_planes(np.full((1, 1080, 1920), 255, np.uint8))[0]
    assert data == unhex("4c 41 01 00  ff ff ff ff 00 a4 1f 00")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "4c 41 00",
        "4d 41 01 00 ff 06",
        "4c 41 00 00 01 02 03 04 05",
        "4c 41 00 00 01 02 03 04 05 06 07",
        "4c 41 01 00 ff 05",
        "4c 41 01 00 ff 07",
        "4c 41 01 00 ff",
        "4c 41 01 00 ff ff ff ff ff ff ff ff",
    ],
)
def test_refuses(data: str) -> None:
    out = np.full((2, 3), 9, np.uint8)
    with pytest.raises(DecodeError):
        alpha.decode(unhex(data), 3, 2, out=out)
    assert (out == 9).all()


def test_runs_of_nothing_are_allowed() -> None:
    assert alpha.decode(unhex("4c 41 07 00  01 00  02 06"), 3, 2).tolist() == [[2, 2, 2], [2, 2, 2]]


def test_out_may_be_the_fourth_byte_of_a_surface() -> None:
    surface = pictures.picture(20, 30, "random")
    plane = pictures.picture(4, 5, "random")[..., 3]
    alpha.decode(alpha.encode_planes([plane])[0], 5, 4, out=surface[3:7, 2:7, 3])
    assert (surface[3:7, 2:7, 3] == plane).all()


@pytest.mark.parametrize("kind", ["blocks", "random"])
def test_mutations_are_refused_or_decoded(kind: str) -> None:
    data = alpha.encode_planes([pictures.picture(30, 40, kind)[..., 3]])[0]
    results = [
        pictures.attempt(lambda data: alpha.decode(data, 40, 30), changed)
        for changed in pictures.mutations(data, 1000)
    ]
    assert any(plane is None for plane in results)
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            alpha.decode(data[:size], 40, 30)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40), st.integers(0, 1))
def test_garbage(data: bytes, compressed: int) -> None:
    pictures.attempt(lambda data: alpha.decode(data, 7, 5), b"LA" + bytes([compressed, 0]) + data)


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-1, 4), (1 << 24, 2)])
def test_absurd_sizes(width: int, height: int) -> None:
    with pytest.raises(DecodeError):
        alpha.decode(bytes(20), width, height)


def test_refuses_what_is_no_plane() -> None:
    with pytest.raises(EncodeError):
        alpha.encode_planes([np.zeros((2, 2, 4), np.uint8)])
    with pytest.raises(EncodeError):
        alpha.encode_planes([np.zeros((0, 2), np.uint8)])
