"""What people feel on a slow link: goals of issue 9, with real frames in a model of 2 Mbit/s and 80 ms.

The picture has a ninth of the pixels of the screen that the goals are for, at 5 Mbit/s.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.stream import Target
from pyrdpmux.graphics.targets.choice import target_for
from pyrdpmux.graphics.targets.pipeline import Pipeline, PipelineFormat
from tests.graphics.bitmap_session import output_format
from tests.graphics.drawings import photo, text
from tests.graphics.links import percentile
from tests.graphics.pictures_on_a_link import PictureNetwork, noise

SIZE = WIDTH, HEIGHT = 640, 360
EVERYTHING = Rect(0, 0, *SIZE)
FILM = Rect(200, 60, 400, 240)
Patches = list[tuple[Rect, Words]]


def pipeline(*, has_avc: bool) -> Pipeline:
    return Pipeline(*SIZE, PipelineFormat(has_avc=has_avc, cache_slots=4096, cache_bytes=16 << 20))


TARGETS: dict[str, Callable[[], Target[object]]] = {
    "video": lambda: pipeline(has_avc=True),
    "progressive": lambda: pipeline(has_avc=False),
    "bitmaps": lambda: target_for(output_format(*SIZE)),
}
EACH = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


def network(target: Callable[[], Target[object]]) -> PictureNetwork:
    return PictureNetwork(2, 0.08, target(), SIZE)


def typing_beside_a_film(start: float) -> Iterator[tuple[float, Patches]]:
    number = 0
    while True:
        letter = text(8, 14, number)
        place = Rect(8 * (number % 20), 20 * (number // 20 % 15), 8, 14)
        yield start + number / 30, [(place, letter), (FILM, noise(FILM.width, FILM.height, number))]
        number += 1


@EACH
def test_typing_while_a_film_plays(target: Callable[[], Target[object]]) -> None:
    """Under 250 ms at the 95th percentile, whatever the client can do."""
    link = network(target)
    link.draw(EVERYTHING, text(*SIZE))
    link.play(7, typing_beside_a_film(2.0))
    assert percentile(link.lags(), 0.95) < 0.25
    assert len(link.drawn) > 140


def slides(start: float) -> Iterator[tuple[float, Patches]]:
    for number in range(100):
        page = text(*SIZE, number) if number % 2 else photo(*SIZE, number)
        yield start + number, [(EVERYTHING, page), (Rect(0, 0, 64, 8), np.full((8, 64), number, np.uint32))]


@EACH
def test_the_next_page_does_not_wait_for_the_last_one_to_be_exact(
    target: Callable[[], Target[object]],
) -> None:
    """Half a megabyte makes a photo exact, which takes two seconds."""
    link = network(target)
    link.draw(EVERYTHING, text(*SIZE))
    link.play(10, slides(1.0))
    assert max(link.lags()) < 0.4


@EACH
def test_the_first_picture_comes_soon(target: Callable[[], Target[object]]) -> None:
    """Text first, pictures coarse or in parts: no second is spent on what nobody sees meanwhile."""
    link = network(target)
    link.draw(EVERYTHING, photo(*SIZE))
    link.draw(Rect(0, 0, WIDTH, 120), text(WIDTH, 120))
    link.play(1, iter(()))
    assert link.shown[0].at < 0.5
    link.play(30, iter(()))
    assert link.shown[-1].is_whole
    assert not link.stream.is_behind
    assert not link.stream.planner.main.has_lossy, "in the end it is exact"


@EACH
def test_a_fast_link_gets_everything_at_once(target: Callable[[], Target[object]]) -> None:
    link = PictureNetwork(1000, 0.002, target(), SIZE)
    link.draw(EVERYTHING, photo(*SIZE))
    link.play(3, slides(1.0))
    assert percentile(link.lags(), 0.95) < 0.05
    assert all(shown.is_whole for shown in link.shown if shown.at > 0.5)


def test_no_frame_is_much_longer_than_the_link_takes_in_a_tenth_of_a_second() -> None:
    link = network(TARGETS["progressive"])
    link.draw(EVERYTHING, text(*SIZE))
    link.play(6, typing_beside_a_film(1.0))
    sizes = [shown.size for shown in link.shown if shown.at > 2]
    assert percentile([float(size) for size in sizes], 0.95) < 1.5 * 0.1 * link.bytes_per_second
