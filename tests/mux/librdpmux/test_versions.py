"""A stand-in client of each version on a bus of our own: its call, its transport, its bytes (section 4.5)."""

import asyncio
import os
import shutil
import stat
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant
from dbus_fast.aio import MessageBus

from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, INTERFACE, PROPERTIES, call, connect_bus
from tests.mux.librdpmux.test_dbus_service import disconnect, start_daemon, stop_daemon
from tests.mux.support.fake_host import FakeHost, FakeVm, until
from tests.mux.support.library import Library, connect_library
from tests.rows import unhex

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

UUID = "6B8B4567-327b-23c6-643c-986966334873"
VM_ID = 1804289383
GREETING = unhex("93 05 01 3c")
"""What those of 4 and 5 ignore, and a new server finds them with."""


@dataclass(frozen=True)
class Version:
    """What distinguishes one; ``base`` is that of its message types."""

    number: int
    signature: str
    arguments: tuple[object, ...]
    base: int
    acknowledgement: str | None
    label: str = field(default="", kw_only=True)

    @property
    def path(self) -> str:
        return f"/org/RDPMux/Protocol{self.number}"

    @property
    def name(self) -> str:
        return f"vm-{VM_ID}" if self.number == 1 else UUID.lower()

    @property
    def element(self) -> str:
        return str(VM_ID) if self.number == 1 else UUID.lower().replace("-", "")

    def message(self, kind: int, rest: str) -> str:
        length = {0: "95", 1: "94", 2: "94", 3: "93", 5: "91"}[kind]
        return f"{length} {kind + self.base:02x} {rest}"


VERSIONS = [
    Version(1, "ii", (VM_ID, 1), 0, "92 04 01"),
    Version(2, "iis", (VM_ID, 2, UUID), 0, "92 04 01"),
    Version(3, "iis", (VM_ID, 3, UUID), 0, "93 04 01 3c"),
    Version(4, "iisq", (VM_ID, 4, UUID, 0), 0, "93 04 01 3c", label="4a"),
    Version(4, "iisq", (VM_ID, 4, UUID, 0), 1, None),
    Version(4, "iisqs", (VM_ID, 4, UUID, 0, ""), 1, None, label="4b"),
    Version(5, "iisqs", (VM_ID, 5, UUID, 0, ""), 1, None),
]
each_version = pytest.mark.parametrize(
    "version", VERSIONS, ids=[version.label or str(version.number) for version in VERSIONS]
)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    daemon = start_daemon(tmp_path)
    yield f"unix:path={tmp_path / 'bus'}"
    stop_daemon(daemon)


class Hypervisor:
    """A server, and a VM of that version at it."""

    def __init__(self, bus: str, tmp_path: Path, version: Version) -> None:
        self.bus = bus
        self.version = version
        self.directory = tmp_path / "s"
        self.directory.mkdir()
        self.memory = tmp_path / f"{VM_ID}.rdpmux"
        self.host = FakeHost()
        self.backend = self.new_backend()
        self.caller: MessageBus
        self.library: Library
        self.endpoint = ""

    def new_backend(self) -> LibrdpmuxBackend:
        return LibrdpmuxBackend(
            self.bus,
            directory=self.directory,
            state_dir=self.directory,
            shared_memory=self.memory.parent,
        )

    async def __aenter__(self) -> "Hypervisor":
        await self.backend.start(self.host)
        self.caller = await connect_bus(self.bus)
        self.endpoint = await self.register(self.version.path)
        self.library = connect_library(self.version.number, self.endpoint, UUID)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.library.close()
        if self.caller.connected:
            await disconnect(self.caller)
        await self.backend.stop()

    async def register(self, path: str) -> str:
        return str(await self.call(path, "Register", self.version.signature, *self.version.arguments))

    async def call(self, path: str, member: str, signature: str = "", *arguments: object) -> Any:
        interface = INTERFACE if member == "Register" else "org.RDPMux.RDPListener"
        body = await call(self.caller, BUS_NAME, path, interface, member, signature, *arguments)
        return body[0] if body else None

    async def get_all(self, path: str, interface: str) -> dict[str, Variant]:
        (properties,) = await call(self.caller, BUS_NAME, path, PROPERTIES, "GetAll", "s", interface)
        return dict(properties)

    @property
    def vm(self) -> FakeVm:
        return self.host.vms[self.version.name]

    def paint(self, blue: int) -> None:
        """All of the 800x600 picture; the library's object is read-only for everybody."""
        if self.memory.exists():
            self.memory.unlink()
        self.memory.write_bytes(bytes([blue, 2, 3, 255]) * (800 * 600))
        self.memory.chmod(0o444)

    async def switch(self) -> None:
        await self.library.send(self.version.message(1, "ce20020888 cd0320 cd0258"))
        await until(lambda: self.vm.screen.width == 800)

    async def expect_input(self) -> None:
        """Of section 4.5; acknowledgements may come in between."""
        version, sink = self.version, self.vm.input
        sink.key(0x1E, extended=False, extended1=False, down=True)
        sink.key(0x1E, extended=False, extended1=False, down=False)
        sink.key(0x1D, extended=True, extended1=False, down=True)
        sink.button(Button.LEFT, down=True, x=700, y=5)
        expected = [
            version.message(3, "1e cd4000"),
            version.message(3, "1e cd8000"),
            version.message(3, "1d cd4100"),
            version.message(2, "cd02bc 05 cd0800"),
            version.message(2, "cd02bc 05 cd9000"),
        ]
        received: list[bytes] = []
        while len(received) < len(expected):
            data = await self.library.receive()
            if not self.is_acknowledgement(data) and data != GREETING:
                received.append(data)
        assert received == [unhex(text) for text in expected]

    def is_acknowledgement(self, data: bytes) -> bool:
        expected = self.version.acknowledgement
        return expected is not None and data == unhex(expected)


def play(hypervisor: Hypervisor, scenario: Callable[[Hypervisor], Awaitable[None]]) -> None:
    async def entered() -> None:
        async with asyncio.timeout(20), hypervisor:
            await scenario(hypervisor)

    asyncio.run(entered())


@each_version
def test_a_whole_conversation(bus: str, tmp_path: Path, version: Version) -> None:
    async def scenario(vm: Hypervisor) -> None:
        properties = await vm.get_all(version.path, INTERFACE)
        versions = properties["SupportedProtocolVersions"]
        assert (versions.signature, versions.value[0]) == ("ai", version.number)
        path = Path(vm.endpoint.removeprefix("ipc://"))
        assert path == vm.directory / f"{VM_ID}.socket"
        status = os.stat(path)
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (os.getuid(), 0o600)
        assert vm.vm.uuid == (None if version.number == 1 else UUID.lower())

        vm.paint(1)
        await vm.switch()
        await until(lambda: bool((vm.vm.screen.pixels[:, :, :3] == (1, 2, 3)).all()))
        vm.memory.chmod(0o600)
        with vm.memory.open("r+b") as file:
            file.seek(4 * (192 * 800 + 100))
            file.write(b"\x09\x08\x07")
        await vm.library.send(version.message(0, "60 ccc0 cd0130 30"))
        await until(lambda: vm.vm.screen.pixels[192, 100, :3].tolist() == [9, 8, 7])
        if version.acknowledgement is not None:
            assert await vm.library.receive() == unhex(version.acknowledgement)
        await vm.expect_input()
        # negative width, as the library really sends it after a shrink
        await vm.library.send(version.message(0, "cd02b0 60 cffffffffffffffff0 40"))
        if version.acknowledgement is not None:
            assert vm.is_acknowledgement(await vm.library.receive())
        await vm.library.send(version.message(5, ""))
        await until(lambda: vm.host.removed == [(version.name, "the VM has shut down")])
        await until(lambda: os.listdir(vm.directory) == ["librdpmux.json"])

    play(Hypervisor(bus, tmp_path, version), scenario)


@each_version
def test_its_death_shows_on_the_bus(bus: str, tmp_path: Path, version: Version) -> None:
    async def scenario(vm: Hypervisor) -> None:
        vm.paint(1)
        await vm.switch()
        await disconnect(vm.caller)
        await until(lambda: vm.host.lost == [version.name])
        assert vm.host.removed == []

    play(Hypervisor(bus, tmp_path, version), scenario)


@each_version
def test_it_goes_on_with_the_next_daemon(bus: str, tmp_path: Path, version: Version) -> None:
    """The library never registers again: it connects where it was connected, and may have nothing to say."""

    async def scenario(vm: Hypervisor) -> None:
        vm.paint(1)
        await vm.switch()
        await vm.expect_input()
        await vm.backend.stop()
        assert vm.host.vms == {}
        vm.memory.chmod(0o600)
        vm.memory.write_bytes(bytes([7, 2, 3, 255]) * (800 * 600))
        vm.backend = vm.new_backend()
        await vm.backend.start(vm.host)
        assert vm.host.added == [version.name] * 2
        await until(lambda: bool((vm.vm.screen.pixels[:, :, :3] == (7, 2, 3)).all()))
        guest = vm.backend.server.guests[0]
        await until(lambda: guest.is_connected)
        await vm.expect_input()
        await vm.library.send(version.message(0, "00 00 cd0320 cd0258"))
        if version.acknowledgement is not None:
            assert vm.is_acknowledgement(await vm.library.receive())
        assert vm.host.lost == []
        await disconnect(vm.caller)
        await until(lambda: vm.host.lost == [version.name])

    play(Hypervisor(bus, tmp_path, version), scenario)


@each_version
def test_it_is_not_resumed_if_it_died_meanwhile(bus: str, tmp_path: Path, version: Version) -> None:
    async def scenario(vm: Hypervisor) -> None:
        vm.paint(1)
        await vm.switch()
        await vm.backend.stop()
        await disconnect(vm.caller)
        vm.backend = vm.new_backend()
        await vm.backend.start(vm.host)
        assert vm.host.vms == {}
        assert not vm.memory.exists(), "left behind"
        await vm.backend.stop()
        await vm.backend.start(vm.host)
        assert vm.host.added == [version.name], "forgotten"

    play(Hypervisor(bus, tmp_path, version), scenario)


@each_version
def test_every_object_takes_every_version(bus: str, tmp_path: Path, version: Version) -> None:
    async def scenario(vm: Hypervisor) -> None:
        for path in ("/org/RDPMux/RDPMux", *[f"/org/RDPMux/Protocol{number}" for number in range(1, 6)]):
            assert await vm.register(path) == vm.endpoint

    play(Hypervisor(bus, tmp_path, version), scenario)
