"""What clients show, and how well: pixels, lossy marks, and when cells are due."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import CELL, UNKNOWN, Layer
from tests.graphics.model import part

SIZE = (70, 40)
EVERYTHING = Rect(0, 0, *SIZE)
RED = np.full((40, 70), 0xFF0000, np.uint32)
PLACES = st.builds(Rect, st.integers(0, 60), st.integers(0, 30), st.integers(1, 70), st.integers(1, 40)).map(
    lambda rect: rect.clip(*SIZE)
)


def cells(layer: Layer, now: float) -> set[tuple[int, int]]:
    """Those overdue, (row, column)."""
    rows, columns = np.nonzero(layer.overdue(now))
    return set(zip(rows.tolist(), columns.tolist(), strict=True))


def test_at_first_nothing_is_known() -> None:
    layer = Layer(*SIZE)
    assert (layer.words == UNKNOWN).all()
    assert not layer.lossy.any()
    assert not layer.has_lossy
    assert layer.next_due() is None
    assert not layer.is_exact(EVERYTHING)
    assert cells(layer, 1e9) == set()


def test_what_is_painted_is_known() -> None:
    layer = Layer(*SIZE)
    layer.paint(Rect(3, 4, 20, 10), RED)
    assert (layer.words[part(Rect(3, 4, 20, 10))] == 0xFF0000).all()
    assert (layer.words == UNKNOWN).sum() == 70 * 40 - 200
    assert layer.is_exact(Rect(3, 4, 20, 10))
    assert not layer.is_exact(Rect(3, 4, 21, 10))


def test_what_is_lossy_is_due_cell_by_cell() -> None:
    layer = Layer(*SIZE)
    layer.paint_lossy(Rect(14, 0, 4, 3), RED, 5.0)
    layer.paint_lossy(Rect(64, 32, 6, 8), RED, 7.0)
    assert layer.lossy.sum() == 12 + 48
    assert layer.has_lossy
    assert not layer.is_exact(Rect(14, 0, 1, 1))
    assert layer.next_due() == 5.0
    assert cells(layer, 4.9) == set()
    assert cells(layer, 5.0) == {(0, 0), (0, 1)}
    assert cells(layer, 7.0) == {(0, 0), (0, 1), (2, 4)}
    layer.paint(Rect(0, 0, 32, CELL), RED)
    assert cells(layer, 7.0) == {(2, 4)}
    assert layer.next_due() == 7.0
    layer.paint(Rect(64, 32, 6, 8), RED)
    assert cells(layer, 7.0) == set()
    assert layer.next_due() is None
    assert not layer.has_lossy


def test_what_was_painted_lately_is_due_late() -> None:
    layer = Layer(*SIZE)
    assert not layer.is_due_after(Rect(0, 0, 64, 32), 4.0)
    layer.paint_lossy(Rect(0, 0, 32, 16), RED, 5.0)
    layer.paint_lossy(Rect(32, 0, 16, 16), RED, 3.0)
    assert layer.is_due_after(Rect(0, 0, 32, 16), 4.0)
    assert layer.is_due_after(Rect(0, 0, 48, 16), 4.0)
    assert not layer.is_due_after(Rect(0, 0, 64, 16), 4.0), "half of it"
    assert not layer.is_due_after(Rect(0, 0, 32, 16), 5.0)


def test_what_moves_takes_its_losses_along_and_does_not_rest() -> None:
    layer = Layer(*SIZE)
    layer.paint(EVERYTHING, RED)
    layer.paint_lossy(Rect(0, 0, 16, 16), RED, 5.0)
    layer.copy(layer, Rect(0, 0, 20, 16), 10, 10, 9.0)
    assert layer.lossy[part(Rect(10, 10, 16, 16))].all()
    assert not layer.lossy[part(Rect(26, 10, 4, 16))].any()
    assert (0, 0) in cells(layer, 9.0)
    # Of what was copied over a lossy place, only what is still lossy counts.
    layer.copy(layer, Rect(40, 0, 16, 16), 0, 0, 20.0)
    assert layer.lossy[part(Rect(10, 10, 6, 6))].sum() == 0
    assert cells(layer, 9.0) == {(0, 1), (1, 0), (1, 1)}


@pytest.mark.parametrize(("dx", "dy"), [(5, 0), (-5, 0), (0, 5), (0, -5), (3, -4), (-3, 4)])
def test_a_copy_may_overlap_itself(dx: int, dy: int) -> None:
    layer = Layer(*SIZE)
    scene = np.arange(40 * 70, dtype=np.uint32).reshape(40, 70)
    layer.paint(EVERYTHING, scene)
    layer.paint_lossy(Rect(12, 12, 8, 8), scene, 5.0)
    source = Rect(10, 10, 30, 20)
    layer.copy(layer, source, 10 + dx, 10 + dy, 6.0)
    target = Rect(10 + dx, 10 + dy, 30, 20)
    assert (layer.words[part(target)] == scene[part(source)]).all()
    assert layer.lossy[part(Rect(12 + dx, 12 + dy, 8, 8))].all()
    assert layer.lossy[part(target)].sum() == 64


def test_a_copy_of_its_own_is_one_of_its_own() -> None:
    layer = Layer(*SIZE)
    layer.paint_lossy(Rect(0, 0, 16, 16), RED, 5.0)
    other = layer.clone()
    layer.paint(EVERYTHING, RED)
    assert other.lossy.sum() == 256
    assert other.next_due() == 5.0
    assert (other.words == UNKNOWN).sum() == 70 * 40 - 256


def test_what_is_lossy_for_some_is_for_all() -> None:
    one, other = Layer(*SIZE), Layer(*SIZE)
    for layer in (one, other):
        layer.paint(EVERYTHING, RED)
    one.paint_lossy(Rect(0, 0, 16, 16), RED, 8.0)
    other.paint_lossy(Rect(0, 0, 32, 16), RED, 5.0)
    one.accept_marks(other)
    assert one.lossy.sum() == 512
    assert cells(one, 5.0) == {(0, 0), (0, 1)}


@given(st.lists(st.tuples(PLACES, st.integers(0, 2), st.integers(1, 9)), max_size=12))
def test_whoever_is_lossy_is_due_and_nobody_else(steps: list[tuple[Rect, int, int]]) -> None:
    layer = Layer(*SIZE)
    for rect, kind, due in steps:
        if kind == 0:
            layer.paint(rect, RED)
        elif kind == 1:
            layer.paint_lossy(rect, RED, float(due))
        else:
            source = Rect(0, 0, rect.width, rect.height)
            layer.copy(layer, source, rect.x, rect.y, float(due))
    found = layer.overdue(10.0)
    lossy = np.zeros((found.shape[0] * CELL, found.shape[1] * CELL), bool)
    lossy[:40, :70] = layer.lossy
    wanted = lossy.reshape(found.shape[0], CELL, found.shape[1], CELL).any(axis=(1, 3))
    assert (found == wanted).all()
    assert (layer.next_due() is not None) == bool(wanted.any())
