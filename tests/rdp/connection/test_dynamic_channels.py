"""The managers of dynamic channels, each by itself: every state and every PDU, and peers that mean harm."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.zgfx import RDP8_LITE, ZgfxCompressor
from pyrdpmux.errors import DecodeError, LimitExceeded, PeerError, SequenceError, StateError
from pyrdpmux.rdp.channels.dynamic.pdu import (
    CLIENT_PDU_TYPES,
    SERVER_PDU_TYPES,
    CapabilitiesRequest,
    CapabilitiesResponse,
    Close,
    CreateRequest,
    CreateResponse,
    Data,
    DataCompressed,
    DataFirst,
    DataFirstCompressed,
    DynamicPdu,
    decode_client_pdu,
    decode_server_pdu,
)
from pyrdpmux.rdp.channels.dynamic.soft_sync import SoftSyncRequest, SoftSyncResponse
from pyrdpmux.rdp.connection.channel import Channel, Offer, Queued
from pyrdpmux.rdp.connection.client.channels.dynamic import ClientDynamicChannels
from pyrdpmux.rdp.connection.dynamic_channels import MAX_CHANNELS, DynamicChannels
from pyrdpmux.rdp.connection.events import ChannelClosed, ChannelDataReceived, ChannelOpened
from pyrdpmux.rdp.connection.server.channels.dynamic import ServerDynamicChannels
from pyrdpmux.wire import encode

BLOCK = ZgfxCompressor(RDP8_LITE).compress(b"abc")


class Echo(Channel):
    """A machine that answers, and remembers what it was told."""

    NAME = "echo"
    PRIORITY = 2
    COMPRESSES = True
    MAX_MESSAGE = 5000

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.told: list[tuple[str, float]] = []

    def opened(self, now: float) -> None:
        self.told.append(("opened", now))
        self.send(b"hello")

    def received(self, message: bytes, now: float) -> None:
        self.told.append((f"received {len(message)}", now))
        self.note("answered")
        self.send(message)

    def closed(self, now: float) -> None:
        self.told.append(("closed", now))
        self.send(b"too late")


TABLE: Mapping[str, type[Channel]] = {Echo.NAME: Echo}


def server(*names: str) -> ServerDynamicChannels:
    return ServerDynamicChannels(Offer(TABLE, names))


def client(*names: str) -> ClientDynamicChannels:
    return ClientDynamicChannels(Offer(TABLE, names))


def said(manager: DynamicChannels) -> tuple[list[DynamicPdu], Queued]:
    """The PDUs that a manager has queued, and all that it has queued."""
    queued = manager.take()
    decoder = decode_server_pdu if isinstance(manager, ServerDynamicChannels) else decode_client_pdu
    return [decoder(message) for message in queued.messages], queued


def ready(*names: str, version: int = 3) -> ServerDynamicChannels:
    """A server whose client has answered; the requests are taken."""
    manager = server(*names)
    manager.opened(0.0)
    manager.received(encode(CapabilitiesResponse(version)), 1.0)
    manager.take()
    return manager


def open_server(*names: str, version: int = 3) -> ServerDynamicChannels:
    """A server with these channels open, numbered from 1; what was said is taken."""
    manager = ready(*names, version=version)
    for channel_id in range(1, len(names) + 1):
        manager.received(encode(CreateResponse(channel_id)), 2.0)
    manager.take()
    return manager


# -- the server's way --------------------------------------------------------------------------------


def test_a_server_asks_then_creates_then_talks() -> None:
    manager = server("raw", Echo.NAME)
    manager.opened(0.0)
    assert said(manager)[0] == [CapabilitiesRequest(3, (0, 0, 0, 0))]
    manager.received(encode(CapabilitiesResponse(2)), 1.0)
    assert said(manager)[0] == [CreateRequest(1, "raw"), CreateRequest(2, "echo", 2)]
    assert manager.version == 2
    manager.received(encode(CreateResponse(2)), 2.0)
    pdus, queued = said(manager)
    assert pdus == [Data(2, b"hello")]
    assert queued.events == [ChannelOpened("echo")]
    manager.received(encode(CreateResponse(1)), 2.0)
    manager.received(encode(Data(1, b"to the owner")), 3.0)
    manager.received(encode(Data(2, b"to the machine")), 3.0)
    pdus, queued = said(manager)
    assert queued.events == [ChannelOpened("raw"), ChannelDataReceived("raw", b"to the owner")]
    assert queued.notes == ["echo: answered"]
    assert pdus == [Data(2, b"to the machine")]


def test_version_3_compresses_for_machines_that_want_it() -> None:
    manager = open_server("raw", Echo.NAME)
    message = bytes(4000)
    manager.received(encode(DataFirstCompressed(2, 3, BLOCK)), 3.0)
    pdus, _ = said(manager)
    assert [type(pdu) for pdu in pdus] == [DataCompressed]
    manager.send_message("raw", message)
    assert [type(pdu) for pdu in said(manager)[0]] == [DataFirst, Data, Data]
    manager.send_message("echo", message)
    pdus, _ = said(manager)
    assert isinstance(pdus[0], DataFirstCompressed)
    assert sum(len(encode(pdu)) for pdu in pdus) < 100


def test_a_refused_channel_is_told_and_its_number_is_not_used_again() -> None:
    manager = ready(Echo.NAME)
    manager.received(encode(CreateResponse(1, -1)), 2.0)
    assert said(manager)[1].events == [ChannelClosed("echo", is_refused=True)]
    manager.open("echo")
    assert said(manager)[0] == [CreateRequest(2, "echo", 2)]


def test_a_client_closes() -> None:
    manager = open_server(Echo.NAME)
    machine = manager.machine("echo")
    assert isinstance(machine, Echo)
    manager.received(encode(Close(1)), 5.0)
    pdus, queued = said(manager)
    assert pdus == []  # 3.3.5.2: not answered; and what the machine still wants to say has nobody to hear it
    assert queued.events == [ChannelClosed("echo", is_refused=False)]
    assert machine.told == [("opened", 2.0), ("closed", 5.0)]
    assert manager.machine("echo") is None
    with pytest.raises(StateError):
        manager.send_message("echo", b"x")


def test_a_server_closes_and_what_is_under_way_has_no_effect() -> None:
    manager = open_server("raw")
    manager.close("raw", 5.0)
    assert said(manager)[0] == [Close(1)]
    for pdu in (
        Data(1, b"x"),
        DataFirst(1, 9, b"x"),
        DataCompressed(1, b"garbage"),
        Close(1),
        CreateResponse(1),
    ):
        manager.received(encode(pdu), 6.0)
        pdus, queued = said(manager)
        assert (pdus, queued.events) == ([], [])
        assert queued.notes == [f"{type(pdu).__name__} for channel 1, which is closed"]


def test_a_client_that_takes_longer_than_ten_seconds_gets_no_channels() -> None:
    manager = server("raw")
    manager.opened(0.0)
    manager.take()
    manager.received(encode(CapabilitiesResponse(3)), 10.1)
    pdus, queued = said(manager)
    assert pdus == []
    assert queued.events == [ChannelClosed("raw", is_refused=True)]
    with pytest.raises(StateError, match="took too long"):
        manager.open("later")
    with pytest.raises(SequenceError):
        manager.received(encode(CapabilitiesResponse(3)), 10.2)


def test_an_owner_opens_before_and_after_the_answer() -> None:
    manager = server()
    manager.open("early")
    manager.opened(0.0)
    manager.take()
    manager.received(encode(CapabilitiesResponse(9)), 0.0)
    assert manager.version == 3
    assert said(manager)[0] == [CreateRequest(1, "early")]
    manager.open("late")
    assert said(manager)[0] == [CreateRequest(2, "late")]


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 256, "\xe9"])
def test_an_owner_cannot_open_what_has_no_name(name: str) -> None:
    with pytest.raises(StateError):
        ready().open(name)


def test_an_owner_opens_so_many_and_no_more() -> None:
    manager = ready(*["raw"] * 200)
    assert len(manager._carried) == MAX_CHANNELS
    with pytest.raises(StateError, match="more than 64"):
        manager.open("one more")


# -- every state and every PDU -----------------------------------------------------------------------

CLIENT_SAYS: list[DynamicPdu] = [
    CapabilitiesResponse(3),
    CreateResponse(1),
    DataFirst(1, 9, b"x"),
    Data(1, b"x"),
    DataFirstCompressed(1, 9, BLOCK),
    DataCompressed(1, BLOCK),
    Close(1),
    SoftSyncResponse(()),
]
SERVER_SAYS: list[DynamicPdu] = [
    CapabilitiesRequest(),
    CreateRequest(1, "echo"),
    DataFirst(1, 9, b"x"),
    Data(1, b"x"),
    DataFirstCompressed(1, 9, BLOCK),
    DataCompressed(1, BLOCK),
    Close(1),
    SoftSyncRequest(),
]


def begun() -> ServerDynamicChannels:
    manager = server(Echo.NAME)
    manager.opened(0.0)
    return manager


def closed() -> ServerDynamicChannels:
    manager = open_server(Echo.NAME)
    manager.close(Echo.NAME, 3.0)
    return manager


def answered() -> ClientDynamicChannels:
    manager = client(Echo.NAME)
    manager.received(encode(CapabilitiesRequest()), 0.0)
    return manager


def open_client() -> ClientDynamicChannels:
    manager = answered()
    manager.received(encode(CreateRequest(1, Echo.NAME)), 0.0)
    return manager


#: state -> how to get there, and the PDUs that are taken in it
SERVER_STATES: dict[str, tuple[Callable[[], DynamicChannels], set[type]]] = {
    "not begun": (lambda: server(Echo.NAME), set()),
    "asked": (begun, {CapabilitiesResponse}),
    "creating": (lambda: ready(Echo.NAME), {CreateResponse, Close}),
    "open": (
        lambda: open_server(Echo.NAME),
        {DataFirst, Data, DataFirstCompressed, DataCompressed, Close},
    ),
    "closed": (
        closed,
        {CreateResponse, DataFirst, Data, DataFirstCompressed, DataCompressed, Close},
    ),
}
DATA = {DataFirst, Data, DataFirstCompressed, DataCompressed}
CLIENT_STATES: dict[str, tuple[Callable[[], DynamicChannels], set[type]]] = {
    "not begun": (
        lambda: client(Echo.NAME),
        {CapabilitiesRequest, CreateRequest, *DATA, Close, SoftSyncRequest},
    ),
    "answered": (answered, {CreateRequest, *DATA, Close, SoftSyncRequest}),
    "open": (open_client, {*DATA, Close, SoftSyncRequest}),
}


@pytest.mark.parametrize("pdu", CLIENT_SAYS, ids=lambda pdu: type(pdu).__name__)
@pytest.mark.parametrize("state", SERVER_STATES)
def test_a_server_in_every_state_hears_every_pdu(state: str, pdu: DynamicPdu) -> None:
    make, taken = SERVER_STATES[state]
    check(make(), pdu, type(pdu) in taken)


@pytest.mark.parametrize("pdu", SERVER_SAYS, ids=lambda pdu: type(pdu).__name__)
@pytest.mark.parametrize("state", CLIENT_STATES)
def test_a_client_in_every_state_hears_every_pdu(state: str, pdu: DynamicPdu) -> None:
    make, taken = CLIENT_STATES[state]
    check(make(), pdu, type(pdu) in taken)


def check(manager: DynamicChannels, pdu: DynamicPdu, is_taken: bool) -> None:
    if is_taken:
        manager.received(encode(pdu), 3.0)
    else:
        with pytest.raises(SequenceError):
            manager.received(encode(pdu), 3.0)


def test_the_samples_are_complete() -> None:
    assert {type(pdu) for pdu in CLIENT_SAYS} == set(CLIENT_PDU_TYPES.values())
    assert {type(pdu) for pdu in SERVER_SAYS} == set(SERVER_PDU_TYPES.values())


# -- the client's way --------------------------------------------------------------------------------


@pytest.mark.parametrize(("theirs", "agreed"), [(1, 1), (2, 2), (3, 3), (4, 3)])
def test_a_client_answers_with_what_both_can(theirs: int, agreed: int) -> None:
    manager = client()
    charges = None if theirs == 1 else (1, 2, 3, 4)
    manager.received(encode(CapabilitiesRequest(theirs, charges)), 0.0)
    assert said(manager)[0] == [CapabilitiesResponse(agreed)]


def test_a_client_listens_by_name() -> None:
    manager = answered()
    manager.take()
    manager.received(encode(CreateRequest(7, "echo", 1)), 1.0)
    manager.received(encode(CreateRequest(8, "unknown")), 1.0)
    pdus, queued = said(manager)
    assert pdus[0] == CreateResponse(7)
    assert isinstance(pdus[1], DataCompressed)  # hello
    assert pdus[2] == CreateResponse(8, 0x80070490 - (1 << 32))
    assert queued.events == [ChannelOpened("echo")]
    manager.received(encode(Close(7)), 2.0)
    pdus, queued = said(manager)
    assert pdus == [Close(7)]
    assert queued.events == [ChannelClosed("echo", is_refused=False)]
    manager.received(encode(Close(7)), 2.0)
    assert said(manager)[0] == []
    manager.received(encode(CreateRequest(7, "echo")), 3.0)  # 3.1.1: a number may be used again
    assert said(manager)[0][0] == CreateResponse(7)


def test_a_client_closes_by_itself() -> None:
    manager = open_client()
    manager.take()
    manager.close("echo", 2.0)
    pdus, queued = said(manager)
    assert pdus == [Close(1)]
    assert queued.events == [ChannelClosed("echo", is_refused=False)]


def test_a_server_that_creates_without_having_asked() -> None:
    # QUIRK(Windows Server)
    manager = client("raw")
    manager.received(encode(CreateRequest(1, "raw")), 0.0)
    assert said(manager)[0] == [CapabilitiesResponse(3), CreateResponse(1)]


def test_a_server_that_floods_a_client_with_channels() -> None:
    manager = client("raw")
    for channel_id in range(1, 3000):
        manager.received(encode(CreateRequest(channel_id, "raw")), 0.0)
    pdus, _ = said(manager)
    granted = [pdu for pdu in pdus if isinstance(pdu, CreateResponse) and pdu.is_success]
    assert len(granted) == len(manager._carried) == MAX_CHANNELS
    assert pdus[-1] == CreateResponse(2999, 0x8007000E - (1 << 32))


# -- peers that mean harm ----------------------------------------------------------------------------


def test_numbers_that_never_were_end_the_connection() -> None:
    manager = open_server(Echo.NAME)
    for pdu in (Data(0, b"x"), Data(2, b"x"), Close(2), CreateResponse(2), DataFirst(0xFFFFFFFF, 1, b"")):
        with pytest.raises(SequenceError):
            manager.received(encode(pdu), 3.0)


def test_messages_are_bounded_by_their_machine() -> None:
    manager = open_server(Echo.NAME)
    with pytest.raises(LimitExceeded):
        manager.received(encode(DataFirst(1, 5001, b"x")), 3.0)


def test_messages_of_raw_channels_are_bounded_by_the_connections_limits() -> None:
    manager = ClientDynamicChannels(Offer(TABLE, ("raw",), max_message=1000))
    manager.received(encode(CreateRequest(1, "raw")), 0.0)
    manager.received(encode(DataFirst(1, 1000, b"x")), 0.0)
    manager.received(encode(CreateRequest(2, "raw")), 0.0)
    with pytest.raises(LimitExceeded):
        manager.received(encode(DataFirst(2, 1001, b"x")), 3.0)


def test_garbage_is_a_decode_error() -> None:
    for manager in (open_server(Echo.NAME), open_client()):
        for message in (b"", b"\xf0", b"\x43\x01", b"\x70\x01\xe0\x06" + bytes(9000)):
            with pytest.raises(DecodeError):
                manager.received(message, 3.0)


small = st.integers(0, 3)
blocks = st.sampled_from([b"", b"x", b"yz" * 700, BLOCK])
client_pdus = st.one_of(
    st.builds(CapabilitiesResponse, small),
    st.builds(CreateResponse, small, st.sampled_from([0, -1, 1])),
    st.builds(DataFirst, small, st.integers(0, 6000), blocks),
    st.builds(Data, small, blocks),
    st.builds(DataFirstCompressed, small, st.integers(0, 6000), blocks),
    st.builds(DataCompressed, small, blocks),
    st.builds(Close, small),
    st.just(SoftSyncResponse()),
).map(encode)
server_pdus = st.one_of(
    st.just(CapabilitiesRequest()),
    st.builds(CreateRequest, small, st.sampled_from(["raw", "echo", "no"]), small),
    st.builds(Data, small, blocks),
    st.builds(DataFirst, small, st.integers(0, 6000), blocks),
    st.builds(DataCompressed, small, blocks),
    st.builds(Close, small),
    st.just(SoftSyncRequest()),
).map(encode)


def any_sequence(manager: DynamicChannels, messages: list[bytes]) -> None:
    """Only PeerErrors, and channels whose owner was told of each once."""
    open_now: list[str] = []
    for number, message in enumerate(messages):
        try:
            manager.received(message, float(number))
        except PeerError:
            return
        for event in said(manager)[1].events:
            if isinstance(event, ChannelOpened):
                open_now.append(event.channel)
            elif isinstance(event, ChannelClosed) and not event.is_refused:
                open_now.remove(event.channel)
        carried: list[Any] = [item.machine.name for item in manager._carried.values() if item.sender]
        assert sorted(carried) == sorted(open_now)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(client_pdus, st.binary(max_size=8)), max_size=12))
def test_any_client_harms_only_itself(messages: list[bytes]) -> None:
    manager = server("raw", Echo.NAME)
    manager.opened(0.0)
    any_sequence(manager, [encode(CapabilitiesResponse(3)), encode(CreateResponse(1)), *messages])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(server_pdus, st.binary(max_size=8)), max_size=12))
def test_any_server_harms_only_itself(messages: list[bytes]) -> None:
    any_sequence(client("raw", Echo.NAME), messages)
