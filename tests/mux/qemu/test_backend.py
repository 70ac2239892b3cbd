"""QEMUs that come, change, go and return: the backend against a stand-in."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.backend import ResizeSink, VmStatus
from pyrdpmux.mux.picture.cursor import Cursor
from pyrdpmux.mux.qemu import machine
from pyrdpmux.mux.qemu.backend import QemuBackend, open_backend
from pyrdpmux.mux.qemu.wire import Variant
from tests.mux.qemu.fake_qemu import ROOT, FakeQemu
from tests.mux.support.fake_host import FakeHost, FakeVm, until

CONSOLE = f"{ROOT}/Console_0"
GRACE = 0.2


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FIRST_WAIT", 0.01)
    monkeypatch.setattr(machine, "LONGEST_WAIT", 0.02)


@asynccontextmanager
async def backend(
    machines: Mapping[str, str] | None = None, sockets: Sequence[str] = ()
) -> AsyncIterator[FakeHost]:
    host = FakeHost()
    running = QemuBackend(machines, sockets, scan_seconds=0.02, grace_seconds=GRACE)
    await running.start(host)
    try:
        yield host
    finally:
        await running.stop()


async def shown(host: FakeHost, qemu: FakeQemu, name: str = "guest", path: str = CONSOLE) -> FakeVm:
    """The VM, once QEMU can draw."""
    await until(lambda: path in qemu.listeners and bool(qemu.listeners[path].answers()))
    return host.vms[name]


def plane(width: int, height: int, value: int) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[..., :3] = value
    return pixels


def is_plain(vm: FakeVm, width: int, height: int, value: int) -> bool:
    screen = vm.screen
    return (screen.width, screen.height) == (width, height) and bool((screen.pixels[..., :3] == value).all())


def test_a_configured_one(tmp_path: Path) -> None:
    """It has its console before it is there, its picture when it is, and input goes back."""

    async def scenario() -> None:
        path = tmp_path / "qmp"
        async with backend({"web": f"unix:{path}"}) as host:
            await until(lambda: host.lost == ["web"])
            qemu = FakeQemu(path)
            vm = await shown(host, qemu, "web")
            assert vm.uuid is None  # of the first registration, before anything was known
            qemu.listeners[CONSOLE].scanout(plane(320, 200, 9))
            await until(lambda: is_plain(vm, 320, 200, 9))
            assert vm.statuses == [(VmStatus.RUNNING, "")]
            vm.input.key(0x1E, extended=False, extended1=False, down=True)
            vm.input.pointer(5, 6)
            await until(lambda: ("Mouse", "SetAbsPosition", 5, 6) in qemu.calls)
            assert ("Keyboard", "Press", 0x1E) in qemu.calls
            assert host.added == ["web", "web"]
            qemu.close()

    asyncio.run(scenario())


def test_a_guest_that_can_takes_the_size_of_a_window(tmp_path: Path) -> None:
    """As with virtio-gpu and a driver for it in the guest."""

    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        qemu.can_resize = True
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            qemu.listeners[CONSOLE].scanout(plane(640, 480, 9))
            await until(lambda: is_plain(vm, 640, 480, 9))
            for width, height in ((1300, 800), (802, 600)):
                assert isinstance(vm.input, ResizeSink)
                vm.input.request_size(width, height)
                await until(lambda: qemu.calls[-1:] == [("Console", "SetUIInfo", 0, 0, 0, 0, width, height)])  # noqa: B023
                qemu.listeners[CONSOLE].scanout(plane(width, height, 7))
                await until(lambda: is_plain(vm, width, height, 7))  # noqa: B023
        qemu.close()

    asyncio.run(scenario())


class RestlessQemu(FakeQemu):
    """Its guest switches modes just when somebody asks for the properties."""

    def _properties(self, interface: str) -> dict[str, Variant]:
        if interface == "Mouse":
            self.size = (720, 400)
            self.change(CONSOLE, "Console", Width=("u", 720), Height=("u", 400))
        return super()._properties(interface)


def test_a_switch_of_modes_while_it_is_opened(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = RestlessQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            qemu.listeners[CONSOLE].scanout(plane(720, 400, 9))
            await until(lambda: is_plain(vm, 720, 400, 9))
        qemu.close()

    asyncio.run(scenario())


def test_it_dies_and_returns(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "qmp"
        async with backend(sockets=[str(tmp_path)]) as host:
            for life in range(3):
                qemu = FakeQemu(path)
                vm = await shown(host, qemu)
                qemu.listeners[CONSOLE].scanout(plane(64, 64, life))
                await until(lambda vm=vm, life=life: is_plain(vm, 64, 64, life))  # type: ignore[misc]
                qemu.close()
                await until(lambda life=life: len(host.lost) == life + 1)  # type: ignore[misc]
            assert host.added == ["guest"] * 3
            assert len(host.vms) == 1
            assert host.removed == []

    asyncio.run(scenario())


def test_one_that_was_found_and_stays_away_is_removed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with backend(sockets=[f"{tmp_path}/*.sock"]) as host:
            qemu = FakeQemu(tmp_path / "a.sock")
            await shown(host, qemu)
            qemu.close(unlink=True)
            await until(lambda: bool(host.removed))
            assert host.lost == ["guest"]
            assert host.removed == [("guest", "QEMU has ended")]

    asyncio.run(scenario())


def test_two_of_one_name_and_one_without(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemus = [
            FakeQemu(tmp_path / name, called) for name, called in (("a", "twin"), ("b", "twin"), ("c", ""))
        ]
        (tmp_path / "file").touch()
        async with backend(sockets=[str(tmp_path)]) as host:
            await until(lambda: len(host.vms) == 3)
            assert sorted(host.vms)[0] == "c"
            assert sorted(host.vms)[1:] in (["twin", "twin@a"], ["twin", "twin@b"])
        for qemu in qemus:
            qemu.close()

    asyncio.run(scenario())


def test_several_consoles(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp", consoles=(0, 1))
        async with backend({"web": str(qemu.path)}) as host:
            first = await shown(host, qemu, "web")
            second = await shown(host, qemu, "web:1", f"{ROOT}/Console_1")
            qemu.listeners[f"{ROOT}/Console_1"].scanout(plane(32, 32, 5))
            await until(lambda: is_plain(second, 32, 32, 5))
            assert first.screen.width == 640
        assert host.lost == ["web", "web", "web:1"]  # the first one: before it was there
        qemu.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        ("paused", "STOP", VmStatus.PAUSED),
        ("io-error", "BLOCK_IO_ERROR", VmStatus.PAUSED),
        ("shutdown", "SHUTDOWN", VmStatus.PAUSED),
        ("suspended", "SUSPEND", VmStatus.PAUSED),
        ("guest-panicked", "GUEST_PANICKED", VmStatus.CRASHED),
        ("finish-migrate", "STOP", VmStatus.MIGRATING),
        ("postmigrate", "MIGRATION", VmStatus.MIGRATING),
        ("something-new", "STOP", VmStatus.PAUSED),
    ],
)
def test_run_states(tmp_path: Path, state: str, event: str, expected: VmStatus) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            await until(lambda: vm.statuses == [(VmStatus.RUNNING, "")])
            qemu.status = state
            qemu.event(event)
            await until(lambda: len(vm.statuses) == 2)
            assert vm.statuses[-1][0] is expected
            qemu.status = "running"
            qemu.event("RESUME")
            await until(lambda: len(vm.statuses) == 3)
            assert vm.statuses[-1] == (VmStatus.RUNNING, "")
        qemu.close()

    asyncio.run(scenario())


def test_a_vm_that_is_paused_when_it_is_found(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        qemu.status = "paused"
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            await until(lambda: bool(vm.statuses))
            assert vm.statuses == [(VmStatus.PAUSED, "")]
        qemu.close()

    asyncio.run(scenario())


def test_every_state_of_qmp_has_a_status() -> None:
    assert {status for status, _ in machine.STATUSES.values()} <= set(VmStatus)
    assert len(machine.STATUSES) == 16


def test_reset_until_something_is_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            listener = qemu.listeners[CONSOLE]
            listener.scanout(plane(8, 8, 1))
            await until(lambda: is_plain(vm, 8, 8, 1) and bool(vm.statuses))
            qemu.event("RESET", guest=True)
            await until(lambda: vm.statuses[-1][0] is VmStatus.STARTING)
            listener.scanout(plane(8, 8, 2))
            await until(lambda: vm.statuses[-1] == (VmStatus.RUNNING, ""))
        qemu.close()

    asyncio.run(scenario())


def test_no_signal(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            listener = qemu.listeners[CONSOLE]
            listener.scanout(plane(8, 8, 1))
            await until(lambda: is_plain(vm, 8, 8, 1))
            listener.call("Disable", "")
            await until(lambda: vm.statuses[-1][0] is VmStatus.NO_SIGNAL)
            listener.scanout(plane(8, 8, 1))
            await until(lambda: vm.statuses[-1][0] is VmStatus.RUNNING)
        qemu.close()

    asyncio.run(scenario())


def test_text_modes_change_size_without_a_scanout(tmp_path: Path) -> None:
    """The update may come before the properties, and the properties before an old update."""

    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            listener = qemu.listeners[CONSOLE]
            listener.scanout(plane(64, 48, 1))
            await until(lambda: is_plain(vm, 64, 48, 1))
            qemu.size = (72, 40)
            listener.update(0, 0, plane(72, 40, 2))
            await asyncio.sleep(0.02)
            assert vm.screen.width == 64
            qemu.change(CONSOLE, "Console", Width=("u", 72), Height=("u", 40))
            await until(lambda: is_plain(vm, 72, 40, 2))
            listener.update(0, 40, plane(64, 8, 3))  # was on its way when the size changed
            await asyncio.sleep(0.15)
            assert is_plain(vm, 72, 40, 2)
        qemu.close()

    asyncio.run(scenario())


def test_cursor_leds_and_pointer_mode(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        qemu.modifiers = 2
        qemu.is_absolute = False
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            assert vm.leds == 2
            assert not vm.is_absolute
            qemu.change(CONSOLE, "Keyboard", Modifiers=("u", 5))
            await until(lambda: vm.leds == 5)
            qemu.is_absolute = True
            qemu.change(CONSOLE, "Mouse", IsAbsolute=("b", True))
            await until(lambda: vm.is_absolute)
            listener = qemu.listeners[CONSOLE]
            listener.call("CursorDefine", "iiiiay", 1, 1, 0, 0, b"\1\2\3\xff")
            await until(lambda: isinstance(vm.screen.cursor, Cursor))
        qemu.close()

    asyncio.run(scenario())


def test_a_pointer_mode_that_is_not_told(tmp_path: Path) -> None:
    """A vdagent: IsAbsolute says false, positions are taken."""

    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        qemu.mode_hint = False
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            assert not vm.is_absolute
            vm.input.relative(1, 1)
            await until(lambda: vm.is_absolute)
            vm.input.pointer(3, 4)
            await until(lambda: qemu.calls[-1] == ("Mouse", "SetAbsPosition", 3, 4))
        qemu.close()

    asyncio.run(scenario())


def test_a_display_that_breaks_its_protocol_is_opened_anew(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        async with backend({"web": str(qemu.path)}) as host:
            vm = await shown(host, qemu, "web")
            first = qemu.listeners[CONSOLE]
            first.call("Scanout", "uuuuay", 8, 8, 32, 0xDEAD, bytes(256))
            await until(lambda: len(host.lost) == 2)
            await until(lambda: qemu.listeners[CONSOLE] is not first)
            assert await shown(host, qemu, "web") is vm
            qemu.listeners[CONSOLE].scanout(plane(8, 8, 4))
            await until(lambda: is_plain(vm, 8, 8, 4))
        qemu.close()

    asyncio.run(scenario())


def test_a_qemu_with_another_display_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        qemu = FakeQemu(tmp_path / "qmp")
        qemu.display_options = {"type": "gtk"}
        async with backend({"web": str(qemu.path)}) as host:
            await until(lambda: qemu.commands.count("query-display-options") > 3)
            assert host.added == ["web"]
        qemu.close()

    caplog.set_level(logging.INFO)
    asyncio.run(scenario())
    assert caplog.text.count("without -display dbus") == 1


def test_addresses_are_checked_at_once() -> None:
    with pytest.raises(ConfigError):
        open_backend("web", "somewhere")
    assert isinstance(open_backend("web", "unix:/run/x"), QemuBackend)


def test_while_nobody_looks_qemu_is_not_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.mux.qemu.console.UNWATCHED_SECONDS", 0.01)

    async def scenario() -> None:
        path = tmp_path / "qmp"
        async with backend({"web": f"unix:{path}"}) as host:
            qemu = FakeQemu(path)
            vm = await shown(host, qemu, "web")
            first = qemu.listeners[CONSOLE]
            first.scanout(plane(320, 200, 9))
            await until(lambda: is_plain(vm, 320, 200, 9))
            lost = len(host.lost)
            vm.look(False)
            await until(lambda: vm.screen.surface.version == 0)
            assert (vm.screen.width, vm.screen.height) == (320, 200)
            assert is_plain(vm, 320, 200, 0)
            vm.look(True)
            await until(lambda: qemu.listeners[CONSOLE] is not first)
            second = qemu.listeners[CONSOLE]
            second.scanout(plane(320, 200, 7))
            await until(lambda: is_plain(vm, 320, 200, 7))
            vm.look(False)
            vm.look(True)
            second.update(0, 0, plane(320, 200, 5))
            await until(lambda: is_plain(vm, 320, 200, 5))
            assert qemu.listeners[CONSOLE] is second, "who comes again soon finds it as it was"
            assert len(host.lost) == lost
            qemu.close()

    asyncio.run(scenario())
