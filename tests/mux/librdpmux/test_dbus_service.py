"""Registration on a bus daemon of our own (sections 2.2, 2.3 and 6.5)."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.guest import Guest, PixelCode, pixel_format
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, INTERFACE, OBJECT_PATH, PROPERTIES, call, connect_bus
from tests.mux.support.fake_host import FakeHost, InputNotes, until

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/>
<allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>"""


def start_daemon(directory: Path) -> "subprocess.Popen[str]":
    configuration = directory / "bus.conf"
    configuration.write_text(CONFIGURATION.format(socket=directory / "bus"))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    assert daemon.stdout.readline()
    return daemon


def stop_daemon(daemon: "subprocess.Popen[str]") -> None:
    daemon.terminate()
    daemon.communicate()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    daemon = start_daemon(tmp_path)
    yield f"unix:path={tmp_path / 'bus'}"
    stop_daemon(daemon)


class Service:
    """The backend on that bus, and a hypervisor's connection to it."""

    def __init__(self, bus: str, tmp_path: Path) -> None:
        self.bus = bus
        self.directory = tmp_path / "sockets"
        self.directory.mkdir()
        self.shared_memory = tmp_path
        self.host = FakeHost()
        self.backend = self.new_backend()

    def new_backend(self) -> LibrdpmuxBackend:
        return LibrdpmuxBackend(self.bus, directory=self.directory, shared_memory=self.shared_memory)

    async def __aenter__(self) -> "Service":
        await self.backend.start(self.host)
        self.caller = await connect_bus(self.bus)
        return self

    async def __aexit__(self, *_: object) -> None:
        await disconnect(self.caller)
        await self.backend.stop()

    async def register(self, signature: str, *arguments: object) -> str:
        (endpoint,) = await call(
            self.caller, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", signature, *arguments
        )
        return str(endpoint)


async def disconnect(bus: MessageBus) -> None:
    bus.disconnect()
    await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


def test_what_the_library_asks(bus: str, tmp_path: Path) -> None:
    """GetAll, as a GDBus proxy does; then Register."""

    async def scenario() -> None:
        async with Service(bus, tmp_path) as service:
            properties: list[Any] = await call(
                service.caller, BUS_NAME, OBJECT_PATH, PROPERTIES, "GetAll", "s", INTERFACE
            )
            assert properties == [{"SupportedProtocolVersions": Variant("ai", [5, 4, 3, 2, 1])}]
            endpoint = await service.register("ii", 42, 1)
            path = endpoint.removeprefix("ipc://")
            assert path == str(service.directory / "42.socket")
            status = os.stat(path)
            assert (status.st_uid, status.st_mode & 0o777) == (os.getuid(), 0o600)
            assert service.host.added == ["vm-42"]

            node = await service.caller.introspect(BUS_NAME, OBJECT_PATH)
            interface = next(found for found in node.interfaces if found.name == INTERFACE)
            assert {
                method.name: (method.in_signature, method.out_signature) for method in interface.methods
            } == {"Register": ("iisqs", "s"), "RegisterNamed": ("iisqss", "s"), "Reload": ("", "")}
            worker = "/org/RDPMux/ServerWorker/42"
            (port,) = await call(
                service.caller,
                BUS_NAME,
                worker,
                PROPERTIES,
                "Get",
                "ss",
                "org.RDPMux.ServerWorker",
                "Port",
            )
            assert port == Variant("i", 3901)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("signature", "arguments", "error", "text"),
    [
        ("ii", (1, 6), "org.RDPMux.Error.VersionNotSupported", "version 6"),
        ("ii", (1, 2), "org.freedesktop.DBus.Error.InvalidArgs", "expected 'iis' in protocol 2"),
        ("ii", (1, 0), "org.RDPMux.Error.VersionNotSupported", "version 0"),
        ("ii", (-1, 1), "org.RDPMux.Error.RegistrationRefused", "0 or more"),
        ("iis", (1, 1, "uuid"), "org.freedesktop.DBus.Error.InvalidArgs", "iis"),
        ("iis", (1, 2, "uuid"), "org.RDPMux.Error.RegistrationRefused", "not a UUID"),
        ("iisq", (1, 5, "uuid", 0), "org.freedesktop.DBus.Error.InvalidArgs", "iisqs"),
        ("", (), "org.freedesktop.DBus.Error.InvalidArgs", "signature"),
    ],
)
def test_refusals_are_errors(
    bus: str, tmp_path: Path, signature: str, arguments: tuple[object, ...], error: str, text: str
) -> None:
    async def scenario() -> None:
        async with Service(bus, tmp_path) as service:
            with pytest.raises(DBusError) as caught:
                await service.register(signature, *arguments)
            assert caught.value.type == error
            assert text in caught.value.text
            assert service.host.added == []

    asyncio.run(scenario())


def test_refusals_do_not_fill_the_log(bus: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with Service(bus, tmp_path) as service:
            await service.register("ii", 9, 1)
            other = await connect_bus(bus)

            async def refused(signature: str, *arguments: object) -> str:
                with pytest.raises(DBusError) as caught:
                    await call(other, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", signature, *arguments)
                return caught.value.text

            kinds = (("ii", 9, 1), ("ii", 1, 9), ("iis", 1, 2, "\n\x1b[2J"))
            texts = await asyncio.gather(*[refused(*kind) for kind in kinds for _ in range(30)])
            assert len(set(texts)) == 3, "who asks is always told"
            await disconnect(other)

    asyncio.run(scenario())
    assert 2 <= len(caplog.messages) <= 6, "one a second of each kind"
    assert not any("\n" in text or "\x1b" in text for text in caplog.messages)


def test_an_id_belongs_to_its_owner(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Service(bus, tmp_path) as service:
            await service.register("ii", 9, 1)
            other = await connect_bus(bus)
            with pytest.raises(DBusError, match="in use by :") as caught:
                await call(other, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", "ii", 9, 1)
            assert caught.value.type == "org.RDPMux.Error.RegistrationRefused"
            await service.register("ii", 9, 1)  # the same VM, once more
            await disconnect(service.caller)
            await until(lambda: service.host.lost == ["vm-9"])
            await call(other, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", "ii", 9, 1)
            assert service.host.added == ["vm-9"] * 3
            assert service.host.removed == []
            service.caller = other

    asyncio.run(scenario())


def test_one_service_per_bus(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Service(bus, tmp_path) as service:
            with pytest.raises(BackendError, match="belongs to another process"):
                await service.new_backend().start(FakeHost())

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("address", "text"), [("unix:path=/nonexistent/bus", "nonexistent"), ("nonsense:x=1", "nonsense")]
)
def test_no_bus_is_a_clear_error(address: str, text: str) -> None:
    async def scenario() -> None:
        with pytest.raises(BackendError, match=text):
            await LibrdpmuxBackend(address).start(FakeHost())

    asyncio.run(scenario())


def test_a_guest_registers_again_with_a_new_service(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Service(bus, tmp_path) as service:
            guest = await Guest.register(bus, InputNotes(), vm_id=3, shared_memory=tmp_path)
            async with guest:
                guest.switch(pixel_format(PixelCode.X8R8G8B8), 64, 48)
                guest.pixels[1, 2] = (1, 2, 3, 0)
                await until(lambda: guest.is_settled)
                await service.backend.stop()
                await until(lambda: not guest.is_connected)
                service.backend = service.new_backend()
                await service.backend.start(service.host)
                await until(lambda: guest.uuid in service.host.vms)
                screen = service.host.vms[guest.uuid].screen
                await until(lambda: screen.pixels[1, 2, :3].tolist() == [1, 2, 3])
            await until(lambda: service.host.vms == {})

    asyncio.run(scenario())


def test_both_ends_outlive_their_bus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.mux.librdpmux.dbus_service.RECONNECT_SECONDS", 0.01)
    monkeypatch.setattr("pyrdpmux.mux.guest.registration.RECONNECT_SECONDS", 0.01)
    daemon = start_daemon(tmp_path)
    address = f"unix:path={tmp_path / 'bus'}"

    async def scenario() -> None:
        nonlocal daemon
        async with Service(address, tmp_path) as service:
            guest = await Guest.register(address, InputNotes(), vm_id=3, shared_memory=tmp_path)
            guest.switch(pixel_format(PixelCode.X8R8G8B8), 48, 48)
            await until(lambda: guest.is_settled)
            await service.register("ii", 9, 1)
            stop_daemon(daemon)
            with pytest.raises(EOFError):
                await service.caller.wait_for_disconnect()  # type: ignore[no-untyped-call]
            await until(lambda: service.host.lost == ["vm-9"])
            assert guest.is_connected, "the guest's socket needs no bus"
            (tmp_path / "bus").unlink(missing_ok=True)
            daemon = start_daemon(tmp_path)
            await until(lambda: service.host.added.count(guest.uuid) >= 2)
            service.caller = await connect_bus(address)
            await service.register("ii", 9, 1)
            assert service.host.added.count("vm-9") == 2
            guest.switch(pixel_format(PixelCode.X8R8G8B8), 64, 48)
            await until(lambda: service.host.vms[guest.uuid].screen.width == 64)
            await guest.close()

    try:
        asyncio.run(scenario())
    finally:
        stop_daemon(daemon)
