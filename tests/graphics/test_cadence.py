"""What is made exact beside changes, and between them."""

import pytest

from pyrdpmux.graphics.cadence import LEAST_PIXELS, PIXEL_SECONDS, RESTED, SHARE, Cadence

MOST = 1 << 16


def moving(hertz: float, seconds: float, frames: int = 60) -> tuple[Cadence, float]:
    """After so many changes that took so long each, and when the last was."""
    cadence, now = Cadence(), 0.0
    for _ in range(frames):
        now += 1 / hertz
        cadence.changed(now)
        cadence.showed(seconds, 0, is_change=True)
    return cadence, now


def test_a_picture_that_rests_leaves_all_time() -> None:
    cadence, now = moving(60, 0.01)
    assert cadence.fine_pixels(now + RESTED, MOST, is_changed=False) == MOST
    assert cadence.fine_pixels(now + RESTED, 5000, is_changed=False) == 5000, "a link may take less"
    assert Cadence().fine_pixels(0.0, MOST, is_changed=True) == MOST


def test_only_what_fits_is_done_before_the_next_change() -> None:
    cadence, now = moving(60, 0.008)
    beside = cadence.fine_pixels(now, MOST, is_changed=True)
    assert beside == pytest.approx(SHARE * (1 / 60 - 0.008 - 0.003) / PIXEL_SECONDS, rel=0.01)
    early, late = [cadence.fine_pixels(now + after, MOST, is_changed=False) for after in (0.008, 0.015)]
    assert beside >= early > LEAST_PIXELS
    assert late == 0, "the change is more urgent"


def test_however_busy_a_tile_goes_along() -> None:
    cadence, now = moving(60, 0.05)
    assert cadence.fine_pixels(now, MOST, is_changed=True) == LEAST_PIXELS


def test_the_first_change_after_a_rest_does_not_count_as_slow() -> None:
    cadence, now = moving(60, 0.008)
    usual = cadence.fine_pixels(now, MOST, is_changed=True)
    cadence.changed(now + 10)
    cadence.showed(0.008, 0, is_change=True)
    assert cadence.fine_pixels(now + 10 + 1 / 60, MOST, is_changed=True) == usual


def test_what_a_pixel_takes_is_measured() -> None:
    cadence, now = moving(60, 0.008)
    before = cadence.fine_pixels(now, MOST, is_changed=True)
    for _ in range(30):
        cadence.showed(10_000 * PIXEL_SECONDS / 4, 10_000, is_change=False)
    assert cadence.fine_pixels(now, MOST, is_changed=True) == pytest.approx(min(4 * before, MOST), rel=0.05)


def test_changes_that_cannot_be_shown_count_too() -> None:
    """Otherwise what is made exact would make frames seldom, and seldom frames leave more time for it."""
    cadence, now = Cadence(), 0.0
    for number in range(120):
        now += 1 / 60
        cadence.changed(now)
        if number % 3 == 0:
            cadence.showed(0.02, 0, is_change=True)
    assert cadence.fine_pixels(now, MOST, is_changed=True) == LEAST_PIXELS
