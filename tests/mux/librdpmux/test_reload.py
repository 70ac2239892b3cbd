"""``Reload`` on the bus: for root and the daemon's user, and what it does to a running daemon."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dbus_fast import DBusError

from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.control.client import ask
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, INTERFACE, OBJECT_PATH, call, connect_bus
from tests.mux.librdpmux.test_dbus_service import disconnect, start_daemon, stop_daemon
from tests.mux.serving import run
from tests.mux.support.fake_host import FakeHost
from tests.mux.support.public_directory import public_directory

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

SOMEBODY_ELSE = """
import asyncio, os, sys
from dbus_fast import DBusError
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, INTERFACE, OBJECT_PATH, call, connect_bus
os.setuid(65534)
async def main():
    bus = await connect_bus(sys.argv[1])
    try:
        await call(bus, BUS_NAME, OBJECT_PATH, INTERFACE, "Reload", "")
    except DBusError as error:
        print(error.type)
asyncio.run(main())
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """With a bus in it that all users reach."""
    with public_directory() as made:
        daemon = start_daemon(made)
        yield made
        stop_daemon(daemon)


class Service:
    """The backend alone; its ``reload`` counts."""

    def __init__(self, directory: Path, *, can_reload: bool) -> None:
        self.address = f"unix:path={directory / 'bus'}"
        self.reloads = 0
        self.backend = LibrdpmuxBackend(
            self.address, directory=directory, reload=self._reload if can_reload else None
        )

    async def _reload(self) -> None:
        self.reloads += 1

    async def error_of(self, path: str = OBJECT_PATH, signature: str = "", *arguments: object) -> str:
        caller = await connect_bus(self.address)
        try:
            assert await call(caller, BUS_NAME, path, INTERFACE, "Reload", signature, *arguments) == []
        except DBusError as error:
            return error.type
        finally:
            await disconnect(caller)
        return ""


@asynccontextmanager
async def serving(directory: Path, *, can_reload: bool = True) -> AsyncIterator[Service]:
    service = Service(directory, can_reload=can_reload)
    await service.backend.start(FakeHost())
    try:
        yield service
    finally:
        await service.backend.stop()


def test_every_object_takes_it(directory: Path) -> None:
    async def scenario() -> None:
        async with serving(directory) as service:
            assert await service.error_of() == ""
            assert await service.error_of("/org/RDPMux/Protocol1") == ""
            assert service.reloads == 2
            assert await service.error_of(OBJECT_PATH, "s", "x") == "org.freedesktop.DBus.Error.InvalidArgs"
            assert service.reloads == 2

    run(scenario)


def test_who_has_no_configuration_says_so(directory: Path) -> None:
    async def scenario() -> None:
        async with serving(directory, can_reload=False) as service:
            assert await service.error_of() == "org.freedesktop.DBus.Error.NotSupported"

    run(scenario)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_other_users_may_not(directory: Path) -> None:
    async def scenario() -> None:
        async with serving(directory) as service:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SOMEBODY_ELSE, service.address, stdout=subprocess.PIPE
            )
            output, _ = await process.communicate()
            assert output.strip() == b"org.freedesktop.DBus.Error.AccessDenied"
            assert service.reloads == 0

    run(scenario)


def test_the_daemon_takes_on_its_file(directory: Path, certificate_directory: Path) -> None:
    """`pyrdpmux serve`, as it is started everywhere."""
    path = directory / "c.toml"
    values = {
        "state-dir": directory,
        "certificate-dir": certificate_directory,
        "bus": f"unix:path={directory}/bus",
    }
    settings = "".join(f'{key} = "{value}"\n' for key, value in values.items())
    path.write_text(settings)

    async def scenario() -> None:
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pyrdpmux", "serve", "--config", str(path), stderr=subprocess.PIPE
        )
        try:
            assert daemon.stderr is not None
            while b"Ready" not in (line := await daemon.stderr.readline()):
                assert line
            caller = await connect_bus(f"unix:path={directory / 'bus'}")
            port = free_port()
            path.write_text(f"{settings}[gateway]\nport = {port}\n")
            await call(caller, BUS_NAME, OBJECT_PATH, INTERFACE, "Reload", "")
            told = await asyncio.to_thread(ask, directory / "control.sock", "vms")
            assert told["gateway"]["port"] == port
            path.write_text(settings + "[gateway]\nport = -1\n")
            with pytest.raises(DBusError, match=r"c\.toml, line 5: gateway\.port") as caught:
                await call(caller, BUS_NAME, OBJECT_PATH, INTERFACE, "Reload", "")
            assert caught.value.type == "org.RDPMux.Error.NotReloaded"
            await disconnect(caller)
        finally:
            daemon.terminate()
            await daemon.wait()

    run(scenario)
