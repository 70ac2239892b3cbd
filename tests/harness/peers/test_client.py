"""The client against a server of ours: it looks, types, waits and tells why it ends."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyrdpmux.codec import nscodec
from pyrdpmux.errors import AuthenticationFailed, DecodeError, NegotiationFailed, StateError, TlsFailed
from pyrdpmux.geometry import Rect
from pyrdpmux.harness import Client, ClientTimeout, SessionEnded, connect
from pyrdpmux.harness.peers.codecs import NSCODEC, NSCODEC_ID, REMOTEFX
from pyrdpmux.harness.peers.dialing import Security, dial, pinned
from pyrdpmux.harness.programs import free_port
from pyrdpmux.rdp.connection.events import Activated, GraphicsReceived
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags, UnicodeEvent
from pyrdpmux.rdp.pdu.pointer import CachedPointer
from tests.harness.peers.picture_server import picture_server
from tests.harness.peers.test_renderer import picture
from tests.pair.linked import certificate, nla_policy, rdp_policy, server_config, tls_policy

SCREEN = picture(200, 100)
SIZE: dict[str, Any] = {"width": 200, "height": 100}
POLICIES = {"tls": tls_policy, "nla": nla_policy, "rdp": rdp_policy, "any": nla_policy}


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


@pytest.mark.parametrize("security", ["any", "nla", "tls", "rdp"])
def test_it_shows_what_the_server_shows(security: Security, tmp_path: Path) -> None:
    async def scenario() -> None:
        config = server_config(POLICIES[security](), **SIZE)
        async with (
            picture_server(config, SCREEN) as server,
            connect(
                "127.0.0.1", port=server.port, user="alice", password="secret", security=security
            ) as client,
        ):
            await client.until_stable(quiet=0.05)
            assert client.size == (200, 100)
            shot = client.screenshot(tmp_path / "a.png")
            assert np.array_equal(shot[..., :3], SCREEN[..., :3])
            assert (tmp_path / "a.png").stat().st_size > 100

    run(scenario)


def test_a_resize_is_followed() -> None:
    async def scenario() -> None:
        async with (
            picture_server(server_config(**SIZE), SCREEN) as server,
            connect("127.0.0.1", port=server.port, security="tls") as client,
        ):
            await client.until_shows(SCREEN)
            server.picture = picture(80, 90, seed=5)
            server.connection.set_desktop_size(80, 90, server.now)
            server.flush()
            await client.until_shows(server.picture)
            assert [event.is_reactivation for event in client.seen(Activated)] == [False, True]

    run(scenario)


def test_input_arrives_as_meant() -> None:
    async def scenario() -> None:
        async with (
            picture_server(server_config(**SIZE), SCREEN) as server,
            connect("127.0.0.1", port=server.port, security="tls") as client,
        ):
            client.key("ctrl+delete")
            client.type("aB\u20ac")
            client.click(10, 20, "right")
            client.scroll(-1)
            await client.disconnect()
            down, up, extended = KeyboardFlags(0), KeyboardFlags.RELEASE, KeyboardFlags.EXTENDED
            assert server.input == [
                KeyboardEvent(down, 0x1D),
                KeyboardEvent(extended, 0x53),
                KeyboardEvent(up | extended, 0x53),
                KeyboardEvent(up, 0x1D),
                KeyboardEvent(down, 0x1E),
                KeyboardEvent(up, 0x1E),
                KeyboardEvent(down, 0x2A),
                KeyboardEvent(down, 0x30),
                KeyboardEvent(up, 0x30),
                KeyboardEvent(up, 0x2A),
                UnicodeEvent(down, 0x20AC),
                UnicodeEvent(up, 0x20AC),
                MouseEvent(PointerFlags.MOVE, 10, 20),
                MouseEvent(PointerFlags.BUTTON2 | PointerFlags.DOWN, 10, 20),
                MouseEvent(PointerFlags.BUTTON2, 10, 20),
                MouseEvent(PointerFlags(0x0200 | 0x0100 | (256 - 120)), 10, 20),
            ]
            with pytest.raises(StateError):
                client.key("a")

    run(scenario)


def test_surface_commands_are_announced_and_acknowledged_only_if_wanted() -> None:
    from pyrdpmux.rdp.pdu.capabilities import find_capability
    from pyrdpmux.rdp.pdu.capabilities.codecs import BitmapCodecsCapability

    async def scenario() -> None:
        for codecs in ((), (NSCODEC, REMOTEFX)):
            async with (
                picture_server(server_config(**SIZE), SCREEN) as server,
                connect("127.0.0.1", port=server.port, security="tls", codecs=codecs),
            ):
                found = find_capability(server.connection.facts.capabilities, BitmapCodecsCapability)
                assert (found.codecs if found else ()) == codecs

    run(scenario)


def test_the_codec_ids_are_those_that_renderers_look_for() -> None:
    assert NSCODEC.codec_id == NSCODEC_ID
    assert nscodec.decode(nscodec.encode(SCREEN, [Rect(0, 0, 200, 100)])[0], 200, 100).shape == (100, 200, 4)


# -- waits ------------------------------------------------------------------------------------------------


def test_a_wait_that_is_in_vain_says_where_it_stands() -> None:
    async def scenario() -> None:
        async with (
            picture_server(server_config(**SIZE)) as server,
            connect("127.0.0.1", port=server.port, security="tls") as client,
        ):
            with pytest.raises(ClientTimeout, match=r"a first picture: not within 0.02 s \(in Active"):
                await client.until_stable(within=0.02)
            server.paint(SCREEN)
            with pytest.raises(ClientTimeout, match="a stable picture"):
                await client.until_stable(quiet=60, within=0.3)
            with pytest.raises(TimeoutError):
                await client.until(lambda: False, within=0)

    run(scenario)


def test_a_server_that_ends_it_says_why() -> None:
    async def scenario() -> None:
        async with (
            picture_server(server_config(**SIZE), SCREEN) as server,
            connect("127.0.0.1", port=server.port, security="tls") as client,
        ):
            server.connection.disconnect(ErrorInfo.LOGOFF_BY_USER, "bye", server.now)
            server.flush()
            expected = "closed by the peer: PROVIDER_INITIATED (LOGOFF_BY_USER)"
            with pytest.raises(SessionEnded, match=r"PROVIDER_INITIATED \(LOGOFF_BY_USER\)"):
                await client.until_shows(picture(1, 1))
            assert await client.until_closed() == expected
            assert client.is_closed
            assert client.error_info == ErrorInfo.LOGOFF_BY_USER

    run(scenario)


def test_a_server_that_draws_nonsense_is_left() -> None:
    async def scenario() -> None:
        async with (
            picture_server(server_config(**SIZE), SCREEN) as server,
            connect("127.0.0.1", port=server.port, security="tls") as client,
        ):
            server.connection.send_pointer(CachedPointer(3))
            server.flush()
            with pytest.raises(SessionEnded, match="nothing is cached at 3") as caught:
                await client.until(lambda: False)
            assert isinstance(caught.value.error, DecodeError)

    run(scenario)


def test_a_cut_cable_is_an_end() -> None:
    async def scenario() -> None:
        async with (
            picture_server(server_config(**SIZE), SCREEN) as server,
            connect("127.0.0.1", port=server.port, security="tls") as client,
        ):
            await client.until_shows(SCREEN)
            client.drop()
            with pytest.raises(SessionEnded, match="the connection was cut"):
                await client.until(lambda: False)

    run(scenario)


# -- reasons not to get in --------------------------------------------------------------------------------


def failing(security: Security, policy: str, kind: type[Exception], text: str, **options: object) -> None:
    async def scenario() -> None:
        config = server_config(POLICIES[policy](), **SIZE)
        async with picture_server(config, SCREEN) as server:
            with pytest.raises(SessionEnded, match=text) as caught:
                async with connect("127.0.0.1", port=server.port, security=security, **options):  # type: ignore[arg-type]
                    raise AssertionError("let in")
            assert isinstance(caught.value.error, kind)

    run(scenario)


def test_a_wrong_password() -> None:
    failing("nla", "nla", AuthenticationFailed, "authentication failed", user="alice", password="wrong")


def test_a_security_that_the_server_does_not_have() -> None:
    failing("tls", "nla", NegotiationFailed, "HYBRID_REQUIRED_BY_SERVER")


def test_another_certificate() -> None:
    failing("nla", "nla", TlsFailed, "certificate is not the expected one", certificate="ab" * 32)


def test_nobody_listens() -> None:
    async def scenario() -> None:
        with pytest.raises(SessionEnded, match=r"127.0.0.1:\d+: cannot connect"):
            async with dial("127.0.0.1", free_port(), client=Client):
                pass

    run(scenario)


def test_the_expected_certificate() -> None:
    async def scenario() -> None:
        path = certificate().certificate_path
        async with picture_server(server_config(**SIZE), SCREEN) as server:
            async with connect("127.0.0.1", port=server.port, security="tls", certificate=path) as client:
                der = client.server_certificate
            assert der is not None
            assert pinned(hashlib.sha256(der).hexdigest().upper())(der)
            assert not pinned(path)(der + b"x")

    run(scenario)


def test_a_file_without_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ValueError, match="no certificate"):
        pinned(tmp_path / "empty.pem")


# -- what it keeps ----------------------------------------------------------------------------------------


def test_updates_are_told_to_an_observer_and_not_kept() -> None:
    async def scenario() -> None:
        told: list[object] = []
        async with (
            picture_server(server_config(**SIZE), SCREEN) as server,
            connect("127.0.0.1", port=server.port, security="tls", observer=told.append) as client,
        ):
            await client.until_shows(SCREEN)
            assert [event for event in told if isinstance(event, GraphicsReceived)]
            assert not client.seen(GraphicsReceived)

    run(scenario)
