"""What a moved window covers, and what comes back when it goes on."""

import numpy as np
import pytest

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import Layer
from pyrdpmux.graphics.commands import BACK, MAIN, Copy
from pyrdpmux.graphics.residual import Mask, changed_rects
from pyrdpmux.graphics.save_under import MIN_RESTORED, SaveUnder
from tests.graphics.drawings import photo

SIZE = (200, 160)
EVERYTHING = Rect(0, 0, *SIZE)


def layer(lossy: Rect | None = None) -> Layer:
    """A photograph, part of it only near."""
    main = Layer(*SIZE)
    main.paint(EVERYTHING, photo(*SIZE))
    if lossy is not None:
        main.paint_lossy(lossy, photo(*SIZE), due=5.0)
    return main


def changed(main: Layer, current: Words) -> Mask:
    """(h, w) bool"""
    result: Mask = main.words != current
    return result


def test_only_what_is_covered_is_saved() -> None:
    saved = SaveUnder(*SIZE)
    copies = saved.save(layer(), Rect(10, 10, 100, 80), Rect(20, 10, 100, 80), due=9.0)
    assert copies == [Copy(MAIN, Rect(110, 10, 10, 80), BACK, 110, 10)]


@pytest.mark.parametrize("window", [Rect(20, 30, 90, 70), Rect(0, 0, 64, 64), Rect(100, 60, 100, 100)])
def test_what_was_covered_comes_back(window: Rect) -> None:
    main, saved, background = layer(), SaveUnder(*SIZE), photo(*SIZE)
    saved.save(main, Rect(0, 0, 0, 0), window, due=9.0)
    covered = background.copy()
    covered[window.y : window.bottom, window.x : window.right] = 0x123456
    main.paint(window, covered)
    mask = changed(main, background)
    copies, rest = saved.uncover([window], main, background, mask, due=9.0)
    assert copies == [Copy(BACK, window, MAIN, window.x, window.y)]
    assert rest == []
    assert (main.words == background).all()
    assert not mask.any()


def test_what_comes_back_is_as_lossy_as_it_was() -> None:
    main, saved = layer(lossy=Rect(0, 0, 64, 64)), SaveUnder(*SIZE)
    window = Rect(32, 32, 64, 64)
    saved.save(main, Rect(0, 0, 0, 0), window, due=9.0)
    background = photo(*SIZE)
    main.paint(window, np.zeros((SIZE[1], SIZE[0]), np.uint32))
    assert not main.lossy[32:96, 32:96].any()
    saved.uncover([window], main, background, changed(main, background), due=9.0)
    assert main.lossy[32:64, 32:64].all()
    assert not main.lossy[64:96, 64:96].any()


def test_an_l_comes_back_by_its_two_sides() -> None:
    main, saved, background = layer(), SaveUnder(*SIZE), photo(*SIZE)
    saved.save(main, Rect(20, 20, 120, 100), Rect(30, 24, 120, 100), due=9.0)
    main.paint(EVERYTHING, np.where(background > 0, np.uint32(0xFFFFFF), np.uint32(0)))
    strips = [Rect(140, 24, 10, 100), Rect(30, 120, 110, 4)]
    current = main.words.copy()
    for strip in strips:
        part = slice(strip.y, strip.bottom), slice(strip.x, strip.right)
        current[part] = background[part]
    mask = changed(main, current)
    _, rest = saved.uncover(changed_rects(mask, 0, 0), main, current, mask, due=9.0)
    assert sum(rect.pixels for rect in rest) < 100, "of 1,440"
    assert (main.words != current).sum() < 100


def test_little_is_not_worth_a_copy() -> None:
    main, saved, background = layer(), SaveUnder(*SIZE), photo(*SIZE)
    window = Rect(10, 10, 15, 17)
    assert window.pixels < MIN_RESTORED
    saved.save(main, Rect(0, 0, 0, 0), window, due=9.0)
    main.paint(window, np.zeros((SIZE[1], SIZE[0]), np.uint32))
    mask = changed(main, background)
    assert saved.uncover([window], main, background, mask, due=9.0) == ([], [window])


def test_what_was_never_saved_stays_to_be_painted() -> None:
    main, saved = layer(), SaveUnder(*SIZE)
    current = np.full((SIZE[1], SIZE[0]), 7, np.uint32)
    mask = changed(main, current)
    assert saved.uncover([EVERYTHING], main, current, mask, due=9.0) == ([], [EVERYTHING])
