"""A VNC server as a backend of the mux."""

import asyncio
import contextlib
import logging
from typing import Final

from pyrdpmux.errors import AuthenticationFailed, LimitExceeded, PyRdpMuxError
from pyrdpmux.mux.backend import Vm, VmHost, VmStatus
from pyrdpmux.mux.vnc.connection import VncConnection
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.target import VncTarget, parse_target
from pyrdpmux.net.blocking import BlockingPool, BlockingTimeout
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.vnc")

FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 10.0
PAUSE_AFTER_REFUSAL: Final = 30.0
"""Servers shut out who comes too often with a wrong password."""

LOOK_SECONDS: Final = 1.0
"""How often we see whether there is another password, after one was refused."""

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
        #: of the password that was refused last
        self._refused: object = None
        self._files = BlockingPool(threads=1)
        self._connection: VncConnection | None = None
        self._is_watched = True
        self._tasks = TaskSet()

    async def start(self, host: VmHost) -> None:
        vm = await host.add_vm(self._name, input=self.input)
        vm.set_status(VmStatus.STARTING, f"connecting to {self._target}")
        vm.watch(lambda is_watched: self.watch(is_watched=is_watched))
        self._tasks.create(self._keep_connected(vm), f"VNC {self._name}")

    def watch(self, *, is_watched: bool) -> None:
        """Somebody looks at the VM, or nobody any more."""
        self._is_watched = is_watched
        if self._connection is not None:
            self._connection.watch(is_watched=is_watched)

    async def stop(self) -> None:
        await self._tasks.cancel_all()
        self._files.close()

    async def _keep_connected(self, vm: Vm) -> None:
        while True:
            await self._connect_once(vm)
            await self._wait(self._pause)
            self._pause = min(2 * self._pause, self._longest_pause)

    async def _wait(self, seconds: float) -> None:
        """After a refusal only until there is another password."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS) if self._refused is not None else left)
            if self._refused is not None and await self._password_version() != self._refused:
                self._pause = self._first_pause
                return

    async def _password_version(self) -> object:
        """None where there is no password, or no answer."""
        with contextlib.suppress(BlockingTimeout, LimitExceeded):
            return await self._files.run(self._name, self._target.password_version)
        return None

    async def _connect_once(self, vm: Vm) -> None:
        """Until it fails, as it does sooner or later."""
        self._refused = None
        began = asyncio.get_running_loop().time()
        try:
            version = await self._password_version()
            config = await self._files.run(self._name, self._target.rfb_config)
            connection = VncConnection(self._target, config, vm, self.input, is_watched=self._is_watched)
            self._connection = connection
            await connection.run()
        except (PyRdpMuxError, OSError) as error:
            ended = asyncio.get_running_loop().time()
            was_connected = self._connection is not None and self._connection.was_connected
            if was_connected and ended - began >= STABLE_SECONDS:
                self._pause = self._first_pause
                self._complaint = ""
            if isinstance(error, AuthenticationFailed):
                self._pause = max(self._longest_pause, PAUSE_AFTER_REFUSAL)
                self._refused = version
            self._complain(vm, _describe(error))
        finally:
            self._connection = None

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
