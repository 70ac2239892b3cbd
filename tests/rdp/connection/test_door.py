"""The two halves of a server connection by themselves: each knows what it needs, and no more."""

import gc
import ssl
import types
from dataclasses import fields, replace
from typing import Any

import pytest

from pyrdpmux.errors import AuthenticationFailed, NegotiationFailed, TlsFailed
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import (
    Activated,
    ClientIntroduced,
    Disconnected,
    GraphicsReceived,
    InputReceived,
    LoggedOn,
    SecurityEstablished,
)
from pyrdpmux.rdp.connection.server.config import DoorPolicy, SecurityPolicy, ServerConfig
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, BitmapUpdate
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import accounts, client_config, nla_policy, rdp_policy, server_config, tls_policy
from tests.rdp.connection.scripted import Scripted
from tests.rdp.connection.two_halves import BLOB, Apart, Gate, HyperVClient, Ticketing, gate_config

P = SecurityProtocol
TICKET = ("vm", 7)
KEY = KeyboardEvent(KeyboardFlags(0), 0x1E)
APPLICATION_DATA = 0x17


def asking() -> SecurityPolicy:
    return nla_policy(accounts=None, asks_owner=True)


def ticketing() -> SecurityPolicy:
    return nla_policy(accounts=Ticketing(accounts(), TICKET))


CASES: dict[str, tuple[Any, SecurityProtocol, SecurityProtocol]] = {
    "HYBRID": (ticketing, P.SSL | P.HYBRID, P.HYBRID),
    "HYBRID, answered later": (asking, P.SSL | P.HYBRID, P.HYBRID),
    "HYBRID_EX": (ticketing, P.SSL | P.HYBRID | P.HYBRID_EX, P.HYBRID_EX),
    "HYBRID_EX, answered later": (asking, P.SSL | P.HYBRID | P.HYBRID_EX, P.HYBRID_EX),
    "SSL": (tls_policy, P.SSL, P.SSL),
    "Hyper-V's order": (ticketing, P.SSL | P.HYBRID, P.HYBRID),
    "Hyper-V's order, answered later": (asking, P.SSL | P.HYBRID, P.HYBRID),
    "standard RDP security": (rdp_policy, P.RDP, P.RDP),
    "no security": (lambda: rdp_policy(level=EncryptionLevel.NONE), P.RDP, P.RDP),
}


def apart(case: str, **client: Any) -> Apart:
    """Both halves and a client, as far as they come by themselves."""
    policy, offered, _selected = CASES[case]
    config = server_config(policy())
    ours = client_config(protocols=offered, **client)
    check = Ticketing(accounts(), TICKET).check
    if case.startswith("Hyper-V"):
        return Apart(gate_config(Gate(config)), config.session, HyperVClient(ours, 100.0), check)
    return Apart(config.door, config.session, ClientConnection(ours, 100.0), check)


def inner(pair: Apart) -> ClientConnection:
    return pair.client.inner if isinstance(pair.client, HyperVClient) else pair.client


@pytest.mark.parametrize("case", CASES)
def test_a_client_comes_through_both(case: str) -> None:
    pair = apart(case).run()
    assert pair.session is not None
    assert pair.session.is_active, pair.events
    assert inner(pair).is_active
    assert pair.client_saw(Activated) == [Activated(800, 600, 32, is_reactivation=False)]
    inner(pair).send_input([KEY])
    picture = BitmapData(0, 0, 63, 63, 64, 64, 32, BitmapFlags(0), bytes(1000))
    pair.session.send_bitmaps([picture])
    pair.run()
    assert pair.saw(InputReceived) == [InputReceived((KEY,))]
    assert [event.update for event in pair.client_saw(GraphicsReceived)] == [BitmapUpdate((picture,))]


@pytest.mark.parametrize("case", CASES)
def test_what_the_session_is_told(case: str) -> None:
    pair = apart(case).run()
    secured, selected = pair.secured, CASES[case][2]
    assert secured is not None
    assert secured.selected_protocol == selected
    has_nla = bool(selected & (P.HYBRID | P.HYBRID_EX))
    assert secured.is_authenticated == has_nla
    assert (secured.user, secured.domain) == (("alice", "") if has_nla else (None, None))
    assert secured.ticket == (TICKET if has_nla else None)
    assert secured.credssp_version == (6 if has_nla else None)
    assert secured.tls.startswith("TLSv1.3 ") == (selected != P.RDP)
    assert secured.begins_with_tls == case.startswith("Hyper-V")
    assert secured.has_negotiated
    assert secured.requested_protocols == CASES[case][1]
    assert secured.destination.preconnection == (BLOB if case.startswith("Hyper-V") else None)
    [logon] = pair.saw(LoggedOn)
    assert (logon.user, logon.is_authenticated, logon.ticket) == ("alice", has_nla, secured.ticket)


@pytest.mark.parametrize("case", CASES)
def test_the_door_tells_of_security_and_the_session_of_the_rest(case: str) -> None:
    pair = apart(case).run()
    kinds = [type(event) for event in pair.events]
    if case != "no security":
        is_doors = CASES[case][2] != P.RDP
        assert (kinds.index(SecurityEstablished) < kinds.index(ClientIntroduced)) == is_doors
    assert pair.door.events() == []
    assert pair.door.next_deadline() is None


def records(data: bytes) -> list[int]:
    """The content types of TLS records."""
    found, at = [], 0
    while at < len(data):
        found.append(data[at])
        at += 5 + (data[at + 3] << 8 | data[at + 4])
    assert at == len(data)
    return found


@pytest.mark.parametrize("case", CASES)
def test_every_frame_is_a_record_of_its_own(case: str) -> None:
    """QUIRK(mstsc): Windows puts each PDU into its own record."""
    pair = apart(case).run()
    pair.sent.clear()
    assert pair.session is not None
    pair.session.set_desktop_size(1024, 768, pair.now)
    pair.run()
    frames = [frame for sent, _data in pair.sent for frame in sent]
    assert len(frames) > 3
    for sent, data in pair.sent:
        if CASES[case][2] == P.RDP:
            assert data == b"".join(sent)
        else:
            assert records(data) == [APPLICATION_DATA] * len(sent)
            assert sent == [] or b"".join(sent) not in data


# -- what each half knows ----------------------------------------------------------------------------


def reachable(start: object) -> set[type]:
    """The types of everything that can be got at from here, without the code's own modules and classes."""
    types_found: set[type] = set()
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type | types.ModuleType):
            continue
        seen.add(id(thing))
        types_found.add(type(thing))
        if isinstance(thing, types.FunctionType):
            waiting += [thing.__closure__, thing.__defaults__]
        else:
            waiting += gc.get_referents(thing)
    return types_found


SECRETS = {ssl.SSLContext, Certificate, Accounts, TlsEndpoint}


@pytest.mark.parametrize("case", CASES)
def test_the_session_can_get_at_no_keys_of_tls_and_no_accounts(case: str) -> None:
    pair = apart(case).run()
    assert reachable(pair.session).isdisjoint(SECRETS | {Ticketing})
    if CASES[case][2] != P.RDP:
        assert {ssl.SSLContext, Certificate, TlsEndpoint} <= reachable(pair.door)


def test_the_door_has_not_the_key_of_standard_rdp_security() -> None:
    pair = apart("standard RDP security").run()
    assert RsaKey in reachable(pair.session)
    assert RsaKey not in reachable(pair.door)
    everything = server_config(tls_policy(accounts=accounts(), standard=rdp_policy().standard))
    assert RsaKey in reachable(everything)
    assert RsaKey not in reachable(everything.door)
    assert reachable(everything.session).isdisjoint(SECRETS)


def test_without_hashes_the_door_still_knows_who_it_is() -> None:
    pair = apart("HYBRID, answered later").run()
    assert Accounts not in reachable(pair.door)
    assert pair.saw(LoggedOn)[0].user == "alice"


def test_both_halves_of_a_configuration_are_whole() -> None:
    """Nothing that is said in a ServerConfig gets lost on its way into the halves."""
    unlike: dict[str, Any] = {
        "width": 1,
        "height": 2,
        "server_name": "another",
        "auto_reconnect": object(),
        "auto_detect": False,
        "connect_time_auto_detect": True,
        "heartbeat_seconds": 3,
        "max_bits_per_pixel": 16,
    }
    policy = tls_policy(accounts=accounts(), standard=rdp_policy().standard, min_credssp_version=5)
    config = server_config(policy, **unlike)
    halves = {
        name: value
        for half in (config.door, config.session)
        for name, value in ((item.name, getattr(half, item.name)) for item in fields(half))
    }
    for item in fields(ServerConfig):
        if item.name != "security":
            assert halves[item.name] is getattr(config, item.name), item.name
    assert halves["standard"] is policy.standard
    assert type(config.door.security) is DoorPolicy
    for item in fields(DoorPolicy):
        assert getattr(config.door.security, item.name) == getattr(policy, item.name), item.name
    assert config.door.security.allow_standard
    assert not server_config(replace(policy, standard=None)).door.security.allow_standard


# -- ends --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_session_ends_both(case: str) -> None:
    pair = apart(case).run()
    assert pair.session is not None
    pair.session.disconnect(ErrorInfo.LOGOFF_BY_USER, "enough", pair.now)
    pair.run()
    assert pair.saw(Disconnected) == [Disconnected("enough", by_peer=False)]
    assert pair.door.should_close
    assert pair.client_saw(Disconnected) == [
        Disconnected("closed by the peer: PROVIDER_INITIATED", by_peer=True)
    ]
    if isinstance(pair.client, ClientConnection) and pair.client.tls is not None:
        assert pair.client.tls.is_eof  # the end of TLS came behind the last frame


@pytest.mark.parametrize("case", [case for case, what in CASES.items() if what[2] != P.RDP])
def test_an_end_of_tls_is_told_behind_what_came_before(case: str) -> None:
    pair = apart(case).run()
    inner(pair).send_input([KEY])
    tls = pair.client.tls
    assert tls is not None
    first = pair.client.data_to_send()
    tls.close()
    pair.door.receive_data(first + tls.data_to_send(), pair.now)
    assert pair.door.is_eof
    assert pair.door.fault is None
    pair.pass_on()
    assert pair.events[-2:] == [InputReceived((KEY,)), Disconnected("closed by the peer", by_peer=True)]


@pytest.mark.parametrize("case", [case for case, what in CASES.items() if what[2] != P.RDP])
def test_a_broken_record_is_told_behind_what_came_before(case: str) -> None:
    pair = apart(case).run()
    inner(pair).send_input([KEY])
    pair.door.receive_data(pair.client.data_to_send() + b"\x17\x03\x03\x00\x20" + bytes(32), pair.now)
    assert isinstance(pair.door.fault, TlsFailed)
    assert pair.door.events() == []
    pair.pass_on()
    assert pair.events[-2] == InputReceived((KEY,))
    ended = pair.events[-1]
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, TlsFailed)
    assert not ended.by_peer


def test_a_closed_socket_is_told_to_the_session() -> None:
    pair = apart("standard RDP security").run()
    pair.door.receive_eof(pair.now)
    assert pair.door.is_eof
    pair.pass_on()
    assert pair.events[-1] == Disconnected("closed by the peer", by_peer=True)


def test_a_door_that_opens_for_nobody_has_no_session() -> None:
    pair = apart("HYBRID", password="wrong").run()
    assert pair.session is None
    assert pair.door.secured is None
    assert pair.door.take_plain() == b""
    [ended] = pair.saw(Disconnected)
    assert isinstance(ended.error, AuthenticationFailed)


def test_what_was_sent_after_the_end_of_tls_stays_here() -> None:
    pair = apart("SSL").run()
    pair.door.close()
    pair.door.send_frames([b"\3\0\0\7\2\xf0\x80"])
    assert b"\3\0\0\7" not in pair.door.data_to_send()


def test_a_session_that_is_told_of_a_security_that_it_has_not() -> None:
    """A door that lies, or was told something else, gets no session without encryption."""
    client = Scripted()
    session = ServerSession(Secured(), server_config(nla_policy()).session, client.now)
    client.server.session = session
    session.receive_data(client.connect_initial(), client.now)
    [ended] = session.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, NegotiationFailed)
    assert session.frames_to_send() == []


def test_a_gate_is_asked_once() -> None:
    config = server_config(ticketing())
    gate = Gate(config)
    client = HyperVClient(client_config(protocols=P.SSL | P.HYBRID), 100.0)
    Apart(gate_config(gate), config.session, client).run()
    assert gate.asked == [Destination(BLOB)]
