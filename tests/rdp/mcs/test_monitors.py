"""Areas of a desktop as monitors."""

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition, MonitorFlags
from pyrdpmux.rdp.mcs.monitors import check_monitors, monitor_definitions


def test_the_first_is_primary_and_places_count_from_it() -> None:
    areas = [Rect(800, 100, 640, 480), Rect(0, 0, 800, 600)]
    assert monitor_definitions(areas) == (
        MonitorDefinition(0, 0, 639, 479, MonitorFlags.PRIMARY),
        MonitorDefinition(-800, -100, -1, 499),
    )


@pytest.mark.parametrize(
    ("areas", "reason"),
    [
        ([Rect(0, 0, 800, 600), Rect(800, 0, 641, 480)], "of a desktop of 1440x600"),
        ([Rect(-1, 0, 800, 600)], "of a desktop of 1440x600"),
        ([Rect(0, 0, 0, 600)], "of a desktop of 1440x600"),
        ([Rect(0, 0, 800, 600), Rect(799, 0, 640, 480)], "overlaps"),
        ([Rect(at, 0, 1, 1) for at in range(17)], "17 monitors, at most 16"),
    ],
)
def test_what_can_be_no_monitors(areas: list[Rect], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_monitors(areas, 1440, 600)


def test_what_can() -> None:
    check_monitors([], 1440, 600)
    check_monitors([Rect(0, 0, 1440, 600)], 1440, 600)
    check_monitors([Rect(800, 0, 640, 480), Rect(0, 0, 800, 600)], 1440, 600)
