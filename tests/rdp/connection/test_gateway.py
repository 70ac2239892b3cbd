"""A port for several desktops: what a client may begin with, and when the choice is made."""

import itertools

import pytest

from pyrdpmux.errors import AuthenticationFailed, DecodeError, NegotiationFailed, SequenceError
from pyrdpmux.rdp.connection.events import (
    Activated,
    ConnectionRequested,
    Disconnected,
    SecurityEstablished,
)
from pyrdpmux.rdp.connection.server.config import SecurityPolicy
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.x224.negotiation import NegotiationRequest, NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from tests.pair.linked import accounts, rdp_policy, tls_policy
from tests.rdp.connection.hyper_v import GatewayClient, in_hyper_v_order

P = SecurityProtocol
NLA = P.SSL | P.HYBRID
BLOB = Preconnection(7, "a-vm;EnhancedMode=1\0")


def error_of(client: GatewayClient) -> BaseException | None:
    [end] = client.saw(Disconnected)
    return end.error


def confirms(client: GatewayClient) -> list[object]:
    tpdus = [decode_tpdu(decode(Tpkt, frame).payload) for frame in client.frames]
    return [tpdu.negotiation for tpdu in tpdus if isinstance(tpdu, ConnectionConfirm)]


def test_an_ordinary_client_is_asked_nothing() -> None:
    client = GatewayClient(rdp_policy())
    client.request()
    assert client.chooser.asked == [Destination()]
    assert client.server.facts.width == 1000
    assert client.server.phase_name == "BasicSettingsExchange"


def test_cookie_and_token_are_told() -> None:
    for routing, cookie in ((b"Cookie: mstshash=alice", b"alice"), (b"tsv://vm.1", None)):
        client = GatewayClient()
        client.send(client.tpdu(ConnectionRequest(NegotiationRequest(P.SSL), routing)))
        assert client.chooser.asked == [Destination(None, routing, cookie)]


def test_a_preconnection_pdu_comes_first() -> None:
    client = GatewayClient(protocols=P.SSL)
    client.preconnect(BLOB)
    assert client.chooser.asked == []
    client.request()
    assert client.chooser.asked == [Destination(BLOB)]
    assert client.server.door.found.destination.preconnection == BLOB


def test_the_desktop_is_of_the_size_that_was_chosen() -> None:
    client = GatewayClient(protocols=P.SSL)
    client.reach("Active")
    [active] = client.saw(Activated)
    assert (active.width, active.height) == (1000, 700)
    assert len(client.chooser.asked) == 1


def test_what_was_chosen_decides_about_security() -> None:
    client = GatewayClient(SecurityPolicy(), protocols=P.SSL)
    client.request()
    assert isinstance(error_of(client), NegotiationFailed)


def test_one_preconnection_pdu_is_enough() -> None:
    client = GatewayClient()
    client.preconnect(BLOB)
    client.preconnect(BLOB)
    assert isinstance(error_of(client), SequenceError)


@pytest.mark.parametrize(
    "data", [b"\x0f\0\0\0", b"\xff\xff\0\0", b"\x11\0\0\0" + bytes(13), b"GET /", b"\x04\0\0\1"]
)
def test_what_is_none_of_it_ends_the_connection(data: bytes) -> None:
    client = GatewayClient()
    client.server.receive_data(data, client.now)
    client.collect()
    assert isinstance(error_of(client), DecodeError)
    assert client.frames == []


def test_hyper_vs_order() -> None:
    client = in_hyper_v_order()
    assert client.server.phase_name == "LateInitiation"
    assert client.chooser.asked == [Destination(Preconnection(blob="a-vm\0"))]
    [security] = client.saw(SecurityEstablished)
    assert (security.protocol, security.user) == (P.HYBRID, "alice")
    client.request()
    [requested] = client.saw(ConnectionRequested)
    assert requested.requested_protocols == NLA
    [confirm] = confirms(client)
    assert isinstance(confirm, NegotiationResponse)
    assert confirm.selected_protocol == P.HYBRID
    for step in (client.basic_settings, client.attach):
        step()
    client.send(client.client_info())
    client.reach_active()


def test_hyper_vs_order_without_a_preconnection_pdu() -> None:
    client = GatewayClient(protocols=NLA)
    client.handshake()
    client.log_on()
    client.request()
    assert client.chooser.asked == [Destination()]
    assert client.server.phase_name == "BasicSettingsExchange"


@pytest.mark.parametrize(
    ("requested", "selected"), [(P.HYBRID, P.HYBRID), (P.SSL, P.SSL), (P.HYBRID_EX | NLA, P.HYBRID)]
)
def test_the_late_answer_is_one_that_was_asked_for(requested: P, selected: P) -> None:
    client = in_hyper_v_order()
    client.send(client.tpdu(ConnectionRequest(NegotiationRequest(requested))))
    [confirm] = confirms(client)
    assert isinstance(confirm, NegotiationResponse)
    assert confirm.selected_protocol == selected


@pytest.mark.parametrize("negotiation", [None, NegotiationRequest(P.RDP), NegotiationRequest(P.RDSTLS)])
def test_a_late_request_for_less_is_refused(negotiation: NegotiationRequest | None) -> None:
    client = in_hyper_v_order()
    client.send(client.tpdu(ConnectionRequest(negotiation)))
    assert isinstance(error_of(client), SequenceError)


def test_hyper_vs_order_and_a_wrong_password() -> None:
    client = GatewayClient(protocols=NLA)
    client.preconnect(BLOB)
    client.handshake()
    with pytest.raises(AuthenticationFailed):
        client.log_on("wrong")
    client.collect()
    assert isinstance(error_of(client), AuthenticationFailed)


@pytest.mark.parametrize("policy", [tls_policy(), rdp_policy(), SecurityPolicy(accounts=accounts())])
def test_hyper_vs_order_needs_nla(policy: SecurityPolicy) -> None:
    client = GatewayClient(policy)
    client.preconnect(BLOB)
    client.server.receive_data(b"\x16\x03\x01\x00\x10", client.now)
    client.collect()
    assert isinstance(error_of(client), NegotiationFailed)
    assert client.frames == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 17])
def test_how_the_bytes_are_cut_changes_nothing(size: int) -> None:
    client = GatewayClient(rdp_policy())
    data = encode(BLOB) + client.tpdu(ConnectionRequest(routing=b"token"))
    for piece in itertools.zip_longest(*[iter(data)] * size):
        client.server.receive_data(bytes(byte for byte in piece if byte is not None), client.now)
    client.collect()
    assert client.chooser.asked == [Destination(BLOB, b"token")]
    assert client.server.phase_name == "BasicSettingsExchange"
