"""What a monitor layout means: numbers that can be used, or the reason why it cannot (MS-RDPEDISP 2.2.2.2.1).

A size out of its range is brought into it, an odd width made even: a client that rounds otherwise still gets
nearly what it wants. What the specification says to ignore is None or its default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from pyrdpmux.geometry import MAX_SIDE, Rect
from pyrdpmux.rdp.channels.display_control.pdu import Monitor, MonitorFlags
from pyrdpmux.rdp.mcs.client_core import Orientation
from pyrdpmux.rdp.mcs.client_data import (
    ClientMonitorData,
    ClientMonitorExtendedData,
    MonitorAttributes,
    MonitorDefinition,
)
from pyrdpmux.rdp.mcs.client_data import MonitorFlags as AnnouncedFlags

#: pixels of a side
MIN_SIDE: Final = 200
#: millimeters
MIN_PHYSICAL: Final = 10
MAX_PHYSICAL: Final = 10_000
ORIENTATIONS: Final = (0, 90, 180, 270)
#: percent
MIN_DESKTOP_SCALE: Final = 100
MAX_DESKTOP_SCALE: Final = 500
DEVICE_SCALES: Final = (100, 140, 180)


@dataclass(frozen=True, slots=True)
class DesktopMonitor:
    """A monitor that a client has, or wants."""

    left: int
    top: int
    #: pixels: even, MIN_SIDE to MAX_SIDE
    width: int
    #: pixels: MIN_SIDE to MAX_SIDE
    height: int
    is_primary: bool
    #: width and height in millimeters, where the client knows them
    physical_size: tuple[int, int] | None = None
    #: clockwise, in degrees: one of ORIENTATIONS
    orientation: int = 0
    #: percent: how large text and controls should be
    desktop_scale: int = 100
    #: percent: one of DEVICE_SCALES
    device_scale: int = 100


def usable_size(width: int, height: int) -> tuple[int, int]:
    """The nearest size that a monitor may have, with the width rounded down."""
    return min(max(width & ~1, MIN_SIDE), MAX_SIDE), min(max(height, MIN_SIDE), MAX_SIDE)


def desktop_monitor(monitor: Monitor) -> DesktopMonitor:
    """What is to be made of one."""
    width, height = usable_size(monitor.width, monitor.height)
    physical = monitor.physical_width, monitor.physical_height
    has_physical = all(MIN_PHYSICAL <= side <= MAX_PHYSICAL for side in physical)
    has_scale = (
        MIN_DESKTOP_SCALE <= monitor.desktop_scale_factor <= MAX_DESKTOP_SCALE
        and monitor.device_scale_factor in DEVICE_SCALES
    )
    return DesktopMonitor(
        monitor.left,
        monitor.top,
        width,
        height,
        is_primary=bool(monitor.flags & MonitorFlags.PRIMARY),
        physical_size=physical if has_physical else None,
        orientation=monitor.orientation if monitor.orientation in ORIENTATIONS else 0,
        desktop_scale=monitor.desktop_scale_factor if has_scale else 100,
        device_scale=monitor.device_scale_factor if has_scale else 100,
    )


def announced_monitors(
    data: ClientMonitorData, extended: ClientMonitorExtendedData | None
) -> tuple[DesktopMonitor, ...]:
    """Those that a client has while it connects; empty, if there can be no such.

    What is said of as many monitors as there are (2.2.1.3.10) counts; of others, nobody knows which is meant.
    """
    attributes = (MonitorAttributes(0, 0),) * len(data.monitors)
    if extended is not None and len(extended.monitors) == len(data.monitors):
        attributes = extended.monitors
    monitors = [
        desktop_monitor(
            Monitor(
                flags=MonitorFlags.PRIMARY if one.flags & AnnouncedFlags.PRIMARY else MonitorFlags(0),
                left=one.left,
                top=one.top,
                width=one.right - one.left + 1,
                height=one.bottom - one.top + 1,
                physical_width=more.physical_width,
                physical_height=more.physical_height,
                orientation=more.orientation,
                desktop_scale_factor=more.desktop_scale_factor,
                device_scale_factor=more.device_scale_factor,
            )
        )
        for one, more in zip(data.monitors, attributes, strict=True)
    ]
    return () if objection(monitors, MAX_SIDE * MAX_SIDE) else tuple(monitors)


def monitor_data(
    monitors: Sequence[DesktopMonitor],
) -> tuple[ClientMonitorData, ClientMonitorExtendedData]:
    """The same, as a client says it."""
    definitions = [
        MonitorDefinition(
            one.left,
            one.top,
            one.left + one.width - 1,
            one.top + one.height - 1,
            AnnouncedFlags.PRIMARY if one.is_primary else AnnouncedFlags(0),
        )
        for one in monitors
    ]
    attributes = [
        MonitorAttributes(
            *(one.physical_size or (0, 0)), Orientation(one.orientation), one.desktop_scale, one.device_scale
        )
        for one in monitors
    ]
    return ClientMonitorData(tuple(definitions)), ClientMonitorExtendedData(tuple(attributes))


def objection(monitors: Sequence[DesktopMonitor], max_area: int) -> str:
    """Why the layout cannot be had (MS-RDPEDISP 3.1.5.2); empty where it can."""
    if sum(monitor.is_primary for monitor in monitors) != 1:
        return "not one primary monitor"
    if sum(monitor.width * monitor.height for monitor in monitors) > max_area:
        return f"more than {max_area} square pixels"
    areas = [Rect(monitor.left, monitor.top, monitor.width, monitor.height) for monitor in monitors]
    if any(one.overlaps(other) for one, other in combinations(areas, 2)):
        return "monitors overlap"
    if len(areas) > 1 and not all(any(_touch(area, other) for other in areas) for area in areas):
        return "a monitor is apart from the others"
    return ""


def _touch(one: Rect, other: Rect) -> bool:
    """They have an edge in common, or a corner at least."""
    common = one.intersection(other)
    return min(common.width, common.height) == 0
