"""A logon that the owner answers in its own time: nothing goes on meanwhile, and nothing else differs."""

from typing import Any

import pytest

from pyrdpmux.errors import AuthenticationFailed, DecodeError, LimitExceeded, PeerClosed, PeerTimeout
from pyrdpmux.rdp.connection.events import (
    Disconnected,
    Event,
    InputReceived,
    LoggedOn,
    LogonRequested,
    SecurityEstablished,
)
from pyrdpmux.rdp.connection.limits import MAX_HELD_BYTES
from pyrdpmux.rdp.nla.logon import Proof
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import Linked, accounts, client_config, nla_policy, server_config, tls_policy

P = SecurityProtocol
NLA = P.SSL | P.HYBRID
NLA_EX = NLA | P.HYBRID_EX
CHUNKS = [0, 1, 1460]


def linked(chunk: int = 0, offered: SecurityProtocol = NLA, policy: Any = None, **client: Any) -> Linked:
    policy = policy or nla_policy(accounts=None, asks_owner=True)
    return Linked(server_config(policy), client_config(protocols=offered, **client), chunk)


def asked(chunk: int = 0, offered: SecurityProtocol = NLA, **client: Any) -> Linked:
    """A server that waits for an answer."""
    pair = linked(chunk, offered, **client).run()
    assert pair.server.awaits_answer
    assert pair.server.phase_name == "NetworkLevelAuthentication"
    return pair


def right(pair: Linked) -> Proof:
    """The answer of one who knows the password."""
    [request] = pair.server_saw(LogonRequested)
    proof = accounts().check(request.logon)
    assert proof is not None
    return proof


def told(pair: Linked) -> list[Event]:
    """The server's events, without the question."""
    return [event for event in pair.server_events if not isinstance(event, LogonRequested)]


@pytest.mark.parametrize("offered", [NLA, NLA_EX])
@pytest.mark.parametrize("chunk", CHUNKS)
def test_yes_goes_on_as_if_nobody_had_been_asked(chunk: int, offered: SecurityProtocol) -> None:
    pair = asked(chunk, offered)
    assert pair.server_saw(SecurityEstablished) == []
    pair.server.answer_logon(right(pair), pair.now)
    assert not pair.server.awaits_answer
    pair.run()
    assert pair.server.is_active
    assert pair.client.is_active
    assert told(pair) == linked(chunk, offered, nla_policy()).run().server_events


@pytest.mark.parametrize("offered", [NLA, NLA_EX])
@pytest.mark.parametrize("chunk", CHUNKS)
def test_no_is_told_as_ever(chunk: int, offered: SecurityProtocol) -> None:
    pair = asked(chunk, offered, password="wrong")
    assert accounts().check(pair.server_saw(LogonRequested)[0].logon) is None
    pair.server.answer_logon(None, pair.now)
    pair.run()
    [ended] = pair.server_saw(Disconnected)
    assert isinstance(ended.error, AuthenticationFailed)
    [heard] = pair.client_saw(Disconnected)
    assert isinstance(heard.error, AuthenticationFailed)
    assert heard.error.nt_status == 0xC000006D
    at_once = linked(chunk, offered, nla_policy(), password="wrong").run()
    assert told(pair) == at_once.server_events


def test_the_name_and_the_ticket_are_the_answers() -> None:
    pair = asked()
    ticket = object()
    pair.server.answer_logon(Proof(right(pair).session_base_key, "al", "lab", ticket), pair.now)
    pair.run()
    [logon] = pair.server_saw(LoggedOn)
    assert (logon.user, logon.domain, logon.is_authenticated) == ("al", "lab", True)
    assert logon.ticket is ticket


def test_without_nla_a_name_comes_without_a_ticket() -> None:
    pair = Linked(server_config(tls_policy()), client_config()).run()
    [logon] = pair.server_saw(LoggedOn)
    assert (logon.user, logon.is_authenticated, logon.ticket) == ("alice", False, None)


def test_whom_the_owner_does_not_want_here_is_told_so() -> None:
    seen: list[Proof] = []

    def authorize(proof: Proof) -> bool:
        seen.append(proof)
        return False

    policy = nla_policy(accounts=None, asks_owner=True, authorize=authorize)
    pair = linked(0, NLA_EX, policy).run()
    proof = right(pair)
    pair.server.answer_logon(proof, pair.now)
    pair.run()
    assert seen == [proof]
    assert seen[0] is proof
    assert pair.server_saw(Disconnected) == [Disconnected("alice may not be here", by_peer=False)]


def test_a_key_that_is_not_the_passwords_lets_nobody_in() -> None:
    pair = asked()
    pair.server.answer_logon(Proof(bytes(16), "alice", ""), pair.now)
    pair.run()
    [ended] = pair.server_saw(Disconnected)
    assert isinstance(ended.error, AuthenticationFailed)


# -- answers that nobody waits for -------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, Proof(bytes(16), "mallory", "", "a ticket")])
def test_an_answer_before_the_question_has_no_effect(answer: Proof | None) -> None:
    pair = linked()
    pair.server.answer_logon(answer, pair.now)
    assert pair.server.events() == []
    assert not pair.server.should_close
    pair.run()
    pair.server.answer_logon(right(pair), pair.now)
    assert pair.run().server.is_active


@pytest.mark.parametrize("answer", [None, Proof(bytes(16), "mallory", "", "a ticket")])
def test_a_second_answer_has_no_effect(answer: Proof | None) -> None:
    pair = asked()
    for _ in range(2):
        pair.server.answer_logon(right(pair), pair.now)
        pair.server.answer_logon(answer, pair.now)
    pair.run()
    pair.server.answer_logon(answer, pair.now)
    assert pair.run().server.is_active
    assert [event.user for event in pair.server_saw(LoggedOn)] == ["alice"]


@pytest.mark.parametrize("end", ["a deadline", "the socket", "the owner", "too much"])
def test_an_answer_that_comes_too_late_has_no_effect(end: str) -> None:
    pair = asked()
    server, deadline = pair.server, pair.server.next_deadline()
    assert deadline is not None
    proof = right(pair)
    match end:
        case "a deadline":
            server.handle_timeout(deadline)
        case "the socket":
            server.receive_eof(pair.now)
        case "the owner":
            server.disconnect(ErrorInfo.LOGOFF_BY_USER, "enough", pair.now)
        case _:
            hold(pair, MAX_HELD_BYTES + 1)
    assert server.should_close
    assert not server.awaits_answer
    [ended] = server.events()
    assert isinstance(ended, Disconnected)
    server.data_to_send()
    server.answer_logon(proof, pair.now)
    assert server.events() == []
    assert server.data_to_send() == b""


# -- meanwhile ---------------------------------------------------------------------------------------


def hold(pair: Linked, size: int) -> None:
    """Send so much more in the name of the client."""
    assert pair.client.tls is not None
    pair.client.tls.write(bytes(size))
    pair.server.receive_data(pair.client.tls.data_to_send(), pair.now)


def test_the_time_does_not_stop() -> None:
    pair = asked()
    deadline = pair.server.next_deadline()
    assert deadline is not None
    hold(pair, 100)
    assert pair.server.next_deadline() == deadline
    pair.server.handle_timeout(deadline - 0.001)
    assert not pair.server.should_close
    pair.server.handle_timeout(deadline)
    [ended] = pair.server.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, PeerTimeout)
    assert ended.reason == "NetworkLevelAuthentication: no progress within 120 s"


@pytest.mark.parametrize("pieces", [1, 2, 64])
def test_what_comes_meanwhile_is_held_up_to_a_bound(pieces: int) -> None:
    pair = asked()
    for _ in range(pieces):
        hold(pair, MAX_HELD_BYTES // pieces)
    assert pair.server.events() == []
    assert pair.server.data_to_send() == b""
    assert pair.server.buffered_bytes == MAX_HELD_BYTES
    hold(pair, 1)
    [ended] = pair.server.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, LimitExceeded)
    assert ended.error.limit == "MAX_HELD_BYTES"
    assert pair.server.buffered_bytes == 0


def test_what_comes_meanwhile_has_its_turn_afterwards() -> None:
    """A client without patience: what follows its response is taken when the answer is there."""
    pair = asked()
    hold(pair, 5)  # no TSRequest
    pair.server.answer_logon(right(pair), pair.now)
    [ended] = pair.server.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, DecodeError)


def test_a_client_that_leaves_is_not_waited_for() -> None:
    pair = asked()
    pair.server.receive_eof(pair.now)
    assert pair.server.events() == [Disconnected("closed by the peer during NLA", by_peer=True)]
    pair = asked()
    hold(pair, 3)
    pair.server.receive_eof(pair.now)
    [ended] = pair.server.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, PeerClosed)


def test_whoever_answers_at_once_is_not_asked() -> None:
    pair = linked(policy=nla_policy(asks_owner=True)).run()
    assert pair.server_saw(LogonRequested) == []
    assert pair.server.is_active


def test_a_user_can_type_afterwards() -> None:
    pair = asked()
    pair.server.answer_logon(right(pair), pair.now)
    pair.run()
    key = KeyboardEvent(KeyboardFlags(0), 0x1E)
    pair.client.send_input([key])
    assert pair.run().server_saw(InputReceived) == [InputReceived((key,))]
