"""Monitors between our server and our client: announced, shown, changed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor, announced_monitors, monitor_data
from pyrdpmux.rdp.connection.events import Activated, ClientIntroduced, Deactivated, MonitorLayoutReceived
from pyrdpmux.rdp.connection.server import initiation
from pyrdpmux.rdp.mcs.client_data import (
    ClientMonitorData,
    ClientMonitorExtendedData,
    MonitorAttributes,
    MonitorDefinition,
    MonitorFlags,
)
from pyrdpmux.rdp.x224.negotiation import ResponseFlags
from tests.pair.linked import Linked, client_config, server_config

TWO = (
    DesktopMonitor(0, 0, 1920, 1080, True, physical_size=(510, 290), desktop_scale=150, device_scale=140),
    DesktopMonitor(-1280, 56, 1280, 1024, False, orientation=90),
)
AREAS = (Rect(1280, 0, 1920, 1080), Rect(0, 56, 1280, 1024))


def pair(**client: Any) -> Linked:
    return Linked(server_config(), client_config(**client)).run()


def test_a_client_says_which_monitors_it_has() -> None:
    [introduced] = pair(monitors=TWO).server_saw(ClientIntroduced)
    assert introduced.monitors == TWO
    assert (introduced.desktop_width, introduced.desktop_height) == (3200, 1080)


def test_one_that_says_nothing_has_none() -> None:
    [introduced] = pair().server_saw(ClientIntroduced)
    assert introduced.monitors == ()


def test_a_server_that_takes_no_extended_data_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initiation, "response_flags", lambda config: ResponseFlags(0))
    [introduced] = pair(monitors=TWO).server_saw(ClientIntroduced)
    assert introduced.monitors == ()
    assert introduced.desktop_width == 3200


def test_monitors_come_with_the_desktop() -> None:
    linked = Linked(server_config(), client_config(monitors=TWO))
    linked.server.set_desktop_size(3200, 1080, linked.now, AREAS)
    linked.run()
    [activated] = linked.server_saw(Activated)
    assert (activated.width, activated.height, activated.monitors) == (3200, 1080, AREAS)
    [told] = linked.client_saw(MonitorLayoutReceived)
    assert told.layout.monitors == (
        MonitorDefinition(0, 0, 1919, 1079, MonitorFlags.PRIMARY),
        MonitorDefinition(-1280, 56, -1, 1079),
    )


def test_other_monitors_of_a_desktop_of_the_same_size() -> None:
    linked = pair(monitors=TWO)
    linked.server.set_desktop_size(1440, 600, linked.now, [Rect(0, 0, 800, 600), Rect(800, 0, 640, 480)])
    linked.run()
    linked.server.set_desktop_size(1440, 600, linked.now, [Rect(640, 0, 800, 600), Rect(0, 0, 640, 480)])
    linked.run()
    assert len(linked.server_saw(Activated)) == 3
    linked.server.set_desktop_size(1440, 600, linked.now, [Rect(640, 0, 800, 600), Rect(0, 0, 640, 480)])
    linked.run()
    assert len(linked.client_saw(Deactivated)) == 2
    [last] = linked.client_saw(MonitorLayoutReceived)[2:]
    assert last.layout.monitors[1] == MonitorDefinition(-640, 0, -1, 479)


def test_monitors_that_cannot_be_are_refused() -> None:
    linked = Linked()
    areas = [Rect(0, 0, 800, 600), Rect(700, 0, 800, 600)]
    with pytest.raises(ValueError, match="overlaps"):
        linked.server.set_desktop_size(1600, 600, linked.now, areas)
    linked.run()
    with pytest.raises(ValueError, match="of a desktop of"):
        linked.server.set_desktop_size(800, 600, linked.now, areas)
    assert linked.server.is_active


DEFINITIONS = st.builds(
    MonitorDefinition,
    *[st.integers(-(2**31), 2**31 - 1) | st.integers(-2000, 4000)] * 4,
    st.sampled_from([MonitorFlags(0), MonitorFlags.PRIMARY, MonitorFlags(0xFFFFFFFF)]),
)
ATTRIBUTES = st.builds(MonitorAttributes, *[st.integers(0, 2**32 - 1)] * 5)


@given(st.lists(DEFINITIONS, max_size=16), st.none() | st.lists(ATTRIBUTES, max_size=16))
def test_whatever_a_client_says_there_are_usable_monitors_or_none(
    definitions: list[MonitorDefinition], attributes: list[MonitorAttributes] | None
) -> None:
    extended = None if attributes is None else ClientMonitorExtendedData(tuple(attributes))
    monitors = announced_monitors(ClientMonitorData(tuple(definitions)), extended)
    assert len(monitors) in (0, len(definitions))
    if monitors:
        assert sum(monitor.is_primary for monitor in monitors) == 1
        assert all(200 <= side <= 8192 for one in monitors for side in (one.width, one.height))
        assert all(100 <= one.desktop_scale <= 500 for one in monitors)


def test_attributes_of_other_monitors_count_for_none() -> None:
    data, extended = monitor_data(TWO)
    assert announced_monitors(data, extended) == TWO
    less = announced_monitors(data, ClientMonitorExtendedData(extended.monitors[:1]))
    assert [monitor.desktop_scale for monitor in less] == [100, 100]
    assert announced_monitors(data, None) == less
