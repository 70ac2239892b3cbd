"""A real QEMU with something to show, and our daemon in a thread beside it."""

import asyncio
import errno
import json
import os
import socket
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import numpy as np

from pyrdpmux.harness.programs import Program, free_port, wait_until
from pyrdpmux.harness.screenshot import Picture
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.control.diagnostics import memory
from pyrdpmux.mux.qemu.backend import QemuBackend
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.rdp.nla.accounts import Accounts

USER: Final = "alice"
PASSWORD: Final = "correct horse"
QEMU: Final = "qemu-system-x86_64"
GRUB: Final = Path("/usr/lib/grub-rescue/grub-rescue-cdrom.iso")
MEMTEST: Final = Path("/boot/memtest86+x64.bin")
UUID: Final = "11111111-2222-3333-4444-555555555555"
PATIENCE: Final = 60.0

TEXT_COLUMNS: Final = 80
TEXT_ROWS: Final = 25
TEXT_MEMORY: Final = 0xB8000

#: int 10h mode 13h, then color = offset + frame number over all of A000:0000, for ever
_STRIPES: Final = bytes.fromhex("B81300 CD10 B800A0 8EC0 31DB 31FF B900FA 43 89D8 01F8 AA E2F9 EBF1")

T = TypeVar("T")


def striped_floppy(path: Path) -> Path:
    """A boot sector of our own: stripes that run over the whole screen as fast as they can."""
    path.write_bytes(_STRIPES.ljust(510, b"\0") + b"\x55\xaa" + bytes((1440 << 10) - 512))
    return path


class Monitor:
    """A blocking QMP client: what the tests ask QEMU must not depend on our own one."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        # The socket is there before QEMU listens.
        until = time.monotonic() + PATIENCE
        while (error := self._socket.connect_ex(os.fspath(path))) == errno.ECONNREFUSED:
            assert time.monotonic() < until, "QEMU does not listen"
            time.sleep(0.01)
        assert not error, os.strerror(error)
        self._lines = self._socket.makefile("rb")
        self._lines.readline()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        self._socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        while True:
            answer = json.loads(self._lines.readline())
            if "error" in answer:
                raise AssertionError(f"{command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


class Qemu:
    """Software emulation, 64 MiB, one QMP socket for the daemon and one for the test."""

    def __init__(self, folder: Path, *options: str | Path, display: str = "dbus,p2p=yes") -> None:
        self.folder = folder
        self.socket = folder / "vm.sock"
        self._second = folder / "test.qmp"
        for path in (self.socket, self._second):
            path.unlink(missing_ok=True)
        argv = [QEMU, "-accel", "tcg", "-m", "64", "-nodefaults", "-name", "vm", "-uuid", UUID]
        argv += ["-display", display]
        for path in (self.socket, self._second):
            argv += ["-qmp", f"unix:{path},server=on,wait=off"]
        self.program = Program([*argv, *options], folder / "qemu.log")
        self.program.wait_until(self._second.exists, PATIENCE, "waiting for its monitor")
        self.monitor = Monitor(self._second)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.monitor.close()
        self.program.kill()

    def screendump(self, **console: str | int) -> Picture:
        """What QEMU itself says that is to be seen; on another console, if its device and head are named."""
        path = self.folder / "screen.ppm"
        self.monitor.execute("screendump", filename=str(path), **console)
        kind, size, _, pixels = path.read_bytes().split(b"\n", 3)
        assert kind == b"P6"
        width, height = (int(word) for word in size.split())
        return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)

    def text(self) -> list[str]:
        """The characters of text mode, from the guest's memory."""
        path = self.folder / "text.bin"
        size = TEXT_COLUMNS * TEXT_ROWS * 2
        self.monitor.execute("pmemsave", val=TEXT_MEMORY, size=size, filename=str(path))
        cells = path.read_bytes()[::2].decode("cp437")
        return [cells[at : at + TEXT_COLUMNS].rstrip() for at in range(0, len(cells), TEXT_COLUMNS)]

    def wait_for_text(self, wanted: str) -> None:
        wait_until(lambda: any(wanted in line for line in self.text()), PATIENCE, f"{wanted!r} on the screen")

    @property
    def resident_bytes(self) -> int:
        """Its memory, as the kernel counts it."""
        return memory(Path(f"/proc/{self.program.pid}"))["now"]


def grub(folder: Path, *options: str, display: str = "dbus,p2p=yes") -> Qemu:
    """At GRUB's prompt; see :meth:`Qemu.wait_for_text`."""
    adapter = () if "-device" in options else ("-vga", "std")
    return Qemu(folder, *adapter, *options, "-boot", "d", "-cdrom", GRUB, display=display)


class Daemon:
    """Registry and QEMU backend on a loop of their own; ``machines`` and ``sockets`` as the backend's."""

    def __init__(
        self, folder: Path, machines: Mapping[str, str] | None = None, sockets: Sequence[str] = ()
    ) -> None:
        self._folder = folder
        self._arguments = machines, sockets
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="daemon", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.do(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.do(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it on the daemon's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(2 * PATIENCE)

    async def _start(self) -> None:
        security = SecuritySettings(nla=True, tls=True)
        config = Config(port=free_port(), state_dir=self._folder / "state", security=security)
        accounts = Accounts().with_password(USER, "", PASSWORD)
        self.registry = Registry(config, ConnectionFactory(config, accounts=accounts))
        self.backend = QemuBackend(*self._arguments, scan_seconds=0.2, grace_seconds=20.0)
        await self.backend.start(self.registry)

    async def _stop(self) -> None:
        await self.registry.close("the test is over")
        await self.backend.stop()

    def wait_for_vm(self, name: str = "vm") -> int:
        """Its port, once QEMU shows something."""
        wait_until(lambda: self._port(name) is not None, PATIENCE, f"VM {name}")
        port = self._port(name)
        assert port is not None
        return port

    def picture(self, name: str = "vm") -> Picture:
        """What we believe that the VM shows, red green blue."""

        async def copy() -> Picture:
            [console] = [console for console in self.registry.consoles if console.name == name]
            return np.ascontiguousarray(console.screen.pixels[..., 2::-1])

        return self.do(copy())

    def wait_for_screendump(self, qemu: Qemu, name: str = "vm") -> None:
        """The same picture on both sides; the text cursor blinks, so that it may take two looks."""

        def same() -> bool:
            expected, seen = qemu.screendump(), self.picture(name)
            return expected.shape == seen.shape and bool((expected == seen).all())

        wait_until(same, PATIENCE, "the same picture as QEMU's screendump")

    def is_running(self, name: str = "vm") -> bool:
        return self._port(name) is not None

    def _port(self, name: str) -> int | None:
        async def look() -> int | None:
            for console in self.registry.consoles:
                if console.name == name and console.is_running:
                    return console.port
            return None

        return self.do(look())
