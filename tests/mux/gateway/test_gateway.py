"""The gateway over real sockets: where each way of asking leads, and what is refused how."""

import asyncio
import logging
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.errors import AuthenticationFailed, ConfigError
from pyrdpmux.files.sam_file import set_password
from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.gateway.gateway import Gateway
from pyrdpmux.mux.gateway.picker import HEADING_HEIGHT, ROW_HEIGHT
from pyrdpmux.mux.gateway.session import LIMIT
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, GatewaySettings, SecuritySettings, VmSettings
from pyrdpmux.mux.settings.config_file import load_config
from pyrdpmux.rdp.connection.events import Activated, Disconnected
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from tests.mux.rdp_client import RdpClient, connected, eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import noise, run, show

UUID = "ba1b6dbd-89ac-4630-a737-c4bcc3bb99fb"
DOWN, ENTER = 0x50, 0x1C
CLICK = PointerFlags.BUTTON1 | PointerFlags.DOWN
CONTROL_ALT_HOME = [
    KeyboardEvent(KeyboardFlags(0), 0x1D),
    KeyboardEvent(KeyboardFlags(0), 0x38),
    KeyboardEvent(KeyboardFlags.EXTENDED, 0x47),
    KeyboardEvent(KeyboardFlags.EXTENDED | KeyboardFlags.RELEASE, 0x47),
]

ACCOUNTS = Accounts()
for _user in ("alice", "bob", "carol"):
    ACCOUNTS = ACCOUNTS.with_password(_user, "", "secret")

CONFIG = Config(
    vms={"mail": VmSettings(users=("alice",)), "web": VmSettings(users=("alice", "bob"))},
)


@pytest.fixture
def config(certificate_directory: Path, tmp_path: Path) -> Config:
    """Ports of its own: others may run the same tests on this machine now."""
    return replace(
        CONFIG,
        certificate_dir=certificate_directory,
        state_dir=tmp_path,
        port=free_port(),
        gateway=GatewaySettings(port=free_port()),
    )


class World:
    """Two VMs, ``mail`` and ``web``, and the gateway in front of them."""

    def __init__(self, config: Config, accounts: Accounts | None = ACCOUNTS) -> None:
        self.config = config
        self.factory = ConnectionFactory(config, accounts=accounts)
        self.registry = Registry(config, self.factory)
        self.gateway = Gateway(self.registry, self.factory, config)
        self.sinks = {"mail": RecordingSink(), "web": RecordingSink()}

    @property
    def port(self) -> int:
        return self.gateway.acceptor.port

    def console(self, name: str) -> Console:
        console = self.registry.find(name)
        assert console is not None
        return console

    def client(self, user: str = "alice", **config: Any) -> Any:
        return connected(self.port, **{"user": user, "password": "secret"} | config)

    async def until_at(self, client: RdpClient, name: str) -> None:
        """The client shows this VM's picture, and is counted among its viewers."""
        console = self.console(name)
        await client.until_shows(console.screen.pixels)
        assert [viewer.principal.user for viewer in console.viewers] == ["alice"]


@asynccontextmanager
async def world(config: Config, accounts: Accounts | None = ACCOUNTS) -> AsyncIterator[World]:
    made = World(config, accounts)
    try:
        await made.gateway.use(config, await made.gateway.prepare(config))
        for seed, (name, sink) in enumerate(made.sinks.items()):
            await made.registry.add_vm(name, input=sink, uuid=UUID if name == "web" else None)
            show(made.console(name), noise(320 + 64 * seed, 200, seed))
        yield made
    finally:
        await made.registry.close("done")
        await made.gateway.close("done")


def refusal(client: RdpClient) -> BaseException | None:
    [end] = client.seen(Disconnected)
    assert isinstance(end, Disconnected)
    return end.error


@pytest.mark.parametrize(
    "asking",
    [
        {"routing": b"vm=web"},
        {"routing": b"Cookie: msts=web"},
        {"cookie": b"web"},
        {"domain": "WEB"},
        {"user": "alice@web"},
        {"preamble": encode(Preconnection(blob="web\0"))},
        {"preamble": encode(Preconnection(blob=f"{UUID.upper()};EnhancedMode=1\0"))},
        "port",
    ],
    ids=str,
)
def test_every_way_of_asking_leads_there(config: Config, asking: dict[str, Any] | str) -> None:
    async def scenario() -> None:
        async with world(config) as made, AsyncExitStack() as stack:
            port = {"preamble": encode(Preconnection(made.console("web").port))}
            words = asking if isinstance(asking, dict) else port
            client = await stack.enter_async_context(made.client(**words))
            await made.until_at(client, "web")
            client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
            client.flush()
            await eventually(lambda: made.sinks["web"].told == ["1e down"])
            assert made.console("mail").viewers == []

    run(scenario)


def test_who_asks_early_needs_no_second_activation(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(routing=b"vm=web") as client:
            await made.until_at(client, "web")
            assert [event.width for event in client.seen(Activated)] == [384]

    run(scenario)


def test_who_sees_one_vm_only_goes_there(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client("bob") as client:
            await client.until_shows(made.console("web").screen.pixels)

    with caplog.at_level(logging.INFO):
        run(scenario)
    assert re.search(r"\[c\d+ vm=\(gateway\) bob\] Goes on to web", caplog.text)
    assert re.search(r"\[c\d+ vm=web bob\] Active", caplog.text)


def test_who_sees_several_chooses_by_key(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(width=800, height=600) as client:
            await client.until(lambda: bool(client.bitmaps) and client.picture.shape == (600, 800, 4))
            assert made.console("web").viewers == []
            client.connection.send_input(
                [KeyboardEvent(KeyboardFlags.EXTENDED, DOWN), KeyboardEvent(KeyboardFlags(0), ENTER)]
            )
            client.flush()
            await made.until_at(client, "web")
            assert "1c down" not in made.sinks["web"].told

    run(scenario)


def test_certain_keys_lead_back_to_the_list(config: Config) -> None:
    """Those that the VM heard of are let go for it; the rest it never hears of."""

    async def scenario() -> None:
        async with world(config) as made, made.client(width=800, height=600) as client:
            await client.until(lambda: bool(client.bitmaps) and client.picture.shape == (600, 800, 4))
            for name, number in (("mail", 0), ("web", 1)):
                open_row = MouseEvent(CLICK, 60, HEADING_HEIGHT + number * ROW_HEIGHT + 3)
                client.connection.send_input([open_row])
                client.flush()
                await made.until_at(client, name)
                made.sinks[name].take()
                client.connection.send_input(CONTROL_ALT_HOME)
                client.flush()
                await client.until(lambda: client.picture.shape == (600, 800, 4))
                assert made.console(name).viewers == []
                assert made.sinks[name].take() == ["1d down", "38 down", "1d up", "38 up"]
                await client.until(lambda: client.picture[..., :3].any())

    run(scenario)


def test_who_has_asked_for_a_vm_has_no_list_to_go_back_to(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(routing=b"vm=web") as client:
            await made.until_at(client, "web")
            client.connection.send_input(CONTROL_ALT_HOME)
            client.flush()
            await eventually(lambda: made.sinks["web"].told[-1:] == ["e0 47 up"])

    run(scenario)


def test_who_sees_several_chooses_by_mouse(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(width=800, height=600) as client:
            await client.until(lambda: bool(client.bitmaps) and client.picture.shape == (600, 800, 4))
            client.connection.send_input([MouseEvent(CLICK, 60, HEADING_HEIGHT + ROW_HEIGHT // 2)])
            client.flush()
            await made.until_at(client, "mail")

    run(scenario)


def test_a_vm_as_large_as_the_list_needs_no_new_activation(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(width=800, height=600) as client:
            show(made.console("web"), noise(800, 600, 3))
            await client.until(lambda: bool(client.bitmaps) and client.picture.shape == (600, 800, 4))
            activations = len(client.seen(Activated))
            client.connection.send_input(
                [KeyboardEvent(KeyboardFlags.EXTENDED, DOWN), KeyboardEvent(KeyboardFlags(0), ENTER)]
            )
            client.flush()
            await made.until_at(client, "web")
            assert len(client.seen(Activated)) == activations

    run(scenario)


def test_the_list_follows_what_comes(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client() as client:
            await client.until(lambda: client.connection.is_active and bool(client.bitmaps))
            await asyncio.sleep(0.05)
            client.bitmaps.clear()
            await made.registry.add_vm("another", input=RecordingSink())
            await client.until(lambda: bool(client.bitmaps))

    run(scenario)


def test_from_the_vm_on_it_is_a_viewer_like_others(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(routing=b"vm=web") as client:
            await made.until_at(client, "web")
            show(made.console("web"), noise(500, 300, 7))
            await client.until_shows(made.console("web").screen.pixels)
            vm = made.console("web")
            await vm.close(ErrorInfo.RPC_INITIATED_DISCONNECT, "removed")
            await client.until(lambda: client.is_closed)
            assert client.error_info == ErrorInfo.RPC_INITIATED_DISCONNECT

    run(scenario)


@pytest.mark.parametrize(
    "asking",
    [
        {"password": "wrong"},
        {"password": "wrong", "routing": b"vm=web"},
        {"routing": b"vm=nowhere"},
        {"preamble": encode(Preconnection(blob="nowhere\0"))},
        {"user": "alice@nowhere"},
        {"user": "nobody", "routing": b"vm=web"},
    ],
    ids=str,
)
def test_a_wrong_password_and_an_unknown_vm_look_the_same(config: Config, asking: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(**asking) as client:
            await client.until(lambda: client.is_closed)
            error = refusal(client)
            assert isinstance(error, AuthenticationFailed)
            assert error.nt_status == 0xC000006D  # STATUS_LOGON_FAILURE
            assert not client.seen(Activated)

    run(scenario)


@pytest.mark.parametrize("asking", [{"user": "bob", "routing": b"vm=mail"}, {"user": "carol"}], ids=str)
def test_who_may_see_nothing_there_is_refused(config: Config, asking: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with world(config) as made:
            async with made.client(**asking) as client:
                await client.until(lambda: client.is_closed)
                assert client.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
            protocols = SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX
            async with made.client(**asking, protocols=protocols) as client:
                await client.until(lambda: client.is_closed)
                assert isinstance(refusal(client), AuthenticationFailed)

    run(scenario)


def test_each_vm_may_have_accounts_of_its_own(config: Config, tmp_path: Path) -> None:
    set_password(tmp_path / "accounts.sam", "alice", "", "common")
    set_password(tmp_path / "own.sam", "alice", "", "own")
    config = replace(config, vms={"web": VmSettings(accounts=tmp_path / "own.sam")})

    async def scenario() -> None:
        async with world(config, accounts=None) as made:
            async with made.client(password="own", domain="web") as client:
                await made.until_at(client, "web")
            async with made.client(password="common", domain="web") as client:
                await client.until(lambda: client.is_closed)
            async with made.client(password="common") as client:  # the only one with that password
                await made.until_at(client, "mail")

    run(scenario)


def test_no_vm_gets_the_logons_of_a_domain(config: Config, tmp_path: Path) -> None:
    """A VM may call itself as it likes, and a domain's name stands where a VM's may stand."""
    set_password(tmp_path / "accounts.sam", "alice", "CORP", "secret")
    config = replace(config, vms={"web": VmSettings(allow="nobody"), "corp": VmSettings(allow="nobody")})

    async def scenario() -> None:
        async with world(config, accounts=None) as made:
            made.factory.accounts.check_at_start()
            await made.registry.add_vm("corp", input=RecordingSink())
            for asking in ({"domain": "CORP"}, {"user": "CORP\\alice", "domain": ""}):
                async with made.client(**asking) as client:
                    await made.until_at(client, "mail")
            async with made.client(domain="CORP", routing=b"vm=corp") as client:
                await client.until(lambda: client.is_closed)

    run(scenario)


def test_without_nla_the_user_is_a_claim_and_opens_what_is_open_to_all(config: Config) -> None:
    security = SecuritySettings(nla=False, tls=True)
    config = replace(config, security=security, vms={"mail": VmSettings(users=("alice",))})

    async def scenario() -> None:
        async with world(config) as made:
            async with made.client("mail\\alice") as client:
                await client.until(lambda: client.is_closed)
                assert client.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
            async with made.client("web\\alice") as client:
                await made.until_at(client, "web")
            async with made.client(routing=b"vm=nowhere") as client:
                await client.until(lambda: client.is_closed)
                assert client.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
            async with made.client() as client:
                await made.until_at(client, "web")

    run(scenario)


def test_another_port_while_somebody_is_there(config: Config) -> None:
    async def scenario() -> None:
        async with world(config) as made, made.client(routing=b"vm=web") as client:
            await made.until_at(client, "web")
            port = free_port()
            moved = replace(config, gateway=GatewaySettings(port=port))
            await made.gateway.use(moved, await made.gateway.prepare(moved))
            assert made.port == port
            async with made.client("bob") as other:
                await other.until_shows(made.console("web").screen.pixels)
            none = replace(config, gateway=GatewaySettings())
            await made.gateway.use(none, await made.gateway.prepare(none))
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", port)
            show(made.console("web"), noise(384, 200, 5))
            await client.until_shows(made.console("web").screen.pixels)

    run(scenario)


def test_a_port_that_is_taken_is_named(config: Config, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"

    async def scenario() -> None:
        async with world(config) as made:
            port = made.console("web").port
            path.write_text(f"[gateway]\nport = {port}\n")
            with pytest.raises(ConfigError, match=rf"line 2: gateway\.port: cannot listen at .*:{port}"):
                await made.gateway.prepare(load_config(path))

    run(scenario)


def test_a_port_that_is_in_use_at_the_start_is_waited_for(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The VMs are there meanwhile, and a reload that concerns others is not held up."""
    monkeypatch.setattr("pyrdpmux.mux.gateway.gateway.RETRY_SECONDS", 0.01)
    factory = ConnectionFactory(config, accounts=Accounts())

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as busy:
            port = busy.getsockname()[1]
            wanted = replace(config, gateway=GatewaySettings(port=port))
            gateway = Gateway(Registry(wanted, factory), factory, wanted)
            await gateway.start()
            assert f"gateway.port: cannot listen at 127.0.0.1:{port}" in caplog.text
            await gateway.use(wanted, await gateway.prepare(wanted))
            assert not gateway.acceptor.port
        await eventually(lambda: gateway.acceptor.port == port)
        await gateway.close("done")

    run(scenario)


def test_a_port_that_is_not_wanted_any_more_is_not_waited_for(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrdpmux.mux.gateway.gateway.RETRY_SECONDS", 0.01)
    factory = ConnectionFactory(config, accounts=Accounts())

    async def scenario() -> None:
        with socket.create_server(("127.0.0.1", 0)) as busy:
            wanted = replace(config, gateway=GatewaySettings(port=busy.getsockname()[1]))
            gateway = Gateway(Registry(wanted, factory), factory, wanted)
            await gateway.start()
            none = replace(config, gateway=GatewaySettings())
            await gateway.use(none, await gateway.prepare(none))
        await eventually(lambda: not len(gateway._waiting))
        assert not gateway.acceptor.port
        await gateway.close("done")

    run(scenario)


def test_an_address_that_is_not_ours_is_an_error_at_the_start(config: Config) -> None:
    factory = ConnectionFactory(config, accounts=Accounts())

    async def scenario() -> None:
        elsewhere = replace(config, gateway=GatewaySettings(port=3389, bind="192.0.2.1"))
        gateway = Gateway(Registry(elsewhere, factory), factory, elsewhere)
        with pytest.raises(ConfigError, match=r"cannot listen at 192\.0\.2\.1:3389"):
            await gateway.start()
        await gateway.close("done")

    run(scenario)


def test_one_user_has_no_more_than_some_lists(config: Config) -> None:
    """Each costs memory, time and a descriptor, and who has a password for one VM could have thousands."""

    async def scenario() -> None:
        limits = replace(config.limits, attempts_per_second=0)
        async with world(replace(config, limits=limits)) as made, AsyncExitStack() as stack:
            other = await stack.enter_async_context(made.client("bob"))
            await other.until(lambda: other.connection.is_active)
            clients = [await stack.enter_async_context(made.client()) for _ in range(2 * LIMIT)]
            await eventually(lambda: sum(client.is_closed for client in clients) == LIMIT)
            await asyncio.sleep(0.1)
            assert sum(client.connection.is_active for client in clients) == LIMIT
            assert other.connection.is_active
            ends = {client.error_info for client in clients if client.is_closed}
            assert ends == {ErrorInfo.DISCONNECTED_BY_OTHERCONNECTION}
            for client in clients:
                client.drop()
            await eventually(lambda: not made.gateway._picker_viewers._viewers)

    run(scenario)
