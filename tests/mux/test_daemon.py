import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError, MuxError
from pyrdpmux.files.sam_file import remove_account, set_password
from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.admission.account_file import AccountFile
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import Vm, VmHost
from pyrdpmux.mux.control.client import ask
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.mux.settings.config_file import load_config
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from tests.mux.rdp_client import connected, eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import run


class OneVm:
    """A backend with a single VM that never shows anything."""

    def __init__(self, error: str = "") -> None:
        self.vm: Vm | None = None
        self.is_stopped = False
        self._error = error

    async def start(self, host: VmHost) -> None:
        if self._error:
            raise BackendError(self._error)
        self.vm = await host.add_vm("only", input=RecordingSink())

    async def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(state_dir=tmp_path, port=23901)


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_runs_until_told_to_stop(factory: ConnectionFactory, config: Config, says_goodbye: bool) -> None:
    """Whoever is told nothing comes back by itself, to the next daemon."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        stop, ready, backend = asyncio.Event(), asyncio.Event(), OneVm()
        daemon = Daemon(config, factory, [backend])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(daemon.run(stop, ready.set))
            await ready.wait()
            assert backend.vm is not None
            answer = await asyncio.to_thread(ask, config.control_path, "vms")
            assert [vm["name"] for vm in answer["vms"]] == ["only"]
            async with connected(backend.vm.port) as client:
                await client.until(lambda: client.connection.is_active)
                start = loop.time()
                daemon.says_goodbye = says_goodbye
                stop.set()
                await client.until(lambda: client.is_closed)
                goodbye = ErrorInfo.RPC_INITIATED_DISCONNECT if says_goodbye else None
                assert client.error_info == goodbye
        assert loop.time() - start < 2.0
        assert backend.is_stopped
        assert not config.control_path.exists()

    run(scenario)


def test_a_snapshot_tells_of_vms_and_of_what_each_has_cost(
    factory: ConnectionFactory, config: Config
) -> None:
    async def scenario() -> None:
        stop, ready, backend = asyncio.Event(), asyncio.Event(), OneVm()
        daemon = Daemon(config, factory, [backend])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(daemon.run(stop, ready.set))
            await ready.wait()
            assert backend.vm is not None
            async with backend.vm.loop_share.turn():
                pass
            answer = await asyncio.to_thread(ask, config.control_path, "snapshot")
            assert [vm["name"] for vm in answer["vms"]] == ["only"]
            [share] = [share for share in answer["shares"] if share["kind"] == "guest"]
            assert (share["name"], share["turns"], share["waiting"]) == ("only", 1, 0)
            stop.set()

    run(scenario)


def test_a_backend_that_cannot_start_ends_the_daemon(factory: ConnectionFactory, config: Config) -> None:
    async def scenario() -> None:
        first = OneVm()
        with pytest.raises(BackendError, match="no bus"):
            await Daemon(config, factory, [first, OneVm("no bus")]).run(asyncio.Event())
        assert first.is_stopped
        assert not config.control_path.exists()

    run(scenario)


def test_a_second_daemon_is_an_error_unless_it_can_do_without(
    factory: ConnectionFactory, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Daemon(config, factory, []).run(stop, ready.set))
            await ready.wait()
            with pytest.raises(MuxError, match="another pyrdpmux daemon"):
                await Daemon(config, factory, []).run(asyncio.Event())
            assert config.control_path.exists()
            stopped = asyncio.Event()
            stopped.set()
            guest = Daemon(replace(config), factory, [], needs_control=False)
            await guest.run(stopped)
            assert config.control_path.exists()
            stop.set()

    with caplog.at_level(logging.INFO):
        run(scenario)
    assert "No control socket" in caplog.text


class Reloadable:
    """A daemon with one VM whose configuration is a file."""

    def __init__(self, certificate_directory: Path, tmp_path: Path) -> None:
        self.path = tmp_path / "c.toml"
        self._start = f"""
            port = 23911
            state-dir = "{tmp_path}"
            certificate-dir = "{certificate_directory}"
            """
        self.write("")
        self.config = load_config(self.path)
        factory = ConnectionFactory(self.config, accounts=Accounts().with_password("alice", "", "secret"))
        self.backend = OneVm()
        self.daemon = Daemon(self.config, factory, [self.backend], load_config=lambda: load_config(self.path))

    def write(self, text: str) -> None:
        self.path.write_text(self._start + text)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """The VM's port."""
        stop, ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.daemon.run(stop, ready.set))
            await ready.wait()
            assert self.backend.vm is not None
            try:
                yield self.backend.vm.port
            finally:
                stop.set()


@pytest.fixture
def reloadable(certificate_directory: Path, tmp_path: Path) -> Reloadable:
    return Reloadable(certificate_directory, tmp_path)


def test_a_reload_changes_what_it_says_and_drops_nobody(reloadable: Reloadable) -> None:
    async def scenario() -> None:
        async with reloadable.running() as port, connected(port, user="alice", password="secret") as client:
            await client.until(lambda: client.connection.is_active)
            wanted = free_port()
            reloadable.write(f"[vms.only]\nport = {wanted}\nusers = ['alice']")
            answer = await asyncio.to_thread(ask, reloadable.config.control_path, "reload")
            assert answer == {"vms": 1}
            assert reloadable.backend.vm is not None
            assert reloadable.backend.vm.port == wanted
            assert not client.is_closed
            reloadable.write("[vms.only]\nusers = ['bob']")
            reloadable.daemon.reload_soon()
            await client.until(lambda: client.is_closed)
            assert client.error_info == ErrorInfo.SERVER_DENIED_CONNECTION

    run(scenario)


def test_a_reload_with_an_error_leaves_the_old_configuration_in_force(
    reloadable: Reloadable, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with reloadable.running() as port:
            for wrong, complaint in (
                ("[vms.only]\nport = 23915\nuser = ['bob']", "vms.only.user: unknown key"),
                ("[vms.only]\nport = 23915\nsource = 'nothing:x'", "vms.only.source: 'nothing'"),
            ):
                reloadable.write(wrong)
                with pytest.raises(MuxError, match=f"{reloadable.path}, line [0-9]: {complaint}"):
                    await asyncio.to_thread(ask, reloadable.config.control_path, "reload")
            reloadable.daemon.reload_soon()
            await eventually(lambda: "Not reloaded" in caplog.text)
            assert reloadable.backend.vm is not None
            assert reloadable.backend.vm.port == port
            async with connected(port, user="alice", password="secret") as client:
                await client.until(lambda: client.connection.is_active)

    run(scenario)


def test_what_cannot_change_waits_for_the_next_start(
    reloadable: Reloadable, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with reloadable.running() as port:
            reloadable.write("bus = 'none'\nbind = '127.0.0.2'")
            await reloadable.daemon.reload()
            assert "bind: changed, which takes effect at the next start" in caplog.text
            assert "bus: changed" in caplog.text
            async with connected(port, user="alice", password="secret") as client:
                await client.until(lambda: client.connection.is_active)

    run(scenario)


def test_accounts_are_looked_at_also_when_nobody_logs_on(
    certificate_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad line leaves in force what was there before, which must not be who was removed long ago."""
    monkeypatch.setattr("pyrdpmux.mux.daemon.REFRESH_SECONDS", 0.01)
    sam = tmp_path / "accounts.sam"
    set_password(sam, "alice", "", "secret")
    config = Config(state_dir=tmp_path, port=23921, certificate_dir=certificate_directory)
    factory = ConnectionFactory(config)

    async def scenario() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Daemon(config, factory, []).run(stop, ready.set))
            await ready.wait()
            sam.write_text("# nobody\n")
            source = factory.accounts.source(None)
            assert isinstance(source, AccountFile)
            await eventually(lambda: source.last_good == b"# nobody\n")
            sam.write_text("bad\n")
            assert (await source.read()).find("alice", "") is None
            stop.set()

    run(scenario)


def test_certificates_are_looked_at_every_day(
    factory: ConnectionFactory, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrdpmux.mux.daemon.DAY_SECONDS", 0.01)
    looks: list[None] = []
    monkeypatch.setattr(factory, "warn_about_certificates", lambda: looks.append(None))

    async def scenario() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Daemon(config, factory, []).run(stop, ready.set))
            await ready.wait()
            await eventually(lambda: len(looks) >= 3)
            stop.set()

    run(scenario)


def test_another_base_port_is_for_vms_to_come(
    reloadable: Reloadable, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with reloadable.running() as port:
            wanted = free_port()
            text = reloadable.path.read_text().replace("port = 23911", f"port = {wanted}", 1)
            with caplog.at_level(logging.INFO):
                await reloadable.daemon.reload()
                assert "port:" not in caplog.text
                reloadable.path.write_text(text)
                await reloadable.daemon.reload()
            assert f"port: VMs that are still to come get ports from {wanted} on, others stay" in caplog.text
            assert reloadable.backend.vm is not None
            assert reloadable.backend.vm.port == port
            later = await reloadable.daemon.registry.add_vm("later", input=RecordingSink())
            assert later.port >= wanted

    run(scenario)


def test_a_reload_sends_away_who_has_no_account_any_more(certificate_directory: Path, tmp_path: Path) -> None:
    sam = tmp_path / "accounts.sam"
    for user in ("alice", "bob"):
        set_password(sam, user, "", "secret")
    config = Config(state_dir=tmp_path, port=free_port(), certificate_dir=certificate_directory)
    backend = OneVm()
    daemon = Daemon(config, ConnectionFactory(config), [backend])

    async def scenario() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(daemon.run(stop, ready.set))
            await ready.wait()
            assert backend.vm is not None
            port = backend.vm.port
            async with (
                connected(port, user="alice", password="secret") as alice,
                connected(port, user="bob", password="secret") as bob,
            ):
                await alice.until(lambda: alice.connection.is_active)
                await bob.until(lambda: bob.connection.is_active)
                set_password(sam, "bob", "", "another password")
                remove_account(sam, "alice", "")
                await daemon.reload()
                await alice.until(lambda: alice.is_closed)
                assert alice.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
                assert not bob.is_closed
            stop.set()

    run(scenario)
