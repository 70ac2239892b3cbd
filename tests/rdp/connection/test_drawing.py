"""What the owner of a server sends: on both paths, in order, and only while it may."""

from collections.abc import Callable
from typing import Any

import pytest

from pyrdpmux.errors import EncodeError, LimitExceeded, StateError
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelPduHeader
from pyrdpmux.rdp.connection.events import (
    ChannelDataReceived,
    Disconnected,
    InputReceived,
    OutputSuppressed,
    RefreshRequested,
)
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.fastpath.header import decode_fast_path, is_fast_path
from pyrdpmux.rdp.fastpath.update import decode_update, decode_updates
from pyrdpmux.rdp.pdu.display import (
    InclusiveRectangle,
    LedFlags,
    RefreshRectangle,
    SetKeyboardIndicators,
    SuppressOutput,
)
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvents, KeyboardEvent, KeyboardFlags, SynchronizeEvent, ToggleFlags
from pyrdpmux.rdp.pdu.pointer import CachedPointer, PointerPosition, PointerUpdate
from pyrdpmux.rdp.pdu.update import (
    BitmapData,
    BitmapFlags,
    BitmapUpdate,
    GraphicsUpdate,
    PaletteEntry,
    PaletteUpdate,
)
from pyrdpmux.wire import decode
from tests.rdp.connection.replies import indication, share_body
from tests.rdp.connection.scripted import CAPABILITIES, Scripted

PALETTE = PaletteUpdate(tuple([PaletteEntry(n, n, n) for n in range(256)]))


def rectangle(left: int = 0, size: int = 16) -> BitmapData:
    return BitmapData(left, 0, left + 1, 1, 2, 2, 32, BitmapFlags(0), bytes(size))


def drawn(client: Scripted) -> list[object]:
    """The updates that came, whole, from either path."""
    client.collect()
    found: list[object] = []
    for frame in client.frames:
        if is_fast_path(frame[0]):
            found += [decode_update(update) for update in decode_updates(decode_fast_path(frame).body)]
            continue
        body = share_body(frame)
        assert isinstance(body, GraphicsUpdate | PointerUpdate)
        found.append(body.update if isinstance(body, GraphicsUpdate) else body.pointer)
    return found


def client_on(path: str) -> Scripted:
    client = Scripted().reach("CapabilitiesExchange")
    capabilities = CAPABILITIES if path == "fast" else CAPABILITIES[1:]
    client.send(client.confirm_active(capabilities), *client.finalization())
    assert client.server.output.is_fast_path == (path == "fast")
    # no bandwidth measurement in between
    client.server.facts.bits_per_second = 1.0
    client.frames.clear()
    return client


@pytest.mark.parametrize("path", ["fast", "slow"])
class TestBothPaths:
    def test_one_rectangle_to_an_update(self, path: str) -> None:
        """QUIRK(mstsc of Windows 11 24H2)."""
        client = client_on(path)
        client.server.send_bitmaps([rectangle(0), rectangle(10), rectangle(20)])
        assert drawn(client) == [BitmapUpdate((rectangle(left),)) for left in (0, 10, 20)]

    def test_nothing_to_draw_is_nothing_sent(self, path: str) -> None:
        client = client_on(path)
        client.server.send_bitmaps([])
        assert drawn(client) == []

    def test_palette_pointers_and_bitmaps_keep_their_order(self, path: str) -> None:
        client = client_on(path)
        client.server.send_palette(PALETTE)
        client.server.send_bitmaps([rectangle()])
        client.server.send_pointer(CachedPointer(3))
        client.server.send_pointer(PointerPosition(7, 8))
        assert drawn(client) == [
            PALETTE,
            BitmapUpdate((rectangle(),)),
            CachedPointer(3),
            PointerPosition(7, 8),
        ]

    def test_what_is_too_big_is_the_owners_mistake_and_costs_nothing(self, path: str) -> None:
        client = client_on(path)
        with pytest.raises(EncodeError):
            client.server.send_bitmaps([rectangle(), rectangle(10, 66000)])
        client.frames.clear()
        assert client.server.is_active
        client.server.send_bitmaps([rectangle()])
        assert BitmapUpdate((rectangle(),)) in drawn(client)


def test_small_updates_share_a_pdu() -> None:
    client = client_on("fast")
    client.server.send_bitmaps([rectangle(left) for left in range(100)])
    assert len(drawn(client)) == 100
    assert len(client.frames) == 1


def test_keyboard_lights() -> None:
    client = client_on("fast")
    client.server.send_keyboard_indicators(LedFlags.CAPS_LOCK | LedFlags.NUM_LOCK)
    client.collect()
    assert [share_body(frame) for frame in client.frames] == [
        SetKeyboardIndicators(LedFlags.CAPS_LOCK | LedFlags.NUM_LOCK)
    ]


def test_a_channel_message_is_cut_and_put_together() -> None:
    client = client_on("fast")
    message = bytes(range(256)) * 20
    client.server.send_channel_data("rdpsnd", message)
    client.collect()
    pdus = [indication(frame) for frame in client.frames]
    assert {pdu.channel_id for pdu in pdus} == {1005}
    chunks = [decode(ChannelPdu, pdu.user_data) for pdu in pdus]
    assert b"".join(chunk.data for chunk in chunks) == message
    assert max(len(chunk.data) for chunk in chunks) == 1600
    client.send(client.channel_message(1004, message), client.channel_message(1005, b"short"))
    assert client.saw(ChannelDataReceived) == [
        ChannelDataReceived("cliprdr", message),
        ChannelDataReceived("rdpsnd", b"short"),
    ]


def test_a_channel_that_the_client_has_not() -> None:
    with pytest.raises(StateError, match="drdynvc"):
        client_on("fast").server.send_channel_data("drdynvc", b"")


ACTIONS: dict[str, Callable[[ServerConnection], Any]] = {
    "bitmaps": lambda server: server.send_bitmaps([rectangle()]),
    "palette": lambda server: server.send_palette(PALETTE),
    "pointer": lambda server: server.send_pointer(PointerPosition(0, 0)),
    "channel": lambda server: server.send_channel_data("cliprdr", b""),
    "lights": lambda server: server.send_keyboard_indicators(LedFlags(0)),
}
PHASES = [
    "ConnectionInitiation",
    "BasicSettingsExchange",
    "ChannelConnection",
    "SecureSettingsExchange",
    "CapabilitiesExchange",
    "ConnectionFinalization",
]


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("phase", PHASES)
def test_only_while_active(phase: str, action: str) -> None:
    client = Scripted().reach(phase)
    with pytest.raises(StateError) as caught:
        ACTIONS[action](client.server)
    assert caught.value.phase == phase
    assert client.server.data_to_send() == b""
    client.reach("Active")
    ACTIONS[action](client.server)
    assert client.server.data_to_send()
    client.server.set_desktop_size(320, 200, client.now)
    with pytest.raises(StateError):
        ACTIONS[action](client.server)


@pytest.mark.parametrize("phase", PHASES)
def test_a_size_that_is_set_early_is_what_the_client_gets(phase: str) -> None:
    client = Scripted().reach(phase)
    client.server.set_desktop_size(320, 200, client.now)
    client.reach("Active") if phase not in PHASES[-2:] else client.send(
        *([client.confirm_active()] if phase == PHASES[-2] else []), *client.finalization()
    )
    if not client.server.is_active:  # it had been told the other size already
        client.reach_active()
    assert (client.server.facts.width, client.server.facts.height) == (320, 200)


@pytest.mark.parametrize("phase", PHASES)
def test_a_disconnect_at_any_time(phase: str) -> None:
    client = Scripted().reach(phase)
    client.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "bye", client.now)
    client.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "twice", client.now)
    assert [event.reason for event in client.server.events()] == ["bye"]  # type: ignore[union-attr]
    assert client.server.should_close
    assert bool(client.server.data_to_send()) == (phase in PHASES[-2:])


def test_requests_of_the_client() -> None:
    client = client_on("fast")
    areas = (InclusiveRectangle(0, 0, 799, 599), InclusiveRectangle(10, 20, 10, 20))
    client.send(client.share_data(RefreshRectangle(areas)))
    client.send(client.share_data(SuppressOutput(0)))
    assert client.session.is_suppressed
    client.send(client.share_data(SuppressOutput(1, areas[0])))
    assert not client.session.is_suppressed
    assert client.saw(RefreshRequested) == [RefreshRequested((Rect(0, 0, 800, 600), Rect(10, 20, 1, 1)))]
    assert client.saw(OutputSuppressed) == [OutputSuppressed(True), OutputSuppressed(False)]


def test_slow_and_fast_input_mean_the_same() -> None:
    client = client_on("fast")
    events = (
        SynchronizeEvent(ToggleFlags.CAPS_LOCK),
        KeyboardEvent(KeyboardFlags.RELEASE | KeyboardFlags.EXTENDED, 0x48),
    )
    client.send(client.fast_input(events))
    client.send(client.share_data(InputEvents(events)))
    assert client.saw(InputReceived) == [InputReceived(events)] * 2


def test_a_channel_message_without_end_is_cut_off() -> None:
    client = client_on("fast")
    client.events.clear()
    limit = client.config.limits.channel_message_bytes
    client.send(client.chunk(1004, ChannelPdu(ChannelPduHeader(limit, ChannelFlags.FIRST), b"x")))
    assert client.server.is_active
    client.send(client.chunk(1005, ChannelPdu(ChannelPduHeader(limit + 1, ChannelFlags.FIRST), b"x")))
    [ended] = client.events
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, LimitExceeded)
