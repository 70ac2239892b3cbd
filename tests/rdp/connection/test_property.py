"""Whatever a peer sends, and however it is cut: events, one end, bounded memory, no exception."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Activated, Disconnected, Event
from pyrdpmux.rdp.connection.machine import Connection
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import client_config, nla_policy, server_config
from tests.rdp.connection.recorded import client_stream, server_stream
from tests.rdp.connection.scripted import Scripted, plaintext_config
from tests.rdp.connection.test_phases import REACH, WITHOUT_FRAMES, phase_classes

NOW = 50.0
PHASES = [(side, phase) for side in ("server", "client") for phase in phase_classes(side)]
#: one TPKT, and what one feeding may leave behind it
MAX_BUFFERED = 65535
SETTINGS = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)

Frames = Sequence[bytes]


# -- both sides under one name -----------------------------------------------------------------------


def plain_server() -> ServerConnection:
    """No security: its bytes are RDP's from the first one on."""
    return ServerConnection(plaintext_config(), NOW)


def server_behind_tls() -> ServerSession:
    """As it is once TLS and NLA are done, without their encryption."""
    secured = Secured(selected_protocol=SecurityProtocol.HYBRID, has_negotiated=True, user="alice", domain="")
    return ServerSession(secured, server_config(nla_policy()).session, NOW)


def plain_client() -> ClientConnection:
    channels = (ChannelDefinition(b"cliprdr"), ChannelDefinition(b"RDPSND"))
    client = ClientConnection(client_config(protocols=SecurityProtocol.RDP, channels=channels), NOW)
    client.data_to_send()
    return client


def streams() -> dict[str, tuple[Any, Frames]]:
    return {
        "server": (plain_server, client_stream()),
        "server behind TLS": (server_behind_tls, client_stream()[1:]),
        "client": (plain_client, server_stream()),
        "client with a license": (plain_client, server_stream(licensed=True)),
    }


SIDES = ["server", "server behind TLS", "client", "client with a license"]


def feed(machine: Connection, pieces: Frames) -> list[Event]:
    """The events of a machine that gets ``pieces``, with what must hold after each of them."""
    events: list[Event] = []
    for piece in pieces:
        machine.receive_data(piece, NOW)
        machine.data_to_send()
        events += machine.events()
        assert machine.buffered_bytes < MAX_BUFFERED + len(piece)
    ends = [event for event in events if isinstance(event, Disconnected)]
    assert len(ends) == machine.should_close
    assert events[-1:] == ends or not ends
    return events


def comparable(events: list[Event]) -> list[object]:
    """Exceptions are equal only to themselves; what they say is in the event's reason."""
    return [
        (event.reason, event.by_peer, type(event.error)) if isinstance(event, Disconnected) else event
        for event in events
    ]


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """``data`` in pieces of these sizes, the last one as long as it takes."""
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [*pieces, data[at:]]


# -- the streams themselves --------------------------------------------------------------------------


@pytest.mark.parametrize("side", SIDES)
def test_the_streams_are_valid(side: str) -> None:
    make, frames = streams()[side]
    events = feed(make(), frames)
    assert any(isinstance(event, Activated) for event in events)
    end = events[-1]
    assert isinstance(end, Disconnected)
    assert end.error is None


@pytest.mark.parametrize("side", SIDES)
@given(sizes=st.lists(st.integers(1, 400), max_size=60))
@SETTINGS
def test_cutting_never_changes_the_events(side: str, sizes: list[int]) -> None:
    make, frames = streams()[side]
    assert feed(make(), cut(b"".join(frames), sizes)) == feed(make(), [b"".join(frames)])


@pytest.mark.parametrize("side", SIDES)
def test_byte_by_byte_is_the_same(side: str) -> None:
    make, frames = streams()[side]
    data = b"".join(frames)
    assert feed(make(), [data[at : at + 1] for at in range(len(data))]) == feed(make(), [data])


# -- bad streams -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mutation:
    """One change to a list of frames; the numbers are taken modulo whatever there is."""

    kind: str
    at: int
    index: int
    noise: bytes

    def apply(self, frames: list[bytes]) -> None:
        if not frames:
            return
        at = self.at % len(frames)
        frame = frames[at]
        match self.kind:
            case "flip" if frame:
                index = self.index % len(frame)
                value = (self.noise or bytes([frame[index] ^ 1]))[:1]
                frames[at] = frame[:index] + value + frame[index + 1 :]
            case "drop":
                del frames[at]
            case "repeat":
                frames.insert(at, frame)
            case "swap":
                other = self.index % len(frames)
                frames[at], frames[other] = frames[other], frame
            case "cut":
                frames[at] = frame[: self.index % (len(frame) + 1)]
            case _:
                frames.insert(at, self.noise)


MUTATIONS = st.lists(
    st.builds(
        Mutation,
        st.sampled_from(["flip", "flip", "flip", "flip", "drop", "repeat", "swap", "cut", "noise"]),
        st.integers(0, 100),
        st.integers(0, 2000),
        st.binary(max_size=64),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("side", SIDES)
@given(mutations=MUTATIONS)
@settings(SETTINGS, max_examples=400)
def test_mutated_streams_end_in_order_or_not_at_all(side: str, mutations: list[Mutation]) -> None:
    make, frames = streams()[side]
    pieces = list(frames)
    for mutation in mutations:
        mutation.apply(pieces)
    machine = make()
    events = feed(machine, pieces)
    assert comparable(feed(make(), [b"".join(pieces)])) == comparable(events)
    machine.receive_eof(NOW)
    machine.receive_eof(NOW)
    events += machine.events()
    assert len([event for event in events if isinstance(event, Disconnected)]) == 1
    assert machine.should_close


@pytest.mark.parametrize("side", SIDES)
@given(noise=st.lists(st.binary(max_size=300), max_size=6), start=st.integers(0, 40))
@SETTINGS
def test_noise_in_any_phase(side: str, noise: list[bytes], start: int) -> None:
    make, frames = streams()[side]
    feed(make(), [*frames[:start], *noise])


@pytest.mark.parametrize(("side", "phase"), [case for case in PHASES if case[1] not in WITHOUT_FRAMES])
@given(
    noise=st.lists(st.binary(max_size=60), max_size=3),
    head=st.sampled_from(
        [b"", b"\x03\x00\x00\x20\x02\xf0\x80\x64\x00\x06\x03\xeb\x70\x10", b"\x04\x10\x00\x1e"]
    ),
)
@settings(SETTINGS, max_examples=12)
def test_noise_where_a_phase_begins(side: str, phase: str, noise: list[bytes], head: bytes) -> None:
    machine = REACH[side](phase)
    machine.events()
    feed(machine, [head, *noise])


@pytest.mark.parametrize("side", ["server", "client"])
@given(noise=st.binary(min_size=1, max_size=400), head=st.sampled_from([b"", b"\x03\x00", b"\x30\x82"]))
@settings(SETTINGS, max_examples=15)
def test_noise_instead_of_tls_and_nla(side: str, noise: bytes, head: bytes) -> None:
    feed(REACH[side]("TlsHandshake"), [b"\x16\x03\x01" + noise])
    feed(REACH[side]("NetworkLevelAuthentication"), [head + noise])  # where TLS records are due


@given(noise=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=4))
@settings(SETTINGS, max_examples=25)
def test_noise_inside_of_tls(noise: list[bytes]) -> None:
    """NLA tokens, then MCS, both of them random, properly encrypted."""
    for policy, protocols in ((nla_policy(), SecurityProtocol.HYBRID), (None, SecurityProtocol.SSL)):
        client = Scripted(server_config(policy), protocols=protocols)
        client.request()
        client.handshake()
        assert client.tls is not None
        pieces = []
        for piece in noise:
            client.tls.write(piece)
            pieces.append(client.tls.data_to_send())
        client.server.events()
        feed(client.server, pieces)
