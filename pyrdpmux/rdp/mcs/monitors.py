"""Areas of a desktop as monitors: what a server tells of them, in whichever PDU."""

from collections.abc import Sequence

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.mcs.client_data import MAX_MONITORS, MonitorDefinition, MonitorFlags


def monitor_definitions(areas: Sequence[Rect]) -> tuple[MonitorDefinition, ...]:
    """For ``areas`` in pixels of the desktop, the first of which is the primary monitor.

    As Windows has them, from the primary's corner: what lies left of it or above is at negative places.
    """
    main = areas[0]
    return tuple(
        [
            MonitorDefinition(
                area.x - main.x,
                area.y - main.y,
                area.right - main.x - 1,
                area.bottom - main.y - 1,
                MonitorFlags.PRIMARY if area is main else MonitorFlags(0),
            )
            for area in areas
        ]
    )


def check_monitors(areas: Sequence[Rect], width: int, height: int) -> None:
    """ValueError if they cannot be the monitors of a desktop of this size; none, or one, is all of it."""
    if len(areas) > MAX_MONITORS:
        raise ValueError(f"{len(areas)} monitors, at most {MAX_MONITORS} allowed")
    desktop = Rect(0, 0, width, height)
    for number, area in enumerate(areas):
        if area.is_empty or not desktop.contains(area):
            raise ValueError(f"a monitor at {area} of a desktop of {width}x{height}")
        if any(area.overlaps(other) for other in areas[:number]):
            raise ValueError(f"the monitor at {area} overlaps another one")
