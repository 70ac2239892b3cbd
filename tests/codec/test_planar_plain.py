"""Planes without runs: what they are on the wire, and when they are not made."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pyrdpmux.codec import planar, planar_plain
from pyrdpmux.codec.color import words
from pyrdpmux.geometry import Rect
from tests.codec import pictures
from tests.rows import unhex

Frame = NDArray[np.uint8]


def soft(height: int, width: int) -> Frame:
    """Each line a little unlike the one before."""
    rng = np.random.default_rng(height * 1000 + width)
    frame = np.empty((height, width, 4), np.uint8)
    frame[0] = rng.integers(0, 256, frame[0].shape)
    for line, before in zip(frame[1:], frame, strict=False):
        line[:] = before + rng.integers(-3, 4, line.shape).astype(np.uint8)
    return frame


def test_a_line_is_cut_into_stretches_of_fifteen() -> None:
    frame = np.zeros((2, 17, 4), np.uint8)
    frame[0, :, 2], frame[0, :, 1], frame[0, :, 0] = 0x05, 0x06, 0x07
    frame[1] = frame[0] + np.array([1, 2, 255, 0], np.uint8)
    stream = planar_plain.encode(words(frame), bottom_up=False)
    planes = [(0x05, 0x01), (0x06, 0x04), (0x07, 0x02)]  # -1 is 1, +2 is 4, +1 is 2
    assert stream == b"\x30" + b"".join(
        unhex(f"f0 {value:02x} {' '.join([f'{value:02x}'] * 14)} 20 {value:02x} {value:02x}")
        for plane in planes
        for value in plane
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 95), st.booleans())
def test_round_trips(height: int, width: int, bottom_up: bool) -> None:
    frame = soft(height, width)
    stream = planar_plain.encode(words(frame), bottom_up=bottom_up)
    assert stream is not None
    decoded = planar.decode(stream, width, height, bottom_up=bottom_up)
    assert np.array_equal(decoded[..., :3], frame[..., :3])


@pytest.mark.parametrize("kind", pictures.KINDS)
def test_whatever_it_makes_is_read(kind: str) -> None:
    frame = pictures.picture(37, 50, kind)
    stream = planar_plain.encode(words(frame), bottom_up=False)
    if stream is not None:
        decoded = planar.decode(stream, 50, 37, bottom_up=False)
        assert np.array_equal(decoded[..., :3], frame[..., :3])


def test_lines_that_repeat_are_left_to_runs() -> None:
    frame = np.repeat(soft(1, 90), 40, axis=0)
    assert planar_plain.encode(words(frame), bottom_up=False) is None
    (stream,) = planar.encode(frame, [Rect(0, 0, 90, 40)], bottom_up=False, zgfx=True)
    assert len(stream) < 90 * 40


def test_noise_is_sent_as_it_is() -> None:
    frame = pictures.picture(64, 64, "random")
    stream = planar_plain.encode(words(frame), bottom_up=False)
    assert stream is not None
    assert stream[:1] == b"\x20"
    assert stream[1 : 1 + 64 * 64] == frame[..., 2].tobytes()


def test_pictures_of_both_sorts_come_in_their_order() -> None:
    frame = np.concatenate([soft(40, 90), np.repeat(soft(1, 90), 40, axis=0), soft(40, 90)])
    rects = [Rect(0, y, 90, 40) for y in (0, 40, 80)]
    streams = planar.encode(frame, rects, bottom_up=False, zgfx=True)
    for rect, stream in zip(rects, streams, strict=True):
        decoded = planar.decode(stream, rect.width, rect.height, bottom_up=False)
        assert np.array_equal(decoded[..., :3], frame[rect.slices][..., :3])
