"""Which machine hears a static channel: what is offered, what the client has, and what stays raw."""

from collections.abc import Mapping

from pyrdpmux.rdp.channels.dynamic.pdu import CapabilitiesRequest, CapabilitiesResponse, CreateRequest
from pyrdpmux.rdp.connection.channel import Channel, Offer
from pyrdpmux.rdp.connection.channel_router import ChannelRouter
from pyrdpmux.rdp.connection.events import ChannelDataReceived
from pyrdpmux.rdp.connection.server.channels.dynamic import ServerDynamicChannels
from pyrdpmux.wire import encode


class Clipboard(Channel):
    """A machine for a static channel."""

    NAME = "cliprdr"

    def opened(self, now: float) -> None:
        self.send(b"hello")

    def received(self, message: bytes, now: float) -> None:
        self.note(f"heard {len(message)} at {now:g}")
        self.send(message)


TABLE: Mapping[str, type[Channel]] = {Clipboard.NAME: Clipboard}


def begun(channels: dict[int, str], *offered: str) -> ChannelRouter:
    router = ChannelRouter()
    router.begin(channels, Offer(TABLE, offered), ServerDynamicChannels, 1.0)
    return router


def messages(router: ChannelRouter) -> dict[int, list[bytes]]:
    return {number: queued.messages for number, queued in router.take() if queued.messages}


def test_a_static_channel_that_is_offered_has_its_machine() -> None:
    router = begun({1004: "cliprdr", 1005: "rdpsnd"}, "cliprdr")
    assert messages(router) == {1004: [b"hello"]}
    router.received(1004, b"abc", 2.0)
    router.received(1005, b"raw", 2.0)
    queued = dict(router.take())
    assert (queued[1004].messages, queued[1004].notes) == ([b"abc"], ["heard 3 at 2"])
    assert queued[1005].events == [ChannelDataReceived("rdpsnd", b"raw")]
    assert router.dynamic is None


def test_what_is_not_offered_is_raw() -> None:
    router = begun({1004: "cliprdr", 1005: "drdynvc"})
    assert messages(router) == {}
    router.received(1004, b"abc", 2.0)
    router.received(1005, b"def", 2.0)
    events = [event for _, queued in router.take() for event in queued.events]
    assert events == [ChannelDataReceived("cliprdr", b"abc"), ChannelDataReceived("drdynvc", b"def")]


def test_a_name_that_comes_twice_has_one_machine() -> None:
    router = begun({1004: "cliprdr", 1005: "cliprdr", 1006: "drdynvc", 1007: "drdynvc"}, "cliprdr", "drdynvc")
    assert messages(router) == {1004: [b"hello"], 1006: [encode(CapabilitiesRequest())]}
    router.received(1007, b"x", 2.0)
    assert [event for _, queued in router.take() for event in queued.events] == [
        ChannelDataReceived("drdynvc", b"x")
    ]


def test_what_the_client_has_not_defined_is_opened_as_a_dynamic_channel() -> None:
    """As when static channels are tunneled (MS-RDPEDYC 3.1.5.4.2): the name is the same."""
    router = begun({1006: "drdynvc"}, "cliprdr", "ECHO")
    messages(router)
    router.received(1006, encode(CapabilitiesResponse(2)), 2.0)
    [queued] = [queued for _, queued in router.take()]
    assert queued.messages == [encode(CreateRequest(1, "cliprdr")), encode(CreateRequest(2, "ECHO"))]


def test_nothing_is_known_before_it_begins() -> None:
    assert 1004 not in ChannelRouter()
    assert 1004 in begun({1004: "cliprdr"})
