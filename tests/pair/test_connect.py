"""Server against client in memory: every security, every chunk size, to Active and back."""

from typing import Any

import pytest

from pyrdpmux.errors import AuthenticationFailed, NegotiationFailed
from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.connection.events import (
    Activated,
    AutoReconnectCookieReceived,
    ChannelDataReceived,
    Disconnected,
    ErrorInfoReceived,
    GraphicsReceived,
    InputReceived,
    LoggedOn,
    OutputSuppressed,
    PointerReceived,
    RefreshRequested,
    SecurityEstablished,
    ShutdownRequested,
)
from pyrdpmux.rdp.connection.server.config import SecurityPolicy
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition, EncryptionMethod
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from pyrdpmux.rdp.pdu.pointer import SystemPointer, SystemPointerType
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, BitmapUpdate
from pyrdpmux.rdp.x224.negotiation import FailureCode, SecurityProtocol
from tests.pair.linked import (
    Linked,
    client_config,
    nla_policy,
    rdp_policy,
    server_config,
    tls_policy,
)

CHUNKS = [1, 7, 1460, 0]
TLS = SecurityProtocol.SSL
NLA = SecurityProtocol.SSL | SecurityProtocol.HYBRID
NLA_EX = NLA | SecurityProtocol.HYBRID_EX

SECURITIES: dict[str, tuple[Any, SecurityProtocol, SecurityProtocol]] = {
    "tls": (tls_policy, TLS, SecurityProtocol.SSL),
    "nla": (nla_policy, NLA, SecurityProtocol.HYBRID),
    "nla-ex": (nla_policy, NLA_EX, SecurityProtocol.HYBRID_EX),
    "rdp": (rdp_policy, SecurityProtocol.RDP, SecurityProtocol.RDP),
    "rdp-low": (lambda: rdp_policy(level=EncryptionLevel.LOW), SecurityProtocol.RDP, SecurityProtocol.RDP),
    "rdp-fips": (lambda: rdp_policy(level=EncryptionLevel.FIPS), SecurityProtocol.RDP, SecurityProtocol.RDP),
    "rdp-40": (
        lambda: rdp_policy(methods=EncryptionMethod.BITS_40),
        SecurityProtocol.RDP,
        SecurityProtocol.RDP,
    ),
    "rdp-none": (lambda: rdp_policy(level=EncryptionLevel.NONE), SecurityProtocol.RDP, SecurityProtocol.RDP),
}


def linked(security: str, chunk: int = 0, **client: Any) -> Linked:
    policy, offered, _selected = SECURITIES[security]
    return Linked(server_config(policy()), client_config(protocols=offered, **client), chunk).run()


def rectangle(size: int = 1000) -> BitmapData:
    return BitmapData(0, 0, 63, 63, 64, 64, 32, BitmapFlags(0), bytes(range(250)) * (size // 250))


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("security", SECURITIES)
def test_both_become_active(security: str, chunk: int) -> None:
    pair = linked(security, chunk)
    assert pair.server.is_active, pair.server_events
    assert pair.client.is_active, pair.client_events
    assert pair.server_saw(Activated) == [Activated(800, 600, 32, is_reactivation=False)]
    assert pair.client_saw(Activated) == [Activated(800, 600, 32, is_reactivation=False)]
    if security != "rdp-none":
        [established] = pair.server_saw(SecurityEstablished)
        assert established.protocol == SECURITIES[security][2]
        assert established.user == ("alice" if security.startswith("nla") else None)
    [logon] = pair.server_saw(LoggedOn)
    assert logon.user == "alice"
    assert logon.is_authenticated == security.startswith("nla")


@pytest.mark.parametrize("chunk", CHUNKS)
@pytest.mark.parametrize("security", SECURITIES)
def test_input_and_output_cross(security: str, chunk: int) -> None:
    pair = linked(security, chunk)
    events = (
        KeyboardEvent(KeyboardFlags(0), 0x1E),
        KeyboardEvent(KeyboardFlags.RELEASE | KeyboardFlags.EXTENDED, 0x1D),
        MouseEvent(PointerFlags.MOVE, 700, 5),
    )
    pair.client.send_input(events)
    pair.server.send_bitmaps([rectangle(), rectangle(8000)])
    pair.server.send_pointer(SystemPointer(SystemPointerType.NULL))
    pair.run()
    assert pair.server_saw(InputReceived) == [InputReceived(events)]
    assert [event.update for event in pair.client_saw(GraphicsReceived)] == [
        BitmapUpdate((rectangle(),)),
        BitmapUpdate((rectangle(8000),)),
    ]
    assert [event.update for event in pair.client_saw(PointerReceived)] == [
        SystemPointer(SystemPointerType.NULL)
    ]


def test_slow_path_carries_the_same() -> None:
    pair = linked("tls", fast_path=False)
    assert not pair.server.output.is_fast_path
    events = (KeyboardEvent(KeyboardFlags(0), 0x1E), MouseEvent(PointerFlags.MOVE, 1, 2))
    pair.client.send_input(events)
    pair.server.send_bitmaps([rectangle()])
    pair.run()
    assert pair.server_saw(InputReceived) == [InputReceived(events)]
    assert [event.update for event in pair.client_saw(GraphicsReceived)] == [BitmapUpdate((rectangle(),))]


@pytest.mark.parametrize("security", ["tls", "nla", "rdp"])
def test_a_resize_reactivates(security: str) -> None:
    pair = linked(security)
    pair.server.set_desktop_size(1024, 768, pair.now)
    pair.run()
    assert pair.server_saw(Activated)[1:] == [Activated(1024, 768, 32, is_reactivation=True)]
    assert pair.client_saw(Activated)[1:] == [Activated(1024, 768, 32, is_reactivation=True)]


def test_a_resize_storm_ends_at_the_last_size() -> None:
    pair = linked("tls")
    for width in range(640, 1000, 20):
        pair.server.set_desktop_size(width, 480, pair.now)
        pair.client.receive_data(pair.server.data_to_send(), pair.now)
        pair.server.receive_data(pair.client.data_to_send()[:40], pair.now) if width == 0 else None
    pair.run()
    assert pair.server_saw(Activated)[-1] == Activated(980, 480, 32, is_reactivation=True)
    assert pair.client_saw(Activated)[-1] == Activated(980, 480, 32, is_reactivation=True)


@pytest.mark.parametrize("bits_per_pixel", [32, 24, 16, 15, 8])
def test_the_client_chooses_the_color_depth(bits_per_pixel: int) -> None:
    pair = linked("tls", bits_per_pixel=bits_per_pixel)
    assert pair.server.output.bits_per_pixel == bits_per_pixel


def test_refresh_and_suppress_are_events() -> None:
    pair = linked("tls")
    pair.client.request_refresh(Rect(10, 20, 20, 20))
    pair.client.suppress_output(True)
    pair.client.suppress_output(False)
    pair.client.request_shutdown()
    pair.run()
    assert pair.server_saw(RefreshRequested) == [RefreshRequested((Rect(10, 20, 20, 20),))]
    assert pair.server_saw(OutputSuppressed) == [OutputSuppressed(True), OutputSuppressed(False)]
    assert pair.server_saw(ShutdownRequested) == [ShutdownRequested()]


def test_static_channels_carry_messages_both_ways() -> None:
    pair = linked("rdp", channels=(ChannelDefinition(b"cliprdr"), ChannelDefinition(b"RDPSND")))
    message = bytes(range(256)) * 40
    pair.client.send_channel_data("cliprdr", message)
    pair.server.send_channel_data("rdpsnd", message)
    pair.run()
    assert pair.server_saw(ChannelDataReceived) == [ChannelDataReceived("cliprdr", message)]
    assert pair.client_saw(ChannelDataReceived) == [ChannelDataReceived("RDPSND", message)]


def test_the_server_says_why_it_ends() -> None:
    pair = linked("tls")
    pair.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "the VM was shut down", pair.now)
    pair.run()
    assert pair.client_saw(ErrorInfoReceived) == [ErrorInfoReceived(ErrorInfo.LOGOFF_BY_USER)]
    assert pair.client_saw(Disconnected) == [Disconnected("closed by the peer: PROVIDER_INITIATED", True)]
    assert pair.server_saw(Disconnected) == [Disconnected("the VM was shut down", False)]


def test_the_client_leaves_politely() -> None:
    pair = linked("tls")
    pair.client.disconnect()
    pair.run()
    assert pair.server_saw(Disconnected) == [Disconnected("closed by the peer: USER_REQUESTED", True)]


@pytest.mark.parametrize("offered", [NLA, NLA_EX])
def test_a_wrong_password_is_told(offered: SecurityProtocol) -> None:
    pair = Linked(server_config(nla_policy()), client_config(protocols=offered, password="wrong")).run()
    [ended] = pair.server_saw(Disconnected)
    assert isinstance(ended.error, AuthenticationFailed)
    [told] = pair.client_saw(Disconnected)
    assert isinstance(told.error, AuthenticationFailed)
    assert told.error.nt_status == 0xC000006D


@pytest.mark.parametrize(
    ("policy", "offered", "code"),
    [
        (nla_policy, SecurityProtocol.SSL, FailureCode.HYBRID_REQUIRED_BY_SERVER),
        (nla_policy, SecurityProtocol.RDP, FailureCode.HYBRID_REQUIRED_BY_SERVER),
        (tls_policy, SecurityProtocol.RDP, FailureCode.SSL_REQUIRED_BY_SERVER),
        (rdp_policy, SecurityProtocol.SSL, FailureCode.SSL_NOT_ALLOWED_BY_SERVER),
        (SecurityPolicy, SecurityProtocol.SSL, FailureCode.SSL_CERT_NOT_ON_SERVER),
    ],
)
def test_a_failed_negotiation_names_its_code(
    policy: Any, offered: SecurityProtocol, code: FailureCode
) -> None:
    pair = Linked(server_config(policy()), client_config(protocols=offered)).run()
    [told] = pair.client_saw(Disconnected)
    assert isinstance(told.error, NegotiationFailed)
    assert told.error.failure_code == code
    assert pair.server.should_close


class Cookies:
    """An auto-reconnect store that knows one cookie."""

    random_bits = bytes(range(16))

    def issue(self, user: str) -> tuple[int, bytes]:
        return 7, self.random_bits

    def verify(self, logon_id: int, security_verifier: bytes, client_random: bytes) -> str | None:
        from pyrdpmux.rdp.standard_security.encryption import security_verifier as verifier_of

        return "alice" if security_verifier == verifier_of(self.random_bits, client_random) else None


@pytest.mark.parametrize("security", ["tls", "nla", "rdp"])
def test_an_auto_reconnect_cookie_is_honored(security: str) -> None:
    policy, offered, _ = SECURITIES[security]
    first = Linked(server_config(policy(), auto_reconnect=Cookies()), client_config(protocols=offered)).run()
    [cookie] = first.client_saw(AutoReconnectCookieReceived)
    for bits, honored in ((cookie.random_bits, True), (bytes(16), False)):
        again = Linked(
            server_config(policy(), auto_reconnect=Cookies()),
            client_config(protocols=offered, auto_reconnect=(cookie.logon_id, bits)),
        ).run()
        assert [logon.is_reconnect for logon in again.server_saw(LoggedOn)] == [honored]
        assert again.server.is_active
