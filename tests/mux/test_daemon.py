import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError, MuxError
from pyrdpmux.mux.backend import Vm, VmHost
from pyrdpmux.mux.config import Config
from pyrdpmux.mux.control import ask
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.doorkeeper import Doorkeeper
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from tests.mux.rdp_client import connected
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


def test_runs_until_told_to_stop_and_says_goodbye(doorkeeper: Doorkeeper, config: Config) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        stop, ready, backend = asyncio.Event(), asyncio.Event(), OneVm()
        daemon = Daemon(config, doorkeeper, [backend])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(daemon.run(stop, ready.set))
            await ready.wait()
            assert backend.vm is not None
            answer = await asyncio.to_thread(ask, config.control_path, "vms")
            assert [vm["name"] for vm in answer["vms"]] == ["only"]
            async with connected(backend.vm.port) as client:
                await client.until(lambda: client.connection.is_active)
                start = loop.time()
                stop.set()
                await client.until(lambda: client.is_closed)
                assert client.error_info == ErrorInfo.RPC_INITIATED_DISCONNECT
        assert loop.time() - start < 2.0
        assert backend.is_stopped
        assert not config.control_path.exists()

    run(scenario)


def test_a_backend_that_cannot_start_ends_the_daemon(doorkeeper: Doorkeeper, config: Config) -> None:
    async def scenario() -> None:
        first = OneVm()
        with pytest.raises(BackendError, match="no bus"):
            await Daemon(config, doorkeeper, [first, OneVm("no bus")]).run(asyncio.Event())
        assert first.is_stopped
        assert not config.control_path.exists()

    run(scenario)


def test_a_second_daemon_is_an_error_unless_it_can_do_without(
    doorkeeper: Doorkeeper, config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        stop, ready = asyncio.Event(), asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Daemon(config, doorkeeper, []).run(stop, ready.set))
            await ready.wait()
            with pytest.raises(MuxError, match="another pyrdpmux daemon"):
                await Daemon(config, doorkeeper, []).run(asyncio.Event())
            assert config.control_path.exists()
            stopped = asyncio.Event()
            stopped.set()
            guest = Daemon(replace(config), doorkeeper, [], needs_control=False)
            await guest.run(stopped)
            assert config.control_path.exists()
            stop.set()

    with caplog.at_level(logging.INFO):
        run(scenario)
    assert "No control socket" in caplog.text
