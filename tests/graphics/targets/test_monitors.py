"""Which places of MAIN are copied to the monitors."""

from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.graphics.boxes import NUMBERS
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import (
    BACK,
    FIRST_BOX,
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
from pyrdpmux.graphics.targets.monitors import (
    FIRST_MONITOR,
    MAX_PLACES,
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


def painted(*commands: Command) -> list[Rect]:
    return painted_on_main(commands, 300, 200)


def test_what_each_command_paints() -> None:
    one, other = Rect(1, 2, 3, 4), Rect(100, 130, 30, 5)
    first, second = Rect(0, 0, 64, 64), Rect(64, 128, 128, 64)
    assert painted(Copy(BACK, Rect(50, 60, 3, 4), MAIN, 1, 2)) == [first]
    assert painted(Copy(MAIN, one, BACK, 7, 8), Store(1, 2, one), OpenBox(2, 9, 9), CloseBox(2)) == []
    assert painted(Fill(0, (one, other))) == [first, second]
    assert painted(Lossy((one,)), Exact(other, Kind.PICTURE)) == [first, second]
    assert painted(BoxFrame(2, Rect(0, 0, 200, 180), (one, other))) == [first, second]
    assert painted(Restore(4, ((256, 0), (0, 128)))) == [Rect(256, 0, 44, 64), Rect(0, 128, 64, 64)]


def test_what_is_painted_twice_is_copied_once() -> None:
    assert painted(Fill(0, (Rect(0, 0, 64, 64),)), Exact(Rect(8, 8, 8, 8), Kind.TEXT)) == [Rect(0, 0, 64, 64)]


def test_what_lies_outside_is_cut_off() -> None:
    assert painted(Copy(MAIN, Rect(0, 0, 50, 50), MAIN, -10, 180)) == [Rect(0, 128, 64, 72)]
    assert painted(Fill(0, (Rect(-9, -9, 9, 9), Rect(300, 0, 5, 5)))) == []


def test_many_places_are_one() -> None:
    places = tuple(Rect(128 * x, 64 * y, 1, 1) for x in range(12) for y in range(12) if (x + y) % 2)
    assert painted_on_main([Fill(0, places)], 4000, 4000) == [bounding_box([*places, Rect(0, 0, 1472, 768)])]
    few = places[: MAX_PLACES // 2]
    assert len(painted_on_main([Fill(0, few)], 4000, 4000)) == len(few)


def test_each_monitor_gets_its_part() -> None:
    areas = [Rect(0, 0, 100, 50), Rect(100, 0, 100, 100)]
    left, right = copies_to_monitors(1, areas, [Rect(90, 40, 20, 20)])
    assert (left.rect, left.points[0]) == (Rect(90, 40, 10, 10), (90, 40))
    assert (right.rect, right.points[0]) == (Rect(100, 40, 10, 20), (0, 40))
    assert copies_to_monitors(1, areas, [Rect(0, 50, 100, 50)]) == []
