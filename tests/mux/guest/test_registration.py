"""Which version a guest registers with, towards our server and towards the original ones (section 11.2)."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from dbus_fast import DBusError, ErrorType, Message, MessageType, PropertyAccess
from dbus_fast.annotations import DBusSignature
from dbus_fast.service import ServiceInterface, dbus_property

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Button
from pyrdpmux.mux.guest import Guest, PixelCode, Rect, pixel_format
from pyrdpmux.mux.librdpmux.backend import LibrdpmuxBackend
from pyrdpmux.mux.librdpmux.bus import BUS_NAME, ERROR_VERSION, INTERFACE, OBJECT_PATH, connect_bus
from tests.mux.librdpmux.test_dbus_service import disconnect, start_daemon, stop_daemon
from tests.mux.support.fake_host import FakeHost, InputNotes, until

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

UUID = "6b8b4567-327b-23c6-643c-986966334873"


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    daemon = start_daemon(tmp_path)
    yield f"unix:path={tmp_path / 'bus'}"
    stop_daemon(daemon)


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(bounded())


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_every_version_works(bus: str, tmp_path: Path, version: int) -> None:
    async def scenario() -> None:
        host = FakeHost()
        backend = LibrdpmuxBackend(bus, directory=tmp_path, shared_memory=tmp_path)
        await backend.start(host)
        notes = InputNotes()
        guest = await Guest.register(
            bus, notes, vm_id=3, uuid=UUID, port=4711, versions=[version], shared_memory=tmp_path
        )
        async with guest:
            assert guest.protocol.version == version
            [vm] = host.vms.values()
            assert vm.port == (4711 if version >= 4 else 3901)
            assert vm.uuid == (UUID if version >= 2 else None)
            picture = np.random.default_rng(version).integers(0, 256, (100, 200, 4), np.uint8)
            guest.switch(pixel_format(PixelCode.X8R8G8B8), 200, 100)
            guest.show(Rect(0, 0, 200, 100), picture)
            await until(lambda: vm.screen.width == 200 and bool((vm.screen.pixels == picture)[..., :3].all()))
            for value in range(5):
                picture[value * 10] = value
                guest.show(Rect(0, 0, 200, 100), picture)
            await until(lambda: guest.is_settled)
            await until(lambda: bool((vm.screen.pixels == picture)[..., :3].all()))
            vm.input.key(0x1E, extended=False, extended1=False, down=True)
            vm.input.button(Button.LEFT, down=True, x=20, y=30)
            await until(lambda: len(notes.events) == 3)
            assert notes.events == [
                ("key", 0x1E, False, False, True),
                ("pointer", 20, 30),
                ("button", Button.LEFT, True, 20, 30),
            ]
        await until(lambda: [reason for _, reason in host.removed] == ["the VM has shut down"])
        await backend.stop()

    play(scenario)


@pytest.mark.parametrize(
    ("versions", "path", "expected"),
    [
        (None, OBJECT_PATH, 5),
        (None, "/org/RDPMux/Protocol1", 5),
        ([2, 1], OBJECT_PATH, 2),
        ([9, 4], OBJECT_PATH, 4),
    ],
)
def test_the_best_common_version(
    bus: str, tmp_path: Path, versions: list[int] | None, path: str, expected: int
) -> None:
    async def scenario() -> None:
        backend = LibrdpmuxBackend(bus, directory=tmp_path, shared_memory=tmp_path)
        await backend.start(FakeHost())
        guest = await Guest.register(bus, InputNotes(), versions=versions, path=path, shared_memory=tmp_path)
        assert guest.protocol.version == expected
        await guest.close()
        await backend.stop()

    play(scenario)


def test_without_pyzmq_both_ends_know_what_they_can_do(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        backend = LibrdpmuxBackend(bus, directory=tmp_path, shared_memory=tmp_path)
        await backend.start(FakeHost())
        monkeypatch.setattr("pyrdpmux.mux.librdpmux.dbus_service.has_zeromq", lambda: False)
        with pytest.raises(BackendError, match="pip install 'pyrdpmux"):
            await Guest.register(bus, InputNotes(), versions=[5], shared_memory=tmp_path)
        assert "protocol version 5: ZeroMQ is not installed here" in caplog.text
        guest = await Guest.register(bus, InputNotes(), shared_memory=tmp_path)
        assert guest.protocol.version == 2, "the server can do no more"
        await guest.close()
        monkeypatch.setattr("pyrdpmux.mux.guest.registration.has_zeromq", lambda: False)
        guest = await Guest.register(bus, InputNotes(), shared_memory=tmp_path)
        assert guest.protocol.version == 2
        await guest.close()
        await backend.stop()

    play(scenario)


class Original(ServiceInterface):
    """The main object of an original server: one version, and perhaps another signature than expected."""

    def __init__(self, versions: list[int]) -> None:
        super().__init__(INTERFACE)
        self._versions = versions

    @dbus_property(access=PropertyAccess.READ, name="SupportedProtocolVersions")
    def supported_protocol_versions(self) -> Annotated[list[int], DBusSignature("ai")]:
        return self._versions


async def register_at_original(
    bus: str, tmp_path: Path, versions: list[int], answers: dict[str, str | DBusError]
) -> tuple[list[tuple[str, list[object]]], Guest | BackendError]:
    """The calls that the server saw, and what became of the guest."""
    calls: list[tuple[str, list[object]]] = []
    server = await connect_bus(bus)
    server.export(OBJECT_PATH, Original(versions))

    def answer(message: Message) -> Message | bool:
        if message.message_type is not MessageType.METHOD_CALL or message.member != "Register":
            return False
        calls.append((message.signature, message.body))
        result = answers.get(message.signature, DBusError(ErrorType.INVALID_ARGS, "signature"))
        if isinstance(result, DBusError):
            return Message.new_error(message, result.type, result.text)
        return Message.new_method_return(message, "s", [result])

    server.add_message_handler(answer)
    await server.request_name(BUS_NAME)
    try:
        guest = await Guest.register(
            bus,
            InputNotes(),
            vm_id=3,
            uuid=UUID,
            port=17,
            auth_file="/etc/sam",
            name="the original knows no names",
            shared_memory=tmp_path,
        )
    except BackendError as error:
        return calls, error
    else:
        guest.switch(pixel_format(PixelCode.X8R8G8B8), 4096, 2048)
        if len(versions) == 1:
            with pytest.raises(BackendError, match="reads no more than 33554432 bytes"):
                guest.switch(pixel_format(PixelCode.X8R8G8B8), 4097, 2048)
        await guest.close()
        return calls, guest
    finally:
        await disconnect(server)


@pytest.mark.parametrize(
    ("version", "calls"),
    [
        (1, [("ii", [3, 1])]),
        (2, [("iis", [3, 2, UUID])]),
        (3, [("iis", [3, 3, UUID])]),
        (4, [("iisq", [3, 4, UUID, 17])]),
        (5, [("iisqs", [3, 5, UUID, 17, "/etc/sam"])]),
    ],
)
def test_what_the_original_server_is_told(
    bus: str, tmp_path: Path, version: int, calls: list[tuple[str, list[object]]]
) -> None:
    async def scenario() -> None:
        answers: dict[str, str | DBusError] = {calls[0][0]: f"ipc://{tmp_path / 'nothing'}"}
        seen, guest = await register_at_original(bus, tmp_path, [version], answers)
        assert seen == calls
        assert isinstance(guest, Guest)
        assert guest.protocol.version == version

    play(scenario)


def test_the_4b_of_one_summer(bus: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        answers: dict[str, str | DBusError] = {"iisqs": f"ipc://{tmp_path / 'nothing'}"}
        seen, guest = await register_at_original(bus, tmp_path, [4], answers)
        assert seen == [("iisq", [3, 4, UUID, 17]), ("iisqs", [3, 4, UUID, 17, "/etc/sam"])]
        assert isinstance(guest, Guest)

    play(scenario)


@pytest.mark.parametrize(
    ("versions", "answers", "complaint", "attempts"),
    [
        ([5], {"iisqs": ""}, "refused without a reason", 1),
        ([], {}, "speaks protocol", 0),
        ([6, 7], {}, "speaks protocol", 0),
        ([5, 1], {"iisqs": DBusError("org.RDPMux.Error.RegistrationRefused", "no room")}, "no room", 1),
        ([5, 1], {"iisqs": DBusError(ERROR_VERSION, "not today")}, "not today", 2),
        ([3], {}, "signature", 1),
    ],
)
def test_refusals_are_noticed(
    bus: str,
    tmp_path: Path,
    versions: list[int],
    answers: dict[str, str | DBusError],
    complaint: str,
    attempts: int,
) -> None:
    async def scenario() -> None:
        seen, error = await register_at_original(bus, tmp_path, versions, answers)
        assert isinstance(error, BackendError)
        assert complaint in str(error)
        assert len(seen) == attempts
        assert not (tmp_path / "3.rdpmux").exists()

    play(scenario)


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_a_name_is_what_the_daemon_calls_it(bus: str, tmp_path: Path, version: int) -> None:
    async def scenario() -> None:
        host = FakeHost()
        backend = LibrdpmuxBackend(bus, directory=tmp_path, shared_memory=tmp_path)
        await backend.start(host)
        guest = await Guest.register(
            bus, InputNotes(), name="build 7", uuid=UUID, versions=[version], shared_memory=tmp_path
        )
        async with guest:
            assert guest.protocol.version == version
            assert list(host.vms) == ["build 7"]
        await backend.stop()

    play(scenario)


def test_a_vm_that_is_called_something_else_is_not_there_twice(bus: str, tmp_path: Path) -> None:
    """The same UUID: the same VM."""

    async def scenario() -> None:
        host = FakeHost()
        backend = LibrdpmuxBackend(bus, directory=tmp_path, shared_memory=tmp_path)
        await backend.start(host)
        first = await Guest.register(bus, InputNotes(), name="old", uuid=UUID, shared_memory=tmp_path)
        await first.close(vanish=True)
        second = await Guest.register(bus, InputNotes(), name="new", uuid=UUID, shared_memory=tmp_path)
        assert list(host.vms) == ["new"]
        assert host.removed == [("old", "it is called new now")]
        await second.close()
        await backend.stop()

    play(scenario)


@pytest.mark.parametrize("name", ["", " " * 65, "a\nb"])
def test_a_name_that_cannot_be_is_refused(bus: str, tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        backend = LibrdpmuxBackend(bus, directory=tmp_path, shared_memory=tmp_path)
        host = FakeHost()
        await backend.start(host)
        register = Guest.register(bus, InputNotes(), name=name, uuid=UUID, shared_memory=tmp_path)
        if name:
            with pytest.raises(BackendError, match="1 to 64 printable characters"):
                await register
        else:
            async with await register:
                assert list(host.vms) == [UUID]
        await backend.stop()

    play(scenario)
