"""Who logs on, with what proof, and the cookie for coming back."""

import pytest

from pyrdpmux.rdp.connection.events import LoggedOn
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectClientCookie
from pyrdpmux.rdp.pdu.client_info import (
    ClientInfo,
    ExtendedClientInfo,
    PerformanceFlags,
)
from pyrdpmux.rdp.pdu.session_info import LogonInfoExtended, PlainNotify, SaveSessionInfo
from pyrdpmux.rdp.pdu.time_zone import TimeZone
from pyrdpmux.rdp.standard_security.encryption import security_verifier
from pyrdpmux.wire.secret import Secret
from tests.pair.linked import rdp_policy, server_config
from tests.pair.test_connect import Cookies
from tests.rdp.connection.scripted import Scripted, plaintext_config


def info_with(cookie: AutoReconnectClientCookie | bytes | None) -> ClientInfo:
    extra = ExtendedClientInfo(
        time_zone=TimeZone(),
        session_id=0,
        performance_flags=PerformanceFlags(0),
        auto_reconnect_cookie=cookie,
    )
    return ClientInfo(user_name="alice", extra=extra)


def cookie_for(random_bits: bytes, client_random: bytes = bytes(32)) -> AutoReconnectClientCookie:
    return AutoReconnectClientCookie(7, Secret(security_verifier(random_bits, client_random)))


def reconnects(client: Scripted, cookie: AutoReconnectClientCookie | bytes | None) -> bool:
    client.reach("SecureSettingsExchange")
    client.send(client.client_info(info_with(cookie)))
    [logged_on] = client.saw(LoggedOn)
    assert client.server.facts.is_reconnect == logged_on.is_reconnect
    return logged_on.is_reconnect


def session_info(client: Scripted) -> list[object]:
    entries: list[tuple[str, str, object]] = client.config.tracer.entries  # type: ignore[attr-defined]
    return [pdu.info for _, _, pdu in entries if isinstance(pdu, SaveSessionInfo)]


def test_a_good_cookie_is_recognised() -> None:
    client = Scripted(plaintext_config(auto_reconnect=Cookies()))
    assert reconnects(client, cookie_for(Cookies.random_bits))


@pytest.mark.parametrize(
    "cookie", [None, b"", cookie_for(bytes(16)), cookie_for(Cookies.random_bits, b"\1" * 32)]
)
def test_others_are_not(cookie: AutoReconnectClientCookie | bytes | None) -> None:
    client = Scripted(plaintext_config(auto_reconnect=Cookies()))
    assert not reconnects(client, cookie)
    assert client.server.phase_name == "CapabilitiesExchange"  # it is a log-on like any other


def test_without_a_store_every_cookie_is_worthless() -> None:
    assert not reconnects(Scripted(), cookie_for(Cookies.random_bits))


def test_standard_security_mixes_in_the_client_random() -> None:
    """5.5: a verifier over zeros is only good where there is no client random."""
    client = Scripted(server_config(rdp_policy(), auto_reconnect=Cookies()))
    assert not reconnects(client, cookie_for(Cookies.random_bits))
    again = Scripted(server_config(rdp_policy(), auto_reconnect=Cookies())).reach("SecureSettingsExchange")
    assert again.session.client_random
    assert reconnects(again, cookie_for(Cookies.random_bits, again.session.client_random))


def test_a_cookie_is_handed_out_once() -> None:
    client = Scripted(plaintext_config(auto_reconnect=Cookies())).reach("Active")
    plain, extended = session_info(client)
    assert plain == PlainNotify()
    assert isinstance(extended, LogonInfoExtended)
    assert extended.cookie is not None
    assert extended.cookie.logon_id == 7
    assert extended.cookie.random_bits.reveal() == Cookies.random_bits
    client.server.set_desktop_size(640, 480, client.now)
    client.reach_active()
    assert len(session_info(client)) == 2


def test_without_a_store_there_is_only_the_notification() -> None:
    assert session_info(Scripted().reach("Active")) == [PlainNotify()]


def test_nla_outranks_what_client_info_claims() -> None:
    client = Scripted().reach("SecureSettingsExchange")
    client.session.secured = Secured(user="bob", domain="VERIFIED", ticket="a ticket")
    client.send(client.client_info(ClientInfo(user_name="alice", domain="CLAIMED")))
    assert client.saw(LoggedOn) == [LoggedOn("bob", "VERIFIED", True, False, "a ticket")]
