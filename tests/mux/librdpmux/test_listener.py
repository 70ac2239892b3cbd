"""The object of a VM's console, ``org.RDPMux.RDPListener`` (section 2.4), and what it changes."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus

from pyrdpmux.files.sam_file import set_password
from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.mux.figures import ViewerFigures, VmFigures, WorkFigures
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.bus import (
    BUS_NAME,
    INTERFACE,
    LISTENER_INTERFACE,
    LISTENER_PATH,
    OBJECT_PATH,
    PROPERTIES,
    call,
    connect_bus,
)
from pyrdpmux.mux.librdpmux.dbus_figures import picture_figures, viewer_figures
from tests.mux.librdpmux.test_dbus_service import disconnect, start_daemon, stop_daemon
from tests.mux.support.fake_host import FakeHost
from tests.mux.support.public_directory import public_directory

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

UUID = "6b8b4567-327b-23c6-643c-986966334873"
PATH = f"{LISTENER_PATH}/{UUID.replace('-', '')}"
VIEWER = ViewerFigures(1, "EGFX", "10.7", ("AVC420", "planar"), False, 0.5, 1000, 0, Pacer().figures(now=0.0))
NO_UUID = "00000000-0000-0000-0000-000000000000"

SOMEBODY_ELSE = """
import asyncio, os, sys
from dbus_fast import DBusError
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, LISTENER_INTERFACE, call, connect_bus
os.setuid(65534)
async def main():
    bus = await connect_bus(sys.argv[1])
    for member, signature, *arguments in (("Shutdown", ""), ("SetAuthentication", "b", False)):
        try:
            await call(bus, BUS_NAME, sys.argv[2], LISTENER_INTERFACE, member, signature, *arguments)
        except DBusError as error:
            print(error.type)
asyncio.run(main())
"""


class FakeAccess:
    """An AccessControl that takes notes; NLA is off in its configuration."""

    def __init__(self) -> None:
        self.required: dict[str, bool | None] = {}
        self.accounts: dict[str, Path | None] = {}

    def requires_authentication(self, name: str) -> bool:
        required = self.required.get(name)
        return self.accounts.get(name) is not None if required is None else required

    def require_authentication(self, name: str, is_required: bool | None) -> None:
        self.required[name] = is_required

    def set_accounts(self, name: str, path: Path | None, uid: int | None = None) -> None:
        self.accounts[name] = path


class Service:
    def __init__(self, bus: str, tmp_path: Path) -> None:
        self.bus = bus
        self.tmp_path = tmp_path
        self.host = FakeHost()
        self.access = FakeAccess()
        self.backend = self.new_backend()
        self.caller: MessageBus

    def new_backend(self) -> LibrdpmuxBackend:
        return LibrdpmuxBackend(
            self.bus, directory=self.tmp_path, state_dir=self.tmp_path, access=self.access
        )

    async def __aenter__(self) -> "Service":
        await self.backend.start(self.host)
        self.caller = await connect_bus(self.bus)
        return self

    async def __aexit__(self, *_: object) -> None:
        await disconnect(self.caller)
        await self.backend.stop()

    async def register(self, vm_id: int = 5, uuid: str = UUID, port: int = 0, auth_file: str = "") -> None:
        await self.call(OBJECT_PATH, INTERFACE, "Register", "iisqs", vm_id, 5, uuid, port, auth_file)

    async def call(
        self, path: str, interface: str, member: str, signature: str, *arguments: object
    ) -> list[Any]:
        return await call(self.caller, BUS_NAME, path, interface, member, signature, *arguments)

    async def say(self, member: str, signature: str = "", *arguments: object) -> None:
        assert await self.call(PATH, LISTENER_INTERFACE, member, signature, *arguments) == []

    async def properties(self, path: str = PATH) -> dict[str, Variant]:
        (properties,) = await self.call(path, PROPERTIES, "GetAll", "s", LISTENER_INTERFACE)
        return dict(properties)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    daemon = start_daemon(tmp_path)
    yield f"unix:path={tmp_path / 'bus'}"
    stop_daemon(daemon)


def play(bus: str, tmp_path: Path, scenario: Callable[[Service], Awaitable[None]]) -> None:
    async def entered() -> None:
        async with asyncio.timeout(20), Service(bus, tmp_path) as service:
            await scenario(service)

    asyncio.run(entered())


def test_types_are_sent_as_announced(bus: str, tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await service.register(port=4711)
        service.host.vms[UUID].viewer_count = 3
        service.host.vms[UUID].figures = VmFigures(ended=WorkFigures(30), viewers=(VIEWER,))
        properties = await service.properties()
        assert properties == {
            "Port": Variant("i", 4711),
            "NumConnectedPeers": Variant("i", 3),
            "RequiresAuthentication": Variant("b", False),
            "Picture": Variant("a{sd}", picture_figures(service.host.vms[UUID].figures)),
            "Viewers": Variant("aa{sv}", [viewer_figures(VIEWER)]),
            "Heads": Variant("a(iiii)", [(0, 0, 640, 480)]),
        }
        assert properties["Viewers"].value[0]["codecs"] == Variant("as", ["AVC420", "planar"])
        node = await service.caller.introspect(BUS_NAME, PATH)
        [interface] = [found for found in node.interfaces if found.name == LISTENER_INTERFACE]
        assert {found.name: found.signature for found in interface.properties} == {
            name: value.signature for name, value in properties.items()
        }
        assert {found.name: found.in_signature for found in interface.methods} == {
            "SetCredentialFile": "s",
            "SetAuthentication": "b",
            "Shutdown": "",
        }

    play(bus, tmp_path, scenario)


def test_vms_are_found_by_introspection(bus: str, tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await service.register()
        await service.register(7, NO_UUID)
        await service.register(8, NO_UUID)
        await service.call(OBJECT_PATH, INTERFACE, "Register", "ii", 9, 1)
        node = await service.caller.introspect(BUS_NAME, LISTENER_PATH)
        assert {child.name for child in node.nodes} == {PATH.rpartition("/")[2], "7", "8", "9"}
        assert sorted(service.host.vms) == [UUID, "vm-7", "vm-8", "vm-9"]

    play(bus, tmp_path, scenario)


def test_a_sam_file_asks_for_authentication(bus: str, tmp_path: Path) -> None:
    sam = tmp_path / "vm.sam"
    other = tmp_path / "other.sam"
    for path in (sam, other):
        set_password(path, "alice", "", "secret")

    async def scenario(service: Service) -> None:
        await service.register(auth_file=str(sam))
        assert service.access.accounts == {UUID: sam}
        assert (await service.properties())["RequiresAuthentication"].value is True
        await service.say("SetCredentialFile", "s", "")
        assert (await service.properties())["RequiresAuthentication"].value is False
        await service.say("SetCredentialFile", "s", str(sam))
        assert service.access.accounts == {UUID: sam}
        await service.say("SetCredentialFile", "s", str(other))
        await service.backend.stop()
        assert service.access.accounts == {UUID: None}
        service.backend = service.new_backend()
        await service.backend.start(service.host)
        assert service.access.accounts == {UUID: other}, "also after a restart"

    play(bus, tmp_path, scenario)


def test_authentication_is_switched_for_this_daemon_and_the_next(bus: str, tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await service.register()
        for is_required in (True, False, True):
            await service.say("SetAuthentication", "b", is_required)
            assert (await service.properties())["RequiresAuthentication"].value is is_required
        await service.backend.stop()
        assert service.access.required == {UUID: None}
        service.backend = service.new_backend()
        await service.backend.start(service.host)
        assert (await service.properties())["RequiresAuthentication"].value is True

    play(bus, tmp_path, scenario)


def test_shutdown_ends_the_console_for_good(bus: str, tmp_path: Path) -> None:
    async def scenario(service: Service) -> None:
        await service.register()
        await service.say("Shutdown")
        assert service.host.removed == [(UUID, "its console was shut down")]
        with pytest.raises(DBusError, match=r"does not exist|RDPListener"):
            await service.properties()
        await service.backend.stop()
        service.backend = service.new_backend()
        await service.backend.start(service.host)
        assert service.host.vms == {}
        await service.register()
        assert service.host.added == [UUID] * 2

    play(bus, tmp_path, scenario)


@pytest.mark.parametrize(
    ("member", "signature", "arguments", "error"),
    [
        ("SetAuthentication", "s", ("yes",), "org.freedesktop.DBus.Error.InvalidArgs"),
        ("SetCredentialFile", "", (), "org.freedesktop.DBus.Error.InvalidArgs"),
        ("Shutdown", "b", (True,), "org.freedesktop.DBus.Error.InvalidArgs"),
        ("SetCredentials", "s", ("x",), "org.freedesktop.DBus.Error.UnknownMethod"),
        ("SetCredentialFile", "s", ("relative.sam",), "org.RDPMux.Error.RegistrationRefused"),
        ("SetCredentialFile", "s", ("/etc",), "org.RDPMux.Error.RegistrationRefused"),
        ("SetCredentialFile", "s", ("/etc/passwd",), "org.RDPMux.Error.RegistrationRefused"),
    ],
)
def test_refusals(
    bus: str, tmp_path: Path, member: str, signature: str, arguments: tuple[object, ...], error: str
) -> None:
    async def scenario(service: Service) -> None:
        await service.register()
        with pytest.raises(DBusError) as caught:
            await service.say(member, signature, *arguments)
        assert caught.value.type == error
        assert "root:" not in caught.value.text
        assert service.access.accounts == {UUID: None}
        assert service.host.removed == []

    play(bus, tmp_path, scenario)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_only_the_vms_user_and_root_may() -> None:
    async def scenario(service: Service) -> None:
        await service.register()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SOMEBODY_ELSE, service.bus, PATH, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert output.split() == [b"org.freedesktop.DBus.Error.AccessDenied"] * 2
        assert service.host.removed == []

    with public_directory() as directory:
        daemon = start_daemon(directory)
        play(f"unix:path={directory / 'bus'}", directory, scenario)
        stop_daemon(daemon)
