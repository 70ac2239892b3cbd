"""What layouts mean: ranges, what is ignored, and which cannot be had."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.rdp.channels.display_control.layout import (
    DesktopMonitor,
    desktop_monitor,
    objection,
    usable_size,
)
from pyrdpmux.rdp.channels.display_control.pdu import Monitor, MonitorFlags

LIMIT = 8192 * 8192


def monitor(
    left: int, top: int, width: int = 800, height: int = 600, primary: bool = False
) -> DesktopMonitor:
    return DesktopMonitor(left, top, width, height, primary)


PRIMARY = monitor(0, 0, primary=True)


@pytest.mark.parametrize(
    ("asked", "usable"),
    [
        ((1024, 768), (1024, 768)),
        ((1025, 769), (1024, 769)),
        ((201, 201), (200, 201)),
        ((0, 0), (200, 200)),
        ((199, 8193), (200, 8192)),
        ((8193, 200), (8192, 200)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (8192, 8192)),
    ],
)
def test_sizes_are_brought_into_their_range(asked: tuple[int, int], usable: tuple[int, int]) -> None:
    assert usable_size(*asked) == usable
    wanted = desktop_monitor(Monitor(width=asked[0], height=asked[1]))
    assert (wanted.width, wanted.height) == usable


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFFFFFF))
def test_any_size_becomes_usable_once_and_for_all(width: int, height: int) -> None:
    usable = usable_size(width, height)
    assert usable_size(*usable) == usable
    assert usable[0] % 2 == 0
    assert all(200 <= side <= 8192 for side in usable)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"physical_width": 522, "physical_height": 292}, {"physical_size": (522, 292)}),
        ({"physical_width": 9, "physical_height": 292}, {"physical_size": None}),
        ({"physical_width": 522, "physical_height": 10_001}, {"physical_size": None}),
        ({"orientation": 270}, {"orientation": 270}),
        ({"orientation": 45}, {"orientation": 0}),
        (
            {"desktop_scale_factor": 250, "device_scale_factor": 180},
            {"desktop_scale": 250, "device_scale": 180},
        ),
        (
            {"desktop_scale_factor": 250, "device_scale_factor": 150},
            {"desktop_scale": 100, "device_scale": 100},
        ),
        (
            {"desktop_scale_factor": 501, "device_scale_factor": 140},
            {"desktop_scale": 100, "device_scale": 100},
        ),
        ({"desktop_scale_factor": 0, "device_scale_factor": 0}, {"desktop_scale": 100, "device_scale": 100}),
        ({"flags": MonitorFlags(0)}, {"is_primary": False}),
    ],
)
def test_what_is_to_be_ignored_is(fields: dict[str, int], expected: dict[str, object]) -> None:
    wanted = desktop_monitor(Monitor(width=800, height=600, **fields))  # type: ignore[arg-type]
    for name, value in expected.items():
        assert getattr(wanted, name) == value


@pytest.mark.parametrize(
    ("monitors", "reason"),
    [
        ([PRIMARY], ""),
        ([PRIMARY, monitor(800, 0)], ""),
        ([PRIMARY, monitor(-800, -600)], ""),  # a corner is enough
        ([PRIMARY, monitor(800, 0), monitor(1600, 0)], ""),
        ([], "not one primary monitor"),
        ([monitor(0, 0)], "not one primary monitor"),
        ([PRIMARY, monitor(800, 0, primary=True)], "not one primary monitor"),
        ([PRIMARY, monitor(799, 0)], "monitors overlap"),
        ([PRIMARY, monitor(0, 0)], "monitors overlap"),
        ([PRIMARY, monitor(801, 0)], "a monitor is apart from the others"),
        ([PRIMARY, monitor(800, 0), monitor(5000, 0)], "a monitor is apart from the others"),
        (
            [monitor(0, 0, 8192, 8192, primary=True), monitor(8192, 0, 200, 200)],
            "more than 67108864 square pixels",
        ),
    ],
)
def test_which_layouts_can_be_had(monitors: list[DesktopMonitor], reason: str) -> None:
    assert objection(monitors, LIMIT) == reason
