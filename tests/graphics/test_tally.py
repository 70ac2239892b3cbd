"""What frames were made of, on a clock that the test sets."""

from collections.abc import Sequence

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import (
    MAIN,
    BoxFrame,
    CloseBox,
    Command,
    Copy,
    Exact,
    Fill,
    Lossy,
    OpenBox,
    Restore,
    Store,
)
from pyrdpmux.graphics.surface import TILE
from pyrdpmux.graphics.tally import Step, StepFigures, Tally, shown_pixels, step_of

AREA = Rect(10, 20, 30, 40)


def tally_with(times: Sequence[float]) -> Tally:
    tally = Tally()
    tally.clock = iter(times).__next__
    return tally


def test_counts_pixels_bytes_and_time_by_step() -> None:
    tally = tally_with([1.0, 1.5, 2.0, 2.25, 7.0, 8.0])
    tally.add(Step.TEXT, tally.clock(), pixels=64, size=10)
    tally.add(Step.TEXT, tally.clock(), count=2, pixels=6, size=5)
    tally.took(Step.VIDEO, tally.clock())
    assert tally.figures() == {
        Step.TEXT: StepFigures(3, 70, 15, 0.75),
        Step.VIDEO: StepFigures(0, 0, 0, 1.0),
    }


def test_without_a_clock_all_but_time_is_counted() -> None:
    tally = Tally()
    tally.add(Step.COPY, tally.clock(), pixels=4)
    assert tally.figures() == {Step.COPY: StepFigures(1, 4, 0, 0.0)}


def test_figures_add_up() -> None:
    assert StepFigures(1, 2, 3, 4.0) + StepFigures(10, 20, 30, 40.0) == StepFigures(11, 22, 33, 44.0)


@pytest.mark.parametrize(
    ("command", "step", "pixels"),
    [
        (Copy(MAIN, AREA, MAIN, 0, 0), Step.COPY, 1200),
        (Fill(0, (AREA, Rect(0, 0, 1, 1))), Step.FILL, 1201),
        (Store(1, 2, AREA), Step.STORE, 1200),
        (Restore(1, ((0, 0), (64, 0))), Step.RESTORE, 2 * TILE * TILE),
        (Exact(AREA, Kind.FLAT), Step.TEXT, 1200),
        (Exact(AREA, Kind.TEXT), Step.TEXT, 1200),
        (Exact(AREA, Kind.PICTURE), Step.PICTURE, 1200),
        (Lossy((AREA, AREA)), Step.LOSSY, 2400),
        (OpenBox(2, 100, 100), Step.VIDEO, 0),
        (CloseBox(2), Step.VIDEO, 0),
        (BoxFrame(2, Rect(0, 0, 100, 100), (AREA,)), Step.VIDEO, 1200),
    ],
)
def test_every_command_has_its_step(command: Command, step: Step, pixels: int) -> None:
    assert (step_of(command), shown_pixels(command)) == (step, pixels)
