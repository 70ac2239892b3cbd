"""QEMUs as a backend of the mux: those that are configured, and those whose QMP sockets are found."""

import asyncio
import glob
import logging
import os
import stat
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from pyrdpmux.mux.backend import VmHost
from pyrdpmux.mux.qemu.machine import QemuMachine
from pyrdpmux.mux.qemu.source import AnySource, QmpSource, parse_source
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.qemu")

SCAN_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 60.0
"""How long the viewers of a QEMU that was found wait for it to return."""

MAX_FOUND: Final = 256


class QemuBackend:
    """Implements :class:`~pyrdpmux.mux.backend.Backend`.

    ``machines`` are sources by name, as :func:`~.source.parse_source` reads them (ConfigError); ``sockets``
    are directories of QMP sockets, or patterns such as ``/run/qmp/*.sock``, that are looked at every second.
    """

    def __init__(
        self,
        machines: Mapping[str, str] | None = None,
        sockets: Sequence[str] = (),
        *,
        scan_seconds: float = SCAN_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self._configured: dict[str, AnySource] = {
            name: parse_source(text) for name, text in (machines or {}).items()
        }
        self._patterns = tuple(sockets)
        self._scan_seconds = scan_seconds
        self._grace_seconds = grace_seconds
        self._host: VmHost | None = None
        self._found: dict[str, tuple[QemuMachine, asyncio.Task[None]]] = {}
        self._tasks = TaskSet()

    async def start(self, host: VmHost) -> None:
        self._host = host
        for name, source in self._configured.items():
            self._tasks.create(QemuMachine(host, source, name).run(), f"QEMU {name}")
        if self._patterns:
            self._tasks.create(self._keep_looking(host), "search for QEMUs")

    async def stop(self) -> None:
        await self._tasks.cancel_all()
        self._found.clear()
        self._host = None

    async def _keep_looking(self, host: VmHost) -> None:
        while True:
            self._look(host)
            await self._forget_gone()
            await asyncio.sleep(self._scan_seconds)

    def _look(self, host: VmHost) -> None:
        configured = {str(source) for source in self._configured.values()}
        for path in _sockets(self._patterns):
            if path in self._found or path in configured or len(self._found) >= MAX_FOUND:
                continue
            machine = QemuMachine(host, QmpSource(path), None, partial(self._claim, path))
            self._found[path] = machine, self._tasks.create(machine.run(), f"QEMU {path}")

    async def _forget_gone(self) -> None:
        """Without a socket there will be no QEMU; it has its time to make one again."""
        now = asyncio.get_running_loop().time()
        for path, (machine, task) in list(self._found.items()):
            grace = self._grace_seconds if machine.vms else 0.0
            if machine.is_connected or _is_socket(path) or now < machine.last_seen + grace:
                continue
            del self._found[path]
            task.cancel()
            await asyncio.wait([task])
            await machine.remove("QEMU has ended")

    def _claim(self, path: str, name: str) -> str:
        """QEMU's own name, unless another VM has it: then with the socket's, which is unique enough."""
        stem = Path(path).stem
        taken = {machine.name for other, (machine, _) in self._found.items() if other != path}
        taken |= set(self._configured)
        if name and name not in taken:
            return name
        unique = f"{name}@{stem}" if name else stem
        return unique if unique not in taken else path


def _sockets(patterns: Sequence[str]) -> list[str]:
    paths: list[str] = []
    for pattern in patterns:
        paths += glob.glob(os.path.join(pattern, "*") if os.path.isdir(pattern) else pattern)
    return sorted({path for path in paths if _is_socket(path)})


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def open_backend(name: str, address: str) -> QemuBackend:
    """The VM of a configuration's ``source = "qemu:ADDRESS"``. ConfigError for what is no such address."""
    return QemuBackend({name: address})
