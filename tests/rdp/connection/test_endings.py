"""How connections end: silence, closed sockets, forged packets, broken TLS; and resizing to the last size."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import PeerClosed, PeerTimeout
from pyrdpmux.rdp.channels.static import chunks
from pyrdpmux.rdp.connection.events import Activated, Disconnected
from pyrdpmux.rdp.connection.limits import Limits
from pyrdpmux.rdp.fastpath.header import FastPathFlags, decode_fast_path
from pyrdpmux.rdp.mcs.domain import SendDataRequest
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.pdu.auto_detect import NetworkCharacteristicsSync
from pyrdpmux.rdp.pdu.capabilities.general import ExtraFlags, GeneralCapability
from pyrdpmux.rdp.pdu.display import LedFlags
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.finalization import Synchronize
from pyrdpmux.rdp.pdu.pointer import PointerPosition
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from tests.pair.linked import rdp_policy, server_config
from tests.rdp.connection.recorded import encrypted_pair
from tests.rdp.connection.replies import indication
from tests.rdp.connection.scripted import IO, Scripted
from tests.rdp.connection.test_phases import REACH
from tests.rdp.connection.test_property import NOW, PHASES, SETTINGS, SIDES, feed, plain_server, streams


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
    assert client.session.standard is not None
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


@pytest.mark.parametrize("level", [EncryptionLevel.LOW, EncryptionLevel.HIGH])
def test_at_the_low_level_only_the_client_encrypts(level: EncryptionLevel) -> None:
    """5.3.1."""
    client = Scripted(server_config(rdp_policy(level=level))).reach("Active")
    client.frames.clear()
    client.server.send_pointer(PointerPosition(1, 2))
    client.server.send_keyboard_indicators(LedFlags(0))
    client.collect()
    fast, slow = client.frames
    is_encrypted = level != EncryptionLevel.LOW
    assert decode_fast_path(fast).header.is_encrypted == is_encrypted
    header, _ = split_basic_header(indication(slow).user_data)
    assert bool(header.flags & SecurityFlags.ENCRYPT) == is_encrypted
    client.send(client.fast_input([]))
    assert client.server.is_active


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
    assert machine.buffered_bytes == 0
    machine.receive_eof(NOW)
    machine.handle_timeout(NOW + 1000)
    assert machine.events() == []
    assert machine.data_to_send() == b""
    assert machine.next_deadline() is None


def test_a_connection_that_says_nothing_is_dropped() -> None:
    server = plain_server()
    deadline = server.next_deadline()
    assert deadline == NOW + Limits().connection_initiation
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


def test_the_end_of_the_session_ends_tls_in_order() -> None:
    client = tls_client()
    assert client.tls is not None
    client.frames.clear()
    client.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "enough", client.now)
    client.collect()
    assert client.frames  # what tells the client why
    assert client.tls.is_eof


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
