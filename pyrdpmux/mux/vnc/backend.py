"""A VNC server as a backend of the mux."""

import asyncio
import logging
from typing import Final

from pyrdpmux.errors import AuthenticationFailed, PyRdpMuxError
from pyrdpmux.mux.backend import Vm, VmHost, VmStatus
from pyrdpmux.mux.vnc.connection import VncConnection
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.target import VncTarget, parse_target
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.vnc")

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 10.0
PAUSE_AFTER_REFUSAL: Final = 30.0
"""Servers shut out who comes too often with a wrong password."""

STABLE_SECONDS: Final = 5.0
"""A connection that has lasted so long is worth a quick attempt, and a line in the log, when it ends."""


class VncBackend:
    """Shows one server, and connects to it again and again while it is away: its viewers stay."""

    def __init__(
        self,
        name: str,
        target: VncTarget,
        *,
        first_pause: float = FIRST_PAUSE,
        longest_pause: float = LONGEST_PAUSE,
    ) -> None:
        self.input = VncInput()
        self._name = name
        self._target = target
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._pause = first_pause
        self._complaint = ""
        self._tasks = TaskSet()

    async def start(self, host: VmHost) -> None:
        vm = await host.add_vm(self._name, input=self.input)
        vm.set_status(VmStatus.STARTING, f"connecting to {self._target}")
        self._tasks.create(self._keep_connected(vm), f"VNC {self._name}")

    async def stop(self) -> None:
        await self._tasks.cancel_all()

    async def _keep_connected(self, vm: Vm) -> None:
        while True:
            await self._connect_once(vm)
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, self._longest_pause)

    async def _connect_once(self, vm: Vm) -> None:
        """Until it fails, as it does sooner or later."""
        connection = None
        began = asyncio.get_running_loop().time()
        try:
            connection = VncConnection(self._target, vm, self.input)
            await connection.run()
        except (PyRdpMuxError, OSError) as error:
            ended = asyncio.get_running_loop().time()
            if connection is not None and connection.was_connected and ended - began >= STABLE_SECONDS:
                self._pause = self._first_pause
                self._complaint = ""
            if isinstance(error, AuthenticationFailed):
                self._pause = max(self._longest_pause, PAUSE_AFTER_REFUSAL)
            self._complain(vm, _describe(error))

    def _complain(self, vm: Vm, complaint: str) -> None:
        """In the log once, until it is another one."""
        vm.set_status(VmStatus.LOST, complaint)
        level = logging.DEBUG if complaint == self._complaint else logging.WARNING
        log.log(level, "%s: %s: %s", self._name, self._target, complaint)
        self._complaint = complaint


def _describe(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return str(error)


def open_backend(name: str, address: str) -> VncBackend:
    """The kind ``vnc`` of sources. Raises ConfigError."""
    return VncBackend(name, parse_target(address))
