"""A connection that has ended is freed when it is let go, and not when the collector comes round to it."""

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pyrdpmux.rdp.connection.events import Disconnected, Event
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import Linked, client_config, nla_policy, rdp_policy, server_config, tls_policy
from tests.rdp.connection.hyper_v import GatewayClient

P = SecurityProtocol
NLA = P.SSL | P.HYBRID
KEY = KeyboardEvent(KeyboardFlags(0), 0x1E)


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def linked(policy: Any, protocols: SecurityProtocol, **client: Any) -> Linked:
    return Linked(server_config(policy), client_config(protocols=protocols, **client)).run()


def busy(pair: Linked) -> Linked:
    """Everything once."""
    assert pair.server.is_active
    pair.client.send_input([KEY])
    pair.server.set_desktop_size(640, 480, pair.now)
    return pair.run()


def left_by_owner(policy: Any, protocols: SecurityProtocol) -> Linked:
    pair = busy(linked(policy, protocols))
    pair.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "enough", pair.now)
    return pair.run()


def left_by_client(policy: Any, protocols: SecurityProtocol) -> Linked:
    pair = busy(linked(policy, protocols))
    pair.client.disconnect()
    return pair.run()


def cut_off(policy: Any, protocols: SecurityProtocol) -> Linked:
    pair = busy(linked(policy, protocols))
    pair.server.receive_data(b"\x03\x00", pair.now)
    pair.server.receive_eof(pair.now)
    return pair.run()


def wrong_password() -> Linked:
    return linked(nla_policy(), NLA, password="wrong")


def wrong_password_later() -> Linked:
    pair = linked(nla_policy(accounts=None, asks_owner=True), NLA, password="wrong")
    pair.server.answer_logon(None, pair.now)
    return pair.run()


def never_answered() -> Linked:
    pair = linked(nla_policy(accounts=None, asks_owner=True), NLA)
    deadline = pair.server.next_deadline()
    assert deadline is not None
    pair.server.handle_timeout(deadline)
    return pair.run()


def told(data: bytes, policy: Any = None) -> Linked:
    pair = Linked(server_config(policy or nla_policy()))
    pair.server.receive_data(data, pair.now)
    return pair


def broken_hello() -> Linked:
    pair = linked(nla_policy(), NLA, password="wrong")
    pair.server = ServerConnection(server_config(nla_policy()), pair.now)
    pair.server_events.clear()
    request = b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00"
    pair.server.receive_data(request, pair.now)
    assert pair.server.phase_name == "TlsHandshake"
    pair.server.receive_data(b"GET / HTTP/1.1\r\n\r\n", pair.now)
    return pair


def broken_record() -> Linked:
    pair = busy(linked(tls_policy(), P.SSL))
    pair.server.receive_data(b"\x17\x03\x03\x00\x20" + bytes(32), pair.now)
    return pair


def nonsense() -> Linked:
    pair = busy(linked(rdp_policy(level=EncryptionLevel.NONE), P.RDP))
    pair.server.receive_data(b"\x00\x05\xff\xff\xff", pair.now)
    return pair


ENDS: dict[str, Callable[[], Linked]] = {
    "NLA to Active, the owner ends it": lambda: left_by_owner(nla_policy(), NLA),
    "NLA with HYBRID_EX, the client ends it": lambda: left_by_client(nla_policy(), NLA | P.HYBRID_EX),
    "TLS, cut off in a frame": lambda: cut_off(tls_policy(), P.SSL),
    "standard RDP security": lambda: left_by_owner(rdp_policy(), P.RDP),
    "a wrong password": wrong_password,
    "a wrong password, answered later": wrong_password_later,
    "a logon that is never answered": never_answered,
    "four bytes of junk": lambda: told(b"junk"),
    "junk at a plain port": lambda: told(b"\x16\x03\x01\x00", rdp_policy()),
    "half a request": lambda: _closed(told(b"\x03\x00\x00")),
    "nothing": lambda: _closed(told(b"")),
    "no common protocol": lambda: linked(nla_policy(), P.SSL),
    "HTTP where TLS is due": broken_hello,
    "a broken record": broken_record,
    "a PDU that does not decode": nonsense,
}


def _closed(pair: Linked) -> Linked:
    pair.server.receive_eof(pair.now)
    return pair


def parts(server: ServerConnection) -> dict[str, Any]:
    """Weak references to all that a server is made of."""
    found: dict[str, Any] = {"connection": server, "door": server.door, "session": server.session}
    found["TLS"] = server.door.tls
    return {name: weakref.ref(part) for name, part in found.items() if part is not None}


@pytest.mark.parametrize("keeps_events", [False, True])
@pytest.mark.parametrize("end", ENDS)
def test_it_is_freed_without_the_collector(end: str, keeps_events: bool) -> None:
    """Also where its owner keeps the events: an exception in one of them keeps nothing."""
    pair = ENDS[end]()
    events: list[Event] = []
    if keeps_events:
        events = pair.server_events + pair.server.events()
        assert isinstance(events[-1], Disconnected)
    assert pair.server.should_close
    references = parts(pair.server)
    assert len(references) >= 2
    del pair
    assert {name: reference() for name, reference in references.items() if reference() is not None} == {}


@pytest.mark.parametrize("logs_on", [False, True])
def test_a_gateway_too(logs_on: bool) -> None:
    client = GatewayClient(protocols=NLA)
    client.preconnect(Preconnection(blob="a-vm\0"))
    client.handshake()
    if logs_on:
        client.log_on()
    client.server.receive_eof(client.now)
    assert client.server.should_close
    references = parts(client.server)
    client._script.close()  # type: ignore[attr-defined]  # the test's own cycle
    del client
    assert {name: reference() for name, reference in references.items() if reference() is not None} == {}
