"""``frames_per_call``: a connection that gives others their turn tells and says the same as ever."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import TlsFailed
from pyrdpmux.rdp.connection.events import (
    Disconnected,
    Event,
    InputReceived,
    LogonRequested,
)
from pyrdpmux.rdp.connection.machine import Connection
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionRequest
from tests.pair.linked import Linked, accounts, client_config, nla_policy, server_config, writes
from tests.pair.test_connect import SECURITIES
from tests.rdp.connection.scripted import Scripted, active, plaintext_config
from tests.rdp.connection.test_property import (
    MUTATIONS,
    NOW,
    SETTINGS,
    SIDES,
    Frames,
    Mutation,
    comparable,
    cut,
    streams,
)

COUNTS = st.sampled_from([1, 1, 2, 3, 7])


def outcome(
    machine: Connection, pieces: Frames, count: int | None, patience: Sequence[bool] = ()
) -> tuple[list[object], bytes]:
    """Events and answers to ``pieces`` and the end of the stream; False: more bytes come before a turn."""
    machine.frames_per_call = count
    events: list[Event] = []
    sent = b""
    waits = iter(patience)
    for piece in pieces:
        machine.receive_data(piece, NOW)
        while machine.has_more and next(waits, True):
            machine.proceed(NOW)
        events += machine.events()
        sent += b"".join(writes(machine))
    machine.receive_eof(NOW)
    while machine.has_more:
        machine.proceed(NOW)
    assert machine.should_close
    return comparable(events + machine.events()), sent + b"".join(writes(machine))


@pytest.mark.parametrize("side", SIDES)
@given(sizes=st.lists(st.integers(1, 400), max_size=60), count=COUNTS, patience=st.lists(st.booleans()))
@SETTINGS
def test_turns_change_nothing(side: str, sizes: list[int], count: int, patience: list[bool]) -> None:
    make, frames = streams()[side]
    whole = outcome(make(), [b"".join(frames)], None)
    assert outcome(make(), cut(b"".join(frames), sizes), count, patience) == whole
    assert outcome(make(), [b"".join(frames)], count, patience) == whole


@pytest.mark.parametrize("side", SIDES)
@given(mutations=MUTATIONS, count=COUNTS, patience=st.lists(st.booleans()))
@settings(SETTINGS, max_examples=200)
def test_nor_for_a_stream_that_is_wrong(
    side: str, mutations: list[Mutation], count: int, patience: list[bool]
) -> None:
    make, frames = streams()[side]
    pieces = list(frames)
    for mutation in mutations:
        mutation.apply(pieces)
    assert outcome(make(), pieces, count, patience) == outcome(make(), [b"".join(pieces)], None)


def linked(security: str, count: int | None, chunk: int = 0) -> Linked:
    policy, offered, _selected = SECURITIES[security]
    pair = Linked(server_config(policy()), client_config(protocols=offered), chunk)
    pair.server.frames_per_call = pair.client.frames_per_call = count
    return pair.run()


@pytest.mark.parametrize("chunk", [0, 1, 1460])
@pytest.mark.parametrize("security", SECURITIES)
def test_every_security_is_the_same_in_turns(security: str, chunk: int) -> None:
    turns, whole = linked(security, 1, chunk), linked(security, None)
    assert turns.server.is_active
    assert turns.server_events == whole.server_events
    assert turns.client_events == whole.client_events


def test_an_answer_in_turns() -> None:
    policy = nla_policy(accounts=None, asks_owner=True)
    pair = Linked(server_config(policy), client_config(protocols=SecurityProtocol.HYBRID))
    pair.server.frames_per_call = 1
    [asked] = pair.run().server_saw(LogonRequested)
    pair.server.proceed(pair.now)
    assert pair.server.awaits_answer
    assert not pair.server.has_more
    pair.server.answer_logon(accounts().check(asked.logon), pair.now)
    while pair.server.has_more:
        pair.server.proceed(pair.now)
    assert pair.run().server.is_active


# -- one call is bounded -----------------------------------------------------------------------------


def received(connection: ServerConnection) -> int:
    """How many PDUs were taken since the last look."""
    tracer = connection.door.tracer
    assert isinstance(tracer, ListTracer)
    count = len([entry for entry in tracer.entries if entry[0] == "<"])
    tracer.entries.clear()
    return count


@pytest.mark.parametrize("count", [1, 2, 5])
def test_one_call_takes_no_more_than_it_may(count: int) -> None:
    client = active(plaintext_config())
    key = client.fast_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
    server = client.server
    server.frames_per_call = count
    received(server)
    server.receive_data(key * 100, client.now)
    for done in range(0, 100, count):
        assert received(server) == min(count, 100 - done)
        assert server.has_more or done + count >= 100
        server.proceed(client.now)
    assert not server.has_more
    assert len([event for event in server.events() if isinstance(event, InputReceived)]) == 100
    server.proceed(client.now)
    assert received(server) == 0


def test_there_is_no_more_behind_the_only_frame() -> None:
    client = active(plaintext_config())
    client.server.frames_per_call = 1
    client.server.receive_data(client.fast_input([KeyboardEvent(KeyboardFlags(0), 0x1E)]), client.now)
    assert not client.server.has_more


@pytest.mark.parametrize("security", ["tls", "nla", "nla-ex", "rdp-none"])
def test_nor_does_any_call_on_the_way_to_active(security: str) -> None:
    """The whole of what a client says at once, TLS and the change from door to session among it."""
    policy, offered, _selected = SECURITIES[security]
    pair = Linked(server_config(policy()), client_config(protocols=offered))
    server = pair.server
    server.frames_per_call = 1
    for _ in range(200):
        server.receive_data(pair.client.data_to_send(), pair.now)
        # What ends Channel Connection is traced twice: as it is, and what is in it.
        assert received(server) <= 2
        while server.has_more:
            server.proceed(pair.now)
            assert received(server) <= 2
        pair.client.receive_data(server.data_to_send(), pair.now)
    assert server.is_active


def test_a_session_waits_for_the_next_turn_where_the_door_has_had_this_one() -> None:
    client = Scripted(plaintext_config())
    client.server.frames_per_call = 1
    request = client.tpdu(ConnectionRequest())
    client.server.receive_data(request + b"\x03\x00\x00\x04", client.now)
    assert client.server.phase_name == "BasicSettingsExchange"
    assert client.server.has_more
    assert not client.server.should_close
    client.server.proceed(client.now)
    [*_told, ended] = client.server.events()
    assert isinstance(ended, Disconnected)
    assert not client.server.has_more


def test_more_bytes_before_the_next_turn() -> None:
    client = active(plaintext_config())
    keys = [client.fast_input([KeyboardEvent(KeyboardFlags(0), code)]) for code in range(1, 9)]
    client.server.frames_per_call = 1
    for key in keys:
        client.server.receive_data(key * 2, client.now)
    while client.server.has_more:
        client.server.proceed(client.now)
    codes = [
        event.key_code
        for told in client.server.events()
        if isinstance(told, InputReceived)
        for event in told.events
        if isinstance(event, KeyboardEvent)
    ]
    assert codes == [code for code in range(1, 9) for _ in range(2)]


# -- an end waits for what came before it ------------------------------------------------------------


def burst(client: Scripted, count: int) -> bytes:
    return client.fast_input([KeyboardEvent(KeyboardFlags(0), 0x1E)]) * count


def test_a_closed_socket_comes_behind_what_was_received() -> None:
    client = active(plaintext_config())
    client.server.frames_per_call = 1
    client.server.receive_data(burst(client, 10), client.now)
    client.server.receive_eof(client.now)
    told: list[Event] = client.server.events()
    while client.server.has_more:
        assert not client.server.should_close
        assert len(told) <= 10
        client.server.proceed(client.now)
        told += client.server.events()
    assert [type(event) for event in told] == [InputReceived] * 10 + [Disconnected]
    assert told[-1] == Disconnected("closed by the peer", by_peer=True)
    assert client.server.should_close


@pytest.mark.parametrize("end", ["close_notify", "fault"])
def test_so_do_the_ends_of_tls(end: str) -> None:
    client = Scripted(server_config(), protocols=SecurityProtocol.SSL).reach("Active")
    client.events.clear()
    assert client.tls is not None
    client.server.frames_per_call = 1
    client.tls.write(burst(client, 10))
    client.tls.close()
    data = client.tls.data_to_send()
    if end == "fault":
        data = data[:-1] + bytes([data[-1] ^ 1])
    client.server.receive_data(data, client.now)
    told: list[Event] = client.server.events()
    assert len(told) == 1
    while client.server.has_more:
        client.server.proceed(client.now)
        told += client.server.events()
    assert [type(event) for event in told] == [InputReceived] * 10 + [Disconnected]
    ended = told[-1]
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, TlsFailed) == (end == "fault")


def test_the_owner_s_end_does_not_wait() -> None:
    client = active(plaintext_config())
    client.server.frames_per_call = 1
    client.server.receive_data(burst(client, 10), client.now)
    client.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "enough", client.now)
    assert not client.server.has_more
    client.server.proceed(client.now)
    assert [type(event) for event in client.server.events()] == [InputReceived, Disconnected]


def test_a_deadline_does_not_wait_either() -> None:
    client = Scripted(plaintext_config()).reach("BasicSettingsExchange")
    client.server.frames_per_call = 1
    deadline = client.server.next_deadline()
    assert deadline is not None
    client.server.handle_timeout(deadline)
    assert client.server.should_close


def test_without_a_bound_nothing_is_left() -> None:
    client = active(plaintext_config())
    client.server.receive_data(burst(client, 1000), client.now)
    assert not client.server.has_more
    assert len(client.server.events()) == 1000
