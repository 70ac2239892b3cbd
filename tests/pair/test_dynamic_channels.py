"""Dynamic channels between our server and our client, and Display Control on them."""

from typing import Any

import pytest

from pyrdpmux.codec.bulk.packet import CompressionType
from pyrdpmux.errors import LimitExceeded, SequenceError, StateError
from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.channels.display_control.pdu import Capabilities, Monitor, MonitorFlags, MonitorLayout
from pyrdpmux.rdp.connection.events import (
    ChannelClosed,
    ChannelDataReceived,
    ChannelOpened,
    DesktopLayoutRequested,
    Disconnected,
    DisplayControlReady,
)
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, rdp_policy, server_config


def linked(offered: tuple[str, ...], listeners: tuple[str, ...] | None, **client: Any) -> Linked:
    config = client_config(dynamic_channels=listeners, **client)
    pair = Linked(server_config(channels=offered), config).run()
    assert pair.client.is_active
    return pair


def notes(pair: Linked) -> list[object]:
    """What the server has ignored on purpose."""
    assert pair.server.config is not None
    tracer = pair.server.config.tracer
    assert isinstance(tracer, ListTracer)
    return [text for way, _phase, text in tracer.entries if way == "!"]


def test_any_channel_can_be_opened_and_talked_on() -> None:
    pair = linked(("ECHO",), ("ECHO", "other"))
    assert pair.server_saw(ChannelOpened) == pair.client_saw(ChannelOpened) == [ChannelOpened("ECHO")]
    message = bytes(range(256)) * 300
    pair.server.send_channel_data("ECHO", message)
    pair.client.send_channel_data("ECHO", message[::-1])
    pair.server.open_channel("other")
    pair.server.open_channel("unknown")
    pair.run()
    assert pair.client_saw(ChannelDataReceived) == [ChannelDataReceived("ECHO", message)]
    assert pair.server_saw(ChannelDataReceived) == [ChannelDataReceived("ECHO", message[::-1])]
    assert pair.server_saw(ChannelOpened)[1:] == [ChannelOpened("other")]
    assert pair.server_saw(ChannelClosed) == [ChannelClosed("unknown", is_refused=True)]
    pair.server.close_channel("ECHO")
    pair.client.close_channel("other")
    pair.run()
    gone = [ChannelClosed("ECHO", False), ChannelClosed("other", False)]
    assert sorted(map(str, pair.client_saw(ChannelClosed))) == sorted(map(str, gone))
    assert pair.server_saw(ChannelClosed)[1:] == gone
    assert pair.server.is_active


@pytest.mark.parametrize("chunk", [1, 7, 1460])
def test_how_the_bytes_are_cut_changes_nothing(chunk: int) -> None:
    config = server_config(channels=("ECHO", DISPLAY_CONTROL), compress_channels=True)
    client = client_config(dynamic_channels=("ECHO", DISPLAY_CONTROL), compression=CompressionType.RDP6)
    pair = Linked(config, client, chunk).run()
    pair.server.send_channel_data("ECHO", b"0123456789" * 400)
    pair.client.request_desktop_size(1000, 700)
    pair.run()
    assert pair.client_saw(ChannelDataReceived) == [ChannelDataReceived("ECHO", b"0123456789" * 400)]
    assert len(pair.server_saw(DesktopLayoutRequested)) == 1


def test_channels_live_through_a_resize() -> None:
    pair = linked(("ECHO",), ("ECHO",))
    pair.server.set_desktop_size(640, 480, pair.now)
    pair.run()
    pair.client.send_channel_data("ECHO", b"still there")
    pair.run()
    assert pair.server_saw(ChannelDataReceived) == [ChannelDataReceived("ECHO", b"still there")]
    assert len(pair.server_saw(ChannelOpened)) == 1


def test_under_compression_and_standard_security() -> None:
    config = server_config(rdp_policy(), channels=("ECHO",), compress_channels=True)
    client = client_config(
        dynamic_channels=("ECHO",), compression=CompressionType.K64, protocols=SecurityProtocol.RDP
    )
    pair = Linked(config, client).run()
    pair.server.send_channel_data("ECHO", b"again and " * 5000)
    pair.run()
    assert pair.client_saw(ChannelDataReceived) == [ChannelDataReceived("ECHO", b"again and " * 5000)]


def test_a_client_without_dynamic_channels_is_not_spoken_to() -> None:
    pair = linked(("ECHO",), None)
    assert pair.server_saw(ChannelOpened) == []
    with pytest.raises(StateError, match="without dynamic channels"):
        pair.server.open_channel("ECHO")
    for side in (pair.server, pair.client):
        with pytest.raises(StateError, match="without dynamic channels"):
            side.send_channel_data("ECHO", b"")
        with pytest.raises(StateError, match="without dynamic channels"):
            side.close_channel("ECHO")


def test_where_nothing_is_offered_the_channel_is_raw() -> None:
    pair = linked((), None, channels=(ChannelDefinition(b"drdynvc"),))
    pair.server.send_channel_data("drdynvc", b"\x50\0\1\0")
    pair.client.send_channel_data("drdynvc", b"anything")
    pair.run()
    assert pair.client_saw(ChannelDataReceived) == [ChannelDataReceived("drdynvc", b"\x50\0\1\0")]
    assert pair.server_saw(ChannelDataReceived) == [ChannelDataReceived("drdynvc", b"anything")]


def test_the_manager_may_be_offered_by_itself() -> None:
    pair = linked(("drdynvc",), ("ECHO",))
    assert pair.server_saw(ChannelOpened) == []
    pair.server.open_channel("ECHO")
    pair.run()
    assert pair.server_saw(ChannelOpened) == [ChannelOpened("ECHO")]


def test_a_channel_is_not_opened_before_active() -> None:
    pair = Linked(server_config(channels=("ECHO",)), client_config(dynamic_channels=("ECHO",)))
    with pytest.raises(StateError):
        pair.server.open_channel("ECHO")


# -- Display Control ---------------------------------------------------------------------------------


def displays(**client: Any) -> Linked:
    return linked((DISPLAY_CONTROL,), (DISPLAY_CONTROL,), **client)


def test_a_client_asks_for_a_size() -> None:
    pair = displays()
    assert pair.client_saw(DisplayControlReady) == [DisplayControlReady(16, 16 * 8192 * 8192)]
    pair.client.request_desktop_size(1283, 721, scale=150)
    pair.run()
    [requested] = pair.server_saw(DesktopLayoutRequested)
    assert (requested.primary.width, requested.primary.height) == (1282, 721)
    assert requested.primary.desktop_scale == 150
    assert pair.server_saw(ChannelDataReceived) == []


def test_a_client_does_not_ask_before_it_may_nor_for_what_it_must_not() -> None:
    pair = displays()
    many = [Monitor(width=200, height=200)]
    many += [Monitor(width=200, height=200, left=200 * at, flags=MonitorFlags(0)) for at in range(1, 17)]
    for layout in (many, [], [Monitor(width=800, height=600, flags=MonitorFlags(0))]):
        with pytest.raises(StateError):
            pair.client.request_layout(layout)
    for refused in (linked((), (DISPLAY_CONTROL,)), linked((DISPLAY_CONTROL,), ())):
        with pytest.raises(StateError):
            refused.client.request_desktop_size(800, 600)


def test_several_monitors_are_understood() -> None:
    pair = displays()
    left = Monitor(width=800, height=601, left=-800, flags=MonitorFlags(0))
    pair.client.send_channel_data(
        DISPLAY_CONTROL, encode(MonitorLayout((left, Monitor(width=1000, height=700))))
    )
    pair.run()
    [requested] = pair.server_saw(DesktopLayoutRequested)
    assert [monitor.left for monitor in requested.monitors] == [-800, 0]
    assert requested.primary.width == 1000


def test_more_than_we_could_show_is_ignored() -> None:
    """The factors would allow it: they are those of one monitor."""
    pair = displays()
    wide = [
        Monitor(width=8192, height=8192, left=8192 * at, flags=MonitorFlags(int(at == 0))) for at in (0, 1)
    ]
    pair.client.request_layout(wide)
    pair.run()
    assert pair.server_saw(DesktopLayoutRequested) == []
    assert [text for text in notes(pair) if f"more than {8192 * 8192} square pixels" in str(text)]


def test_a_layout_that_cannot_be_had_has_no_effect() -> None:
    pair = displays()
    overlapping = MonitorLayout(
        (Monitor(width=800, height=600), Monitor(width=800, height=600, flags=MonitorFlags(0)))
    )
    for layout in (MonitorLayout(()), overlapping):
        pair.client.send_channel_data(DISPLAY_CONTROL, encode(layout))
    pair.run()
    assert pair.server_saw(DesktopLayoutRequested) == []
    assert pair.server.is_active
    assert [text for text in notes(pair) if "layout ignored" in str(text)] == [
        f"{DISPLAY_CONTROL}: layout ignored: not one primary monitor",
        f"{DISPLAY_CONTROL}: layout ignored: monitors overlap",
    ]


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (encode(Capabilities(1, 1, 1)), SequenceError),
        (bytes(657), LimitExceeded),
    ],
)
def test_what_only_a_server_says_ends_the_connection(message: bytes, error: type[Exception]) -> None:
    pair = displays()
    pair.client.send_channel_data(DISPLAY_CONTROL, message)
    pair.run()
    [ended] = pair.server_saw(Disconnected)
    assert isinstance(ended.error, error)


def test_what_only_a_client_says_ends_the_connection() -> None:
    pair = displays()
    pair.server.send_channel_data(DISPLAY_CONTROL, encode(MonitorLayout(())))
    pair.run()
    [ended] = pair.client_saw(Disconnected)
    assert isinstance(ended.error, SequenceError)
