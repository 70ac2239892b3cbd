"""The helper on a bus of its own, without a QEMU; tests/interop/test_qemu.py has it with one."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.admission.identities import load_certificate
from pyrdpmux.mux.libvirt.helper import Helper
from pyrdpmux.mux.libvirt.options import Options
from pyrdpmux.mux.libvirt.service import BUS_NAME, INTERFACE, OBJECT_PATH
from pyrdpmux.mux.qemu.bus import CallFailed, Connection, call_daemon, connect_bus
from tests.mux.qemu.bus_daemon import bus_daemon
from tests.mux.rdp_client import connected
from tests.mux.support.fake_host import until

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    with bus_daemon(tmp_path) as address:
        yield address


@pytest.fixture
def options(bus: str, certificate_directory: Path) -> Options:
    found = load_certificate(certificate_directory)
    return Options(
        dbus_address=bus,
        host="127.0.0.1",
        port=free_port(),
        certificate=found.certificate_path,
        key=found.key_path,
    )


@asynccontextmanager
async def running(options: Options) -> AsyncIterator[tuple[Connection, list[str]]]:
    """libvirt's connection, and the reasons that it hears at the end."""
    reasons: list[str] = []
    libvirt = await connect_bus(options.dbus_address)
    libvirt.on_signal = lambda message: reasons.extend(
        message.body if message.header.member == "Leaving" else ()
    )
    await call_daemon(libvirt, "AddMatch", "s", f"type='signal',interface='{INTERFACE}'")
    stop = asyncio.Event()
    serving = asyncio.get_running_loop().create_task(Helper(options).run(stop))
    async with asyncio.timeout(10):
        while not (await call_daemon(libvirt, "NameHasOwner", "s", BUS_NAME))[0]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    yield libvirt, reasons
    stop.set()
    await serving
    await until(lambda: reasons == ["it was stopped"])
    libvirt.close()


async def set_credentials(libvirt: Connection, *values: str) -> None:
    signature = "s" * len(values)
    await libvirt.call(OBJECT_PATH, INTERFACE, "SetCredentials", signature, *values, destination=BUS_NAME)


def test_credentials_open_the_console(options: Options) -> None:
    async def scenario() -> None:
        async with running(options) as (libvirt, _):
            async with connected(options.port, user="alice", password="secret") as client:
                await client.until(lambda: client.is_closed)
            await set_credentials(libvirt, "alice", "secret", "")
            async with connected(options.port, user="alice", password="secret") as client:
                await client.until(lambda: bool(client.bitmaps))  # a card: QEMU is not there
            with pytest.raises(CallFailed):
                await set_credentials(libvirt, "alice")

    asyncio.run(scenario())


def test_the_bus_ends(bus: str, options: Options, tmp_path: Path, certificate_directory: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "other").mkdir()
        with bus_daemon(tmp_path / "other") as other:
            found = load_certificate(certificate_directory)
            helper = Helper(
                Options(
                    dbus_address=other,
                    host="127.0.0.1",
                    port=options.port,
                    certificate=found.certificate_path,
                    key=found.key_path,
                )
            )
            serving = asyncio.get_running_loop().create_task(helper.run(asyncio.Event()))
            libvirt = await connect_bus(other)
            async with asyncio.timeout(10):
                while not (await call_daemon(libvirt, "NameHasOwner", "s", BUS_NAME))[0]:  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        with pytest.raises(BackendError, match="D-Bus is gone"):
            await serving
        libvirt.close()

    asyncio.run(scenario())


def test_only_one_helper_for_a_bus(options: Options, certificate_directory: Path) -> None:
    async def scenario() -> None:
        async with running(options):
            found = load_certificate(certificate_directory)
            second = Options(
                dbus_address=options.dbus_address,
                host="127.0.0.1",
                port=free_port(),
                certificate=found.certificate_path,
                key=found.key_path,
            )
            with pytest.raises(BackendError, match="another process"):
                await Helper(second).run(asyncio.Event())

    asyncio.run(scenario())


def test_its_port_and_no_other(options: Options) -> None:
    async def scenario() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", options.port))
            other.listen()
            with pytest.raises(BackendError, match="in use"):
                await Helper(options).run(asyncio.Event())

    asyncio.run(scenario())
