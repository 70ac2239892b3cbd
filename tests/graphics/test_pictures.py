"""What clients show becomes what the surface has, and both are told apart where they differ."""

import numpy as np
import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics import snapshot as snapshots
from pyrdpmux.graphics.client_picture import UNKNOWN
from pyrdpmux.graphics.pictures import Pictures
from tests.graphics.drawings import photo

SIZE = WIDTH, HEIGHT = 60, 40
EVERYTHING = Rect(0, 0, *SIZE)
PLACE = Rect(10, 10, 20, 5)


@pytest.fixture(autouse=True, params=[0, snapshots.MIN_EXCHANGED])
def least(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Pixels that change places."""
    number: int = request.param
    monkeypatch.setattr(snapshots, "MIN_EXCHANGED", number)
    return number


def shown() -> Pictures:
    """A photograph."""
    pictures = Pictures(*SIZE)
    pictures.begin()
    assert pictures.take_and_compare(photo(*SIZE), [EVERYTHING]) == [EVERYTHING]
    pictures.settle()
    pictures.finish()
    assert (pictures.main.words == photo(*SIZE)).all()
    return pictures


def test_a_large_picture_that_has_settled_is_both(least: int) -> None:
    pictures = shown()
    assert (pictures.main.words is pictures.current) == (not least)
    assert not pictures.main.lossy.any()


def test_what_nobody_knows_differs_when_it_is_looked_at_again() -> None:
    pictures = shown()
    pictures.forget([PLACE])
    assert (pictures.main.words[PLACE.slices] == UNKNOWN).all()
    assert (pictures.current == photo(*SIZE)).all()
    pictures.begin()
    assert pictures.take_and_compare(photo(*SIZE), [EVERYTHING]) == [PLACE]


def test_what_is_shown_before_a_plan_settles_is_there_when_it_is_looked_at() -> None:
    for is_looked_at in (True, False):
        pictures, picture = shown(), photo(*SIZE)
        picture[PLACE.slices] = 7
        pictures.begin()
        pictures.take(picture, [EVERYTHING])
        pictures.show_lossy(PLACE, due=5.0)
        if is_looked_at:
            pictures.catch_up()
            assert (pictures.main.words == picture).all()
            assert pictures.compare([EVERYTHING]) == []
        pictures.finish()
        assert (pictures.main.words == picture).all()
        assert (pictures.current == picture).all()
        assert pictures.main.lossy.sum() == PLACE.pixels
        assert pictures.main.next_due() == 5.0


def test_what_was_forgotten_in_a_plan_stays_so_to_its_end() -> None:
    pictures, picture = shown(), photo(*SIZE)
    picture[PLACE.slices] = 7
    pictures.begin()
    pictures.take_and_compare(picture, [EVERYTHING])
    pictures.settle()
    pictures.forget([PLACE])
    pictures.show_lossy(Rect(0, 0, 4, 4), due=5.0)
    pictures.settle()
    pictures.finish()
    assert (pictures.main.words[PLACE.slices] == UNKNOWN).all()
    assert (pictures.current == picture).all()


def test_a_copy_is_one_of_its_own() -> None:
    pictures = shown()
    copy = pictures.clone()
    pictures.begin()
    pictures.take_and_compare(np.zeros((HEIGHT, WIDTH), np.uint32), [EVERYTHING])
    pictures.settle()
    assert (copy.main.words == photo(*SIZE)).all()
    assert (copy.current == photo(*SIZE)).all()
