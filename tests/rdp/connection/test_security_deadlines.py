"""How long a client may take to be secured: a ClientHello at once, TLS and NLA as long as people need."""

import contextlib

import pytest

from pyrdpmux.errors import AuthenticationFailed, PeerTimeout
from pyrdpmux.rdp.connection.events import Disconnected, SecurityEstablished
from pyrdpmux.rdp.connection.limits import Limits
from pyrdpmux.rdp.nla.credssp import CredSspClient
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.tls.certificate import public_key_of
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import WALL_CLOCK, Linked, client_config, entropy, nla_policy, server_config
from tests.rdp.connection.hyper_v import GatewayClient
from tests.rdp.connection.scripted import Scripted

P = SecurityProtocol
LIMITS = Limits()


def ended(client: Scripted, phase: str, seconds: float) -> None:
    [end] = client.saw(Disconnected)
    assert isinstance(end.error, PeerTimeout)
    assert (end.error.phase, end.error.seconds) == (phase, seconds)


def requested(protocols: SecurityProtocol = P.SSL | P.HYBRID) -> tuple[Scripted, TlsEndpoint]:
    """The Connection Confirm is out; what the client would go on with."""
    client = Scripted(server_config(nla_policy(allow_tls=True)), protocols=protocols)
    client.request()
    client.tls = TlsEndpoint(client_context(), server_side=False)
    return client, client.tls


def say(client: Scripted, data: bytes) -> None:
    client.server.receive_data(data, client.now)
    client.collect()


def log_on(client: Scripted, version: int = 6) -> None:
    """CredSSP, as far as it comes."""
    assert client.tls is not None
    key = public_key_of(client.tls.peer_certificate_der() or b"")
    credssp = CredSspClient("alice", "", "secret", key, lambda: WALL_CLOCK, entropy(), max_version=version)
    while (data := credssp.data_to_send()) and not client.server.should_close:
        client.tls.write(data)
        client.server.receive_data(client.tls.data_to_send(), client.now)
        client.tls.receive_data(client.server.data_to_send())
        if answer := client.tls.read():
            with contextlib.suppress(AuthenticationFailed):
                credssp.receive_data(answer)
    client.events += client.server.events()


def test_silence_after_the_confirm_is_ten_seconds() -> None:
    client, _tls = requested()
    client.wait(9.999)
    assert not client.server.should_close
    client.wait(0.001)
    ended(client, "TlsHandshake", 10.0)


def test_drops_of_a_client_hello_do_not_prolong_it() -> None:
    client, tls = requested()
    hello = tls.data_to_send()
    for at in range(9):
        client.wait(1)
        say(client, hello[at * 3 : at * 3 + 3])
    assert client.server.next_deadline() == client.now + 1
    client.wait(1)
    ended(client, "TlsHandshake", 10.0)


@pytest.mark.parametrize("at_once", [True, False])
def test_from_the_client_hello_on_there_are_two_minutes(at_once: bool) -> None:
    client, tls = requested()
    hello = tls.data_to_send()
    client.wait(4)
    for piece in [hello] if at_once else [hello[at : at + 1] for at in range(len(hello))]:
        assert client.server.next_deadline() == client.now + 6
        say(client, piece)
    assert client.server.next_deadline() == client.now + 120
    client.wait(119.999)
    assert not client.server.should_close
    client.wait(0.001)
    ended(client, "TlsHandshake", 120.0)


@pytest.mark.parametrize("protocols", [P.SSL | P.HYBRID, P.SSL | P.HYBRID | P.HYBRID_EX])
def test_tls_and_nla_have_them_together(protocols: SecurityProtocol) -> None:
    client, tls = requested(protocols)
    say(client, tls.data_to_send())
    began = client.now
    client.wait(100)  # somebody looks at the certificate
    say(client, tls.data_to_send())
    assert client.server.phase_name == "NetworkLevelAuthentication"
    assert client.server.next_deadline() == began + 120
    key = public_key_of(tls.peer_certificate_der() or b"")
    credssp = CredSspClient("alice", "", "secret", key, lambda: WALL_CLOCK, entropy())
    for _ in range(2):
        client.wait(9)
        tls.write(credssp.data_to_send())
        client.server.receive_data(tls.data_to_send(), client.now)
        tls.receive_data(client.server.data_to_send())
        credssp.receive_data(tls.read())
        assert client.server.next_deadline() == began + 120
    client.wait(2)
    client.events += client.server.events()
    ended(client, "NetworkLevelAuthentication", 120.0)
    assert client.now == began + 120


def test_a_password_typed_in_time_is_enough() -> None:
    """And what comes next has its own time."""
    client, tls = requested()
    say(client, tls.data_to_send())
    client.wait(100)
    say(client, tls.data_to_send())
    client.wait(19)
    log_on(client)
    assert client.saw(SecurityEstablished)
    assert client.server.next_deadline() == client.now + LIMITS.settings


def test_without_nla_the_session_s_time_begins_with_the_session() -> None:
    client, tls = requested(P.SSL)
    say(client, tls.data_to_send())
    client.wait(60)
    say(client, tls.data_to_send())
    assert client.server.phase_name == "BasicSettingsExchange"
    assert client.server.next_deadline() == client.now + LIMITS.settings


def test_hyper_vs_order_has_the_same_time() -> None:
    client = GatewayClient(protocols=P.SSL | P.HYBRID)
    client.preconnect(Preconnection(blob="a-vm\0"))
    tls = TlsEndpoint(client_context(), server_side=False)
    hello = tls.data_to_send()
    client.wait(5)
    say(client, hello[:8])
    assert client.server.phase_name == "TlsHandshake"
    for piece in (hello[8:12], hello[12:50]):
        client.wait(3)
        say(client, piece)
    assert client.server.next_deadline() == client.now + 4
    client.wait(3)
    client.tls = tls
    say(client, hello[50:])
    assert client.server.next_deadline() == client.now + 120


# -- versions of CredSSP -----------------------------------------------------------------------------


def with_minimum(minimum: int, version: int) -> Scripted:
    client = Scripted(server_config(nla_policy(min_credssp_version=minimum)), protocols=P.SSL | P.HYBRID)
    client.request()
    client.handshake()
    log_on(client, version)
    return client


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
def test_the_version_is_told(version: int) -> None:
    [established] = with_minimum(2, version).saw(SecurityEstablished)
    assert established.credssp_version == version


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
def test_versions_can_be_too_old(version: int) -> None:
    client = with_minimum(5, version)
    assert bool(client.saw(SecurityEstablished)) == (version >= 5)
    if version < 5:
        [end] = client.saw(Disconnected)
        assert end.reason.endswith(f"CredSSP version {version}, at least 5 is required")


def test_by_default_every_version_may_come() -> None:
    assert nla_policy().min_credssp_version == 2


def test_our_client_is_new_enough() -> None:
    config = server_config(nla_policy(min_credssp_version=6))
    assert Linked(config, client_config(protocols=P.HYBRID)).run().server.is_active
