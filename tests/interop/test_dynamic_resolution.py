"""The size of xfreerdp's window reaches the demo VM, a VNC server and QEMU; it shows all of the VM."""

import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from pyrdpmux.harness.programs import Program, ProgramError, free_port, wait_until
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import Backend
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.demo import DemoBackend
from pyrdpmux.mux.input.typist import Typist
from pyrdpmux.mux.qemu.input import QemuInput
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.mux.vnc.backend import VncBackend
from pyrdpmux.mux.vnc.target import parse_target
from pyrdpmux.rdp.nla.accounts import Accounts
from tests.interop.client import Client, xfreerdp
from tests.interop.conftest import Start
from tests.interop.qemu import GRUB, PASSWORD, PATIENCE, QEMU, USER, Daemon, grub

XTIGERVNC: Final = "Xtigervnc"
FIRST: Final = (1000, 700)

Connect = Callable[[Daemon], Client]


class AnyDaemon(Daemon):
    """A registry and any backend on a loop of their own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.backends: list[Backend] = []

    def make(self) -> Backend:
        """Called on the loop."""
        raise NotImplementedError

    async def _start(self) -> None:
        config = Config(
            port=free_port(), state_dir=self._folder / "state", security=SecuritySettings(nla=True, tls=True)
        )
        accounts = Accounts().with_password(USER, "", PASSWORD)
        self.registry = Registry(config, ConnectionFactory(config, accounts=accounts))
        self.backends.append(self.make())
        await self.backends[0].start(self.registry)

    async def _stop(self) -> None:
        await self.registry.close("the test is over")
        await self.backends[0].stop()


class DemoDaemon(AnyDaemon):
    def make(self) -> Backend:
        return DemoBackend("vm")

    def pause(self) -> None:
        """Its clock stands still; the pointer may still leave its trail."""

        async def pause() -> None:
            [demo] = self.backends
            assert isinstance(demo, DemoBackend)
            assert demo.vm is not None
            demo.vm.machine.paused = True

        self.do(pause())


class VncDaemon(AnyDaemon):
    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder)
        self._vnc_port = port

    def make(self) -> Backend:
        return VncBackend("vm", parse_target(f"127.0.0.1:{self._vnc_port}"), longest_pause=0.5)


def console_of(daemon: Daemon) -> Console:
    [console] = daemon.registry.consoles
    return console


@pytest.fixture
def dynamic(start: Start, caplog: pytest.LogCaptureFixture) -> Connect:
    """A client that has said how large its window is: before that, xfreerdp keeps a change to itself."""
    caplog.set_level(logging.DEBUG, "pyrdpmux")

    def connect(daemon: Daemon) -> Client:
        width, height = FIRST
        port = daemon.wait_for_vm()
        client = start(xfreerdp(port, "nla", 32, "/dynamic-resolution", f"/size:{width}x{height}"))
        wanted = f"Wants {width}x{height} at 100 %"
        client.program.wait_until(lambda: wanted in caplog.text, PATIENCE, "waiting for its first size")
        return client

    return connect


def resize(client: Client, width: int, height: int) -> None:
    client.display.xdotool("windowsize", str(client.window), str(width), str(height))


def wait_for_size(daemon: Daemon, width: int, height: int) -> None:
    display = console_of(daemon).display
    wait_until(
        lambda: (display.width, display.height) == (width, height), PATIENCE, f"a VM of {width}x{height}"
    )


def wait_for_same_picture(client: Client, daemon: Daemon) -> None:
    """The window has the size that it asked for by now, and shows what the VM does."""

    def same() -> bool:
        try:
            seen = client.picture()
        except ProgramError:  # a window that is being made anew cannot be photographed
            return False
        expected = daemon.picture()
        return seen.shape == expected.shape and bool((seen == expected).all())

    wait_until(same, PATIENCE, "the VM's picture in the window")


def test_the_demo_vm(tmp_path: Path, dynamic: Connect) -> None:
    with DemoDaemon(tmp_path) as daemon:
        client = dynamic(daemon)
        daemon.pause()
        wait_for_size(daemon, *FIRST)
        for width, height in ((1301, 801), (640, 481)):
            resize(client, width, height)
            wait_for_size(daemon, width & ~1, height & ~1)
            wait_for_same_picture(client, daemon)


def test_a_dragged_corner(tmp_path: Path, dynamic: Connect) -> None:
    """The VM's display is not switched at every step."""
    with DemoDaemon(tmp_path) as daemon:
        client = dynamic(daemon)
        daemon.pause()
        wait_for_size(daemon, *FIRST)
        for step in range(12):
            resize(client, 800 + 20 * step, 600 + 10 * step)
        wait_for_size(daemon, 1020, 710)
        wait_for_same_picture(client, daemon)


@pytest.fixture
def tigervnc(tmp_path: Path) -> Iterator[int]:
    """The port of a VNC server that may be resized."""
    port = free_port()
    argv = [XTIGERVNC, f":{port}", "-rfbport", str(port), "-geometry", "800x600", "-depth", "24"]
    argv += ["-SecurityTypes", "None", "-localhost"]
    program = Program(argv, tmp_path / "tigervnc.log")
    program.wait_for_port(port)
    yield port
    program.stop()


@pytest.mark.skipif(shutil.which(XTIGERVNC) is None, reason=f"not installed: {XTIGERVNC}")
def test_a_vnc_server(tmp_path: Path, dynamic: Connect, tigervnc: int) -> None:
    with VncDaemon(tmp_path, tigervnc) as daemon:
        client = dynamic(daemon)
        wait_for_size(daemon, *FIRST)
        resize(client, 1300, 800)
        wait_for_size(daemon, 1300, 800)
        wait_for_same_picture(client, daemon)


@pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"not installed: {QEMU}")
@pytest.mark.skipif(not GRUB.exists(), reason=f"not installed: {GRUB}")
@pytest.mark.parametrize(("adapter", "can_resize"), [("virtio-vga", True), ("VGA", False)])
def test_qemu_is_asked_where_its_adapter_can(
    tmp_path: Path, start: Start, adapter: str, can_resize: bool
) -> None:
    """GRUB does not follow; that QEMU takes the wish, or refuses it, is what can be seen without a driver."""
    with grub(tmp_path, "-device", adapter) as qemu, Daemon(tmp_path, {"vm": str(qemu.socket)}) as daemon:
        start(xfreerdp(daemon.wait_for_vm(), "nla", 32, "/dynamic-resolution", "/size:1300x800"))
        typist = console_of(daemon).arbiter.sink
        assert isinstance(typist, Typist)
        sink = typist.sink
        assert isinstance(sink, QemuInput)
        wait_until(lambda: sink.can_resize is not None, PATIENCE, "an answer of QEMU's")
        assert sink.can_resize is can_resize
