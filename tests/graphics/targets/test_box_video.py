"""The video of a box: of what size its pictures are, and when it begins anew."""

import numpy as np
import pytest

from pyrdpmux.codec.avc.codec import Avc420Decoder
from pyrdpmux.codec.color import Pixels, pixels_of
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.targets.box_video import (
    BURSTS_PER_SECOND,
    ENOUGH_BYTES,
    MAX_RATE,
    RATE_FACTOR,
    RATED_PICTURES,
    BoxVideo,
)
from tests.graphics.drawings import photo

SIZE = WIDTH, HEIGHT = 320, 240
EVERYTHING = Rect(0, 0, *SIZE)
BURST = MAX_RATE // 8 // BURSTS_PER_SECOND
"""Bytes of a picture, at most, if nobody says anything else."""


def noise(seed: int) -> Pixels:
    """Which takes whatever may be sent."""
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)


def is_key_frame(message: bytes) -> bool:
    """A slice of NAL unit type 5 (ITU-T H.264 table 7-1)."""
    return b"\0\0\1\x65" in message


def sizes(video: BoxVideo, count: int, max_bytes: int | None) -> list[int]:
    return [len(video.encode(noise(seed), [EVERYTHING], max_bytes)) for seed in range(count)]


def test_what_was_not_shown_is_not_in_it() -> None:
    video = BoxVideo(*SIZE)
    decoder = Avc420Decoder(video.width, video.height)
    picture = pixels_of(photo(*SIZE))
    shown = np.zeros((video.height, video.width, 4), np.uint8)
    decoder.decode(video.encode(picture, [Rect(32, 32, 64, 48)]), shown)
    inner = shown[32:80, 32:96, :3].astype(int) - picture[32:80, 32:96, :3]
    assert np.abs(inner).mean() < 8
    decoder.decode(video.encode(picture, [Rect(0, 0, 16, 16)]), shown)
    assert shown[128:HEIGHT, 128:WIDTH].max() == 0


def test_pictures_are_as_large_as_the_link_takes() -> None:
    free, slow = sizes(BoxVideo(*SIZE), 10, None), sizes(BoxVideo(*SIZE), 10, BURST // 4)
    assert sum(slow) < sum(free) / 2
    assert max(slow[1:]) < 1.5 * BURST / 4


def test_more_than_the_most_is_not_spent() -> None:
    assert sizes(BoxVideo(*SIZE), 5, 100 * BURST) == sizes(BoxVideo(*SIZE), 5, None)


@pytest.mark.parametrize(
    ("factor", "begins_anew"),
    [(0.9 / RATE_FACTOR, True), (1.1 / RATE_FACTOR, False), (1.0, False), (1.1 * RATE_FACTOR, True)],
)
def test_it_begins_anew_where_the_rate_is_wrong_and_not_at_once(factor: float, begins_anew: bool) -> None:
    video, room = BoxVideo(*SIZE), BURST // 4
    assert is_key_frame(video.encode(noise(0), [EVERYTHING], room))
    for seed in range(RATED_PICTURES - 1):
        assert not is_key_frame(video.encode(noise(seed), [EVERYTHING], round(factor * room)))
    after = [is_key_frame(video.encode(noise(seed), [EVERYTHING], round(factor * room))) for seed in range(3)]
    assert after == [begins_anew, False, False]


@pytest.mark.parametrize(
    ("size", "room", "is_soon"),
    [
        ((1280, 832), None, True),
        ((1280, 832), ENOUGH_BYTES, True),
        ((1280, 832), ENOUGH_BYTES - 1, False),
        ((1280, 800), None, False),
    ],
)
def test_the_first_of_a_large_box_comes_soon_and_then_a_video_begins(
    size: tuple[int, int], room: int | None, is_soon: bool
) -> None:
    video, picture = BoxVideo(*size), pixels_of(photo(*size))
    decoder = Avc420Decoder(video.width, video.height)
    shown = np.zeros((video.height, video.width, 4), np.uint8)
    messages = [video.encode(picture, [Rect(0, 0, *size)], room) for _ in range(4)]
    assert [is_key_frame(message) for message in messages] == [True, is_soon, False, False]
    errors = []
    for message in messages:
        decoder.decode(message, shown)
        errors.append(np.square(shown[: size[1], : size[0], :3].astype(int) - picture[..., :3]).mean())
    # Without a filter for its blocks it is the worse one.
    assert (errors[0] > 1.2 * errors[1]) == is_soon
    assert max(errors) < 100
