"""Which places of MAIN are copied to the monitors."""

from pyrdpmux.geometry import MAX_RECTANGLES, Rect
from pyrdpmux.graphics.boxes import NUMBERS
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import (
    BACK,
    FIRST_BOX,
    MAIN,
    BoxFrame,
    CloseBox,
    Copy,
    Exact,
    Fill,
    Lossy,
    OpenBox,
    Restore,
    Store,
)
from pyrdpmux.graphics.targets.monitors import (
    FIRST_MONITOR,
    copies_to_monitors,
    monitor_ids,
    monitor_surfaces,
    painted_on_main,
)
from pyrdpmux.graphics.targets.pipeline import ID_STEP
from pyrdpmux.rdp.channels.graphics.surfaces import MAX_MONITORS, CreateSurface, MapSurfaceToOutput


def test_their_numbers_lie_between_those_of_boxes_and_of_the_next_target() -> None:
    assert FIRST_BOX + NUMBERS <= FIRST_MONITOR
    assert FIRST_MONITOR + MAX_MONITORS <= ID_STEP


def test_surfaces_are_mapped_where_their_areas_are() -> None:
    areas = [Rect(10, 0, 20, 30), Rect(0, 5, 10, 25)]
    first, second = monitor_ids(7, areas)
    assert monitor_surfaces(7, areas) == [
        CreateSurface(first, 20, 30),
        MapSurfaceToOutput(first, 10, 0),
        CreateSurface(second, 10, 25),
        MapSurfaceToOutput(second, 0, 5),
    ]


def test_what_each_command_paints() -> None:
    one, other = Rect(1, 2, 3, 4), Rect(100, 0, 5, 5)
    assert painted_on_main([Copy(BACK, Rect(50, 60, 3, 4), MAIN, 1, 2)]) == [one]
    assert painted_on_main([Copy(MAIN, one, BACK, 7, 8), Store(1, 2, one), OpenBox(2, 9, 9)]) == []
    assert painted_on_main([CloseBox(2)]) == []
    assert painted_on_main([Fill(0, (one, other))]) == [one, other]
    assert painted_on_main([Lossy((one,)), Exact(other, Kind.PICTURE)]) == [one, other]
    assert painted_on_main([BoxFrame(2, Rect(0, 0, 200, 100), (one, other))]) == [one, other]
    assert painted_on_main([Restore(4, ((64, 0), (0, 128)))]) == [Rect(64, 0, 64, 64), Rect(0, 128, 64, 64)]


def test_what_is_painted_twice_is_copied_once() -> None:
    one = Rect(0, 0, 64, 64)
    assert painted_on_main([Fill(0, (one,)), Exact(Rect(8, 8, 8, 8), Kind.TEXT)]) == [one]


def test_however_many_places_there_are_copies_are_few() -> None:
    places = tuple(Rect(4 * x, 4 * y, 1, 1) for x in range(100) for y in range(100))
    painted = painted_on_main([Fill(0, places)])
    assert len(painted) <= MAX_RECTANGLES
    assert all(any(rect.contains(place) for rect in painted) for place in places)


def test_each_monitor_gets_its_part() -> None:
    areas = [Rect(0, 0, 100, 50), Rect(100, 0, 100, 100)]
    left, right = copies_to_monitors(1, areas, [Rect(90, 40, 20, 20)])
    assert (left.rect, left.points[0]) == (Rect(90, 40, 10, 10), (90, 40))
    assert (right.rect, right.points[0]) == (Rect(100, 40, 10, 20), (0, 40))
    assert copies_to_monitors(1, areas, [Rect(0, 50, 100, 50)]) == []
