"""Pixels into a surface, copies within it, and when they are shown."""

import threading
import time

import numpy as np
import pytest

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import WHOLE_SECONDS, Surface
from pyrdpmux.mux.picture.screen import BAND, BAND_PIXELS
from pyrdpmux.mux.vnc.painter import LONGEST_UPDATE, MAX_KEPT, MAX_MOVES, Painter

NOW = 100.0


def noise(width: int, height: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 200, (height, width, 4), np.uint8)


def painter_of(width: int, height: int) -> tuple[Painter, Surface]:
    surface = Surface(width, height)
    return Painter(surface), surface


def test_what_is_painted_is_shown_at_the_end_of_the_update() -> None:
    painter, surface = painter_of(200, 100)
    pixels = noise(30, 20)
    painter.paint(70, 10, pixels)
    assert (surface.pixels[10:30, 70:100] == pixels).all()
    assert surface.version == 0
    assert not painter.is_due(NOW)
    assert painter.show()
    assert np.argwhere(surface.newer(0)).tolist() == [[0, 1]]
    assert not painter.show()
    assert surface.version == 1


def test_what_lies_outside_is_cut_off() -> None:
    painter, surface = painter_of(40, 30)
    pixels = noise(30, 20)
    painter.paint(20, 15, pixels)
    painter.paint(40, 0, pixels)
    painter.paint(0, 0, pixels[:0])
    assert (surface.pixels[15:, 20:] == pixels[:15, :20]).all()
    painter.show()
    assert surface.version == 1


def test_a_long_update_is_shown_in_parts() -> None:
    painter, surface = painter_of(40, 30)
    assert not painter.is_due(NOW + 1), "nothing was painted"
    painter.paint(0, 0, noise(4, 4))
    assert not painter.is_due(NOW)
    assert painter.is_due(NOW + 2 * LONGEST_UPDATE)
    painter.show()
    painter.paint(0, 0, noise(4, 4))
    assert not painter.is_due(NOW + 9 * LONGEST_UPDATE), "however long nothing had come"
    assert surface.version == 1


def test_what_is_kept_back_has_a_bound() -> None:
    painter, _ = painter_of(40, 30)
    for _ in range(MAX_KEPT):
        assert not painter.is_due(NOW)
        painter.paint(0, 0, noise(1, 1))
    assert painter.is_due(NOW)


@pytest.mark.parametrize("down", [-70, -5, 0, 5, 70])
@pytest.mark.parametrize("right", [-9, 0, 9])
def test_copies_that_overlap_themselves(right: int, down: int) -> None:
    painter, surface = painter_of(50, 400)
    before = noise(50, 400)
    surface.pixels[:] = before
    source = Rect(10, 75, 30, 250)
    assert len(list(painter.copy(source, 10 + right, 75 + down))) == -(-250 // BAND)
    expected = before.copy()
    expected[75 + down : 325 + down, 10 + right : 40 + right] = before[75:325, 10:40]
    assert (surface.pixels == expected).all()
    painter.show()
    assert surface.proposals(0) == [(right, down)]
    assert surface.proposals(surface.version) == []


def test_a_copy_is_cut_off_where_the_picture_ends() -> None:
    painter, surface = painter_of(50, 40)
    before = noise(50, 40)
    surface.pixels[:] = before
    list(painter.copy(Rect(0, 0, 50, 40), 20, 30))
    assert (surface.pixels[30:, 20:] == before[:10, :30]).all()
    list(painter.copy(Rect(0, 0, 50, 40), 50, 0))
    painter.show()
    assert surface.proposals(0) == [(20, 30)], "what moved nothing moved nothing"


def test_a_copy_from_nowhere() -> None:
    painter, surface = painter_of(50, 40)
    with pytest.raises(ValueError, match="of a picture of 50x40"):
        list(painter.copy(Rect(30, 0, 30, 10), 0, 0))
    assert not painter.show()
    assert surface.version == 0


def test_a_copy_of_a_huge_picture_is_made_in_small_steps() -> None:
    painter, _ = painter_of(8000, 300)
    steps = list(painter.copy(Rect(0, 0, 8000, 291), 0, 9))
    assert len(steps) >= 8000 * 291 / BAND_PIXELS


def test_not_every_move_of_thousands_is_proposed() -> None:
    painter, surface = painter_of(400, 400)
    for number in range(2 * MAX_MOVES):
        list(painter.copy(Rect(0, 0, 1, 1), number + 1, 1))
    painter.show()
    assert len(surface.proposals(0)) == MAX_MOVES


def test_the_surface_tells_that_it_is_in_the_midst_of_an_update() -> None:
    painter, surface = painter_of(40, 30)
    assert not surface.is_being_painted
    painter.paint(40, 0, noise(4, 4))
    assert not surface.is_being_painted, "nothing of it is to be seen"
    painter.paint(0, 0, noise(4, 4))
    assert surface.is_being_painted
    painter.show()
    assert not surface.is_being_painted
    for _ in painter.copy(Rect(0, 0, 4, 4), 8, 8):
        assert surface.is_being_painted
    Painter(surface)
    assert not surface.is_being_painted, "whoever painted before does no more"


def test_who_takes_the_picture_over_is_waited_for_once_and_not_for_long() -> None:
    painter, surface = painter_of(40, 30)
    surface.readers.add("somebody")
    started = time.monotonic()
    painter.paint(0, 0, noise(4, 4))
    waited = time.monotonic() - started
    assert waited >= WHOLE_SECONDS
    assert surface.words[0, 0], "it has gone on without"
    started = time.monotonic()
    for _ in range(50):
        painter.paint(0, 0, noise(4, 4))
    assert time.monotonic() - started < 50 * WHOLE_SECONDS, "not for each rectangle"
    painter.show()
    threading.Timer(WHOLE_SECONDS / 3, surface.readers.clear).start()
    painter.paint(0, 0, noise(4, 4))
    assert not surface.readers, "when they have it, it goes on"
