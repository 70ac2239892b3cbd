"""Whatever a peer sends, and however it is cut: events, one end, bounded memory, no exception."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import PeerClosed, PeerTimeout
from pyrdpmux.rdp.channels.static import chunks
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Activated, Disconnected, Event
from pyrdpmux.rdp.connection.machine import Machine
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.settings import BasicSettingsExchange
from pyrdpmux.rdp.fastpath.header import FastPathFlags, decode_fast_path
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition
from pyrdpmux.rdp.mcs.domain import SendDataRequest
from pyrdpmux.rdp.pdu.auto_detect import NetworkCharacteristicsSync
from pyrdpmux.rdp.pdu.capabilities.general import ExtraFlags, GeneralCapability
from pyrdpmux.rdp.pdu.finalization import Synchronize
from pyrdpmux.rdp.pdu.pointer import PointerPosition
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData
from pyrdpmux.rdp.tls.certificate import client_context
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from tests.pair.linked import client_config, nla_policy, rdp_policy, server_config
from tests.rdp.connection.recorded import client_stream, encrypted_pair, server_stream
from tests.rdp.connection.scripted import IO, Scripted, plaintext_config
from tests.rdp.connection.test_phases import REACH, WITHOUT_FRAMES, phase_classes
from tests.rdp.connection.test_transcripts import indication

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


def server_behind_tls() -> ServerConnection:
    """As it is once TLS and NLA are done, without their encryption."""
    server = ServerConnection(server_config(nla_policy()), NOW)
    server.facts.has_negotiated = True
    server.facts.selected_protocol = SecurityProtocol.HYBRID
    server._enter(BasicSettingsExchange(server))
    return server


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
    }


SIDES = ["server", "server behind TLS", "client"]


def feed(machine: Machine, pieces: Frames) -> list[Event]:
    """The events of a machine that gets ``pieces``, with what must hold after each of them."""
    events: list[Event] = []
    for piece in pieces:
        machine.receive_data(piece, NOW)
        machine.data_to_send()
        events += machine.events()
        assert len(machine._incoming) < MAX_BUFFERED + len(piece)
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


@given(data=st.data())
@settings(SETTINGS, max_examples=25)
def test_mutated_encryption(data: st.DataObject) -> None:
    """Standard RDP security: nothing that was changed on the way is acted upon."""
    pair = encrypted_pair()
    pair.server.events()
    pair.client.send_input([])
    frame = bytearray(pair.client.data_to_send())
    assert frame[0] & 3 == 0
    at = data.draw(st.integers(3, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    [ended] = feed(pair.server, [bytes(frame)])
    assert isinstance(ended, Disconnected)
    assert ended.error is not None


@pytest.mark.parametrize("path", ["fast path", "I/O channel", "message channel", "static channel"])
def test_an_unencrypted_pdu_among_encrypted_ones_is_refused(path: str) -> None:
    client = Scripted(server_config(rdp_policy())).reach("Active")
    client.security = None
    assert client.server.standard is not None
    client.events.clear()
    plain = SecurityFlags.RESET_SEQNO  # any flag, for a header without ENCRYPT
    frame = {
        "fast path": client.fast_input([]),
        "I/O channel": client.data(
            IO, encode(ShareControl(client.user, ShareData(1, Synchronize(1)))), plain
        ),
        "message channel": client.message(NetworkCharacteristicsSync(0, 0, 0)),
        "static channel": client.data(1004, encode(next(chunks(b"x"))), plain),
    }[path]
    [ended] = feed(client.server, [frame])
    assert isinstance(ended, Disconnected)
    assert "not encrypted" in ended.reason


@pytest.mark.parametrize("says_so", [False, True])
def test_signatures_are_salted_where_both_sides_can(says_so: bool) -> None:
    flags = ExtraFlags.FASTPATH_OUTPUT_SUPPORTED
    if says_so:
        flags |= ExtraFlags.ENC_SALTED_CHECKSUM
    client = Scripted(server_config(rdp_policy())).reach("CapabilitiesExchange")
    client.frames.clear()
    client.send(client.confirm_active((GeneralCapability(extra_flags=flags),)), *client.finalization())
    client.server.send_pointer(PointerPosition(1, 2))
    client.collect()
    fast, slow = client.frames[-1], client.frames[0]
    header = decode_fast_path(fast).header
    assert bool(header.flags & FastPathFlags.SECURE_CHECKSUM) == says_so
    security_header, _ = split_basic_header(indication(slow).user_data)
    assert security_header.flags & SecurityFlags.ENCRYPT
    assert bool(security_header.flags & SecurityFlags.SECURE_CHECKSUM) == says_so


def test_a_pdu_in_the_name_of_another_user_is_refused() -> None:
    client = Scripted().reach("Active")
    share = encode(ShareControl(client.user, ShareData(1, Synchronize(1))))
    client.events.clear()
    [ended] = feed(client.server, [client.domain(SendDataRequest(client.user + 1, IO, share))])
    assert isinstance(ended, Disconnected)
    assert "SendDataRequest.initiator" in ended.reason


# -- time, silence and the end -----------------------------------------------------------------------


@pytest.mark.parametrize(("side", "phase"), PHASES)
def test_silence_ends_every_phase_before_active(side: str, phase: str) -> None:
    machine = REACH[side](phase)
    machine.events()
    while machine.phase_name not in ("Active", "Ended"):
        deadline = machine.next_deadline()
        assert deadline is not None
        assert deadline > machine.now
        machine.handle_timeout(deadline - 0.001)
        assert machine.events() == []
        before = machine.phase_name
        machine.handle_timeout(deadline)
        assert machine.should_close or machine.phase_name != before
    if phase == "Active":
        return
    [ended] = machine.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, PeerTimeout)
    assert machine.next_deadline() is None


@pytest.mark.parametrize(("side", "phase"), PHASES)
def test_bytes_without_progress_do_not_postpone_the_deadline(side: str, phase: str) -> None:
    machine = REACH[side](phase)
    deadline = machine.next_deadline()
    machine.receive_data(b"\x03\x00", machine.now + 1.0)
    assert machine.next_deadline() == deadline or machine.should_close


@pytest.mark.parametrize("rest", [b"", b"\x03\x00\x00"])
@pytest.mark.parametrize(("side", "phase"), PHASES)
def test_eof_ends_every_phase(side: str, phase: str, rest: bytes) -> None:
    machine = REACH[side](phase)
    machine.events()
    machine.receive_data(rest, machine.now)
    machine.receive_eof(machine.now)
    machine.receive_eof(machine.now)
    machine.receive_data(b"\x03\x00\x00\x07\x02\xf0\x80", machine.now)
    machine.handle_timeout(machine.now + 1000)
    ends = machine.events()
    assert len(ends) == 1
    [ended] = ends
    assert isinstance(ended, Disconnected)
    if isinstance(ended.error, PeerClosed):
        assert ended.by_peer
    assert machine.should_close
    assert machine.next_deadline() is None


@pytest.mark.parametrize("side", SIDES)
def test_nothing_after_the_end_has_an_effect(side: str) -> None:
    make, frames = streams()[side]
    machine = make()
    feed(machine, frames)
    machine.receive_data(b"".join(frames), NOW)
    assert machine._incoming == b""
    machine.receive_eof(NOW)
    machine.handle_timeout(NOW + 1000)
    assert machine.events() == []
    assert machine.data_to_send() == b""
    assert machine.next_deadline() is None


def test_a_connection_that_says_nothing_is_dropped() -> None:
    server = plain_server()
    deadline = server.next_deadline()
    assert deadline == NOW + server.config.limits.connection_initiation
    server.handle_timeout(deadline)
    [ended] = server.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, PeerTimeout)
    assert server.data_to_send() == b""


# -- TLS ends -----------------------------------------------------------------------------------------


def tls_client() -> Scripted:
    return Scripted(server_config(), protocols=SecurityProtocol.SSL).reach("CapabilitiesExchange")


def test_nothing_is_sent_in_plain_text_after_close_notify() -> None:
    """A client that says everything at once and closes its direction gets encrypted answers, or none."""
    client = tls_client()
    assert client.tls is not None
    client.tls.write(b"".join([client.confirm_active(), *client.finalization()]))
    client.tls.close()
    client.server.receive_data(client.tls.data_to_send(), client.now)
    answer = client.server.data_to_send()
    assert b"\x03\x00\x00" not in answer
    assert answer[:3] == b"\x17\x03\x03"  # application data of TLS
    events = client.server.events()
    assert any(isinstance(event, Activated) for event in events)
    assert events[-1] == Disconnected("closed by the peer", by_peer=True)


@pytest.mark.parametrize("together", [False, True])
def test_what_came_before_a_broken_record_counts(together: bool) -> None:
    client = tls_client()
    assert client.tls is not None
    client.tls.write(b"".join([client.confirm_active(), *client.finalization()]))
    good, bad = client.tls.data_to_send(), b"\x17\x03\x03\x00\x20" + bytes(32)
    for piece in [good + bad] if together else [good, bad]:
        client.server.receive_data(piece, client.now)
    events = client.server.events()
    assert [type(event) for event in events][-2:] == [Activated, Disconnected]
    client.server.data_to_send()
    assert client.server.should_close


def test_a_client_that_breaks_off_the_handshake_is_no_error() -> None:
    client = Scripted(server_config(), protocols=SecurityProtocol.SSL)
    client.request()
    tls = TlsEndpoint(client_context(), server_side=False)
    client.server.receive_data(tls.data_to_send(), client.now)
    client.server.receive_eof(client.now)
    ended = client.server.events()[-1]
    assert ended == Disconnected("closed by the peer during the TLS handshake", by_peer=True)


# -- resizing -----------------------------------------------------------------------------------------


@given(
    steps=st.lists(
        st.one_of(
            st.integers(1, 30).map(lambda n: ("resize", n)),
            st.integers(1, 3).map(lambda n: ("answer", n)),
            st.just(("input", 0)),
        ),
        max_size=30,
    )
)
@SETTINGS
def test_resize_storms_end_at_the_last_size(steps: list[tuple[str, int]]) -> None:
    """The client answers each Demand Active in its own time, with input in between."""
    client = Scripted().reach("Active")
    client.transcript  # noqa: B018
    answers: list[bytes] = []
    size = (800, 600)

    def hear() -> None:
        client.collect()
        for entry in client.transcript:
            if entry == "> DemandActive":
                answers.extend([client.confirm_active(), *client.finalization()])

    for step, number in steps:
        if step == "resize":
            size = (640 + number * 8, 480)
            client.server.set_desktop_size(*size, client.now)
        elif step == "input":
            client.send(client.fast_input([]))
        else:
            batch, answers = answers[:number], answers[number:]
            client.send(*batch)
        hear()
    for _ in range(3):
        batch, answers = answers, []
        client.send(*batch)
        hear()
    assert client.server.is_active
    assert (client.server.facts.width, client.server.facts.height) == size
    last = client.saw(Activated)[-1]
    assert (last.width, last.height) == size
