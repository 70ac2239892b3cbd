"""One QEMU through all its lives: found, shown, lost, found again. Its viewers stay meanwhile."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import NoInput, Vm, VmHost, VmStatus
from pyrdpmux.mux.qemu.console import QemuConsole
from pyrdpmux.mux.qemu.head import console_properties
from pyrdpmux.mux.qemu.input import CONSOLE
from pyrdpmux.mux.qemu.message import Message
from pyrdpmux.mux.qemu.picture import PixelBudget
from pyrdpmux.mux.qemu.source import MAX_CONSOLES, AnySource, Display
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.qemu")

FIRST_WAIT: Final = 0.1
LONGEST_WAIT: Final = 1.0
"""Between attempts to find a QEMU; it costs one connect() each."""

STABLE_SECONDS: Final = 5.0
"""What has worked for so long is worth a quick attempt when it ends."""

ENDED: Final = "QEMU has ended"

GRAPHIC: Final = "Graphic"
"""Type of a console that an adapter draws; others are QEMU's own terminals."""

STATUSES: Final = {
    "running": (VmStatus.RUNNING, ""),
    "debug": (VmStatus.PAUSED, "stopped by a debugger"),
    "prelaunch": (VmStatus.PAUSED, "not started yet"),
    "paused": (VmStatus.PAUSED, ""),
    "save-vm": (VmStatus.PAUSED, "its state is being saved"),
    "restore-vm": (VmStatus.PAUSED, "its state is being restored"),
    "suspended": (VmStatus.PAUSED, "suspended by its guest"),
    "watchdog": (VmStatus.PAUSED, "stopped by its watchdog"),
    "io-error": (VmStatus.PAUSED, "input/output error of a disk"),
    "shutdown": (VmStatus.PAUSED, "shut down"),
    "inmigrate": (VmStatus.MIGRATING, "waiting for its state"),
    "finish-migrate": (VmStatus.MIGRATING, ""),
    "postmigrate": (VmStatus.MIGRATING, "it runs elsewhere now"),
    "colo": (VmStatus.RUNNING, ""),
    "internal-error": (VmStatus.CRASHED, "internal error of QEMU"),
    "guest-panicked": (VmStatus.CRASHED, "the guest panicked"),
}
"""QMP's RunState."""

STATE_EVENTS: Final = (
    "STOP",
    "RESUME",
    "SHUTDOWN",
    "POWERDOWN",
    "SUSPEND",
    "SUSPEND_DISK",
    "WAKEUP",
    "GUEST_PANICKED",
    "BLOCK_IO_ERROR",
    "WATCHDOG",
    "MIGRATION",
)
"""After these the run state may be another one."""


class QemuMachine:
    """Runs until cancelled. ``name`` None: as QEMU calls itself.

    ``claim`` decides which name a QEMU without a configured one may have.
    """

    def __init__(
        self,
        host: VmHost,
        source: AnySource,
        name: str | None,
        claim: Callable[[str], str] = str,
        *,
        max_vms: int = MAX_CONSOLES,
    ) -> None:
        self.source = source
        self.name = name
        self.is_connected = False
        #: when it was last there, or looked for first
        self.last_seen = asyncio.get_running_loop().time()
        self.vms: dict[str, Vm] = {}
        self._host = host
        self._claim = claim
        self._wanted = name
        self._max_vms = max_vms
        self._complaint = ""
        #: by the path of each of its heads
        self._consoles: dict[str, QemuConsole] = {}
        self._ending = ENDED
        self._qmp_tasks = TaskSet()
        self._is_asking = False
        self._ask_again = False

    async def run(self) -> None:
        """Look for it, show it, and start over when it has gone."""
        loop = asyncio.get_running_loop()
        wait = FIRST_WAIT
        while True:
            try:
                await self.publish()
                display = await self.source.open(self._wanted)
                begin = loop.time()
                await self._show(display)
                if loop.time() - begin > STABLE_SECONDS:
                    wait = FIRST_WAIT
            except BackendError as error:
                self._complain(str(error))
            except Exception:
                log.exception("VM %s", self.name)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def publish(self) -> None:
        """A console that is configured has its port from the beginning. BackendError if there is none."""
        if self.name is not None and not self.vms:
            vm = self.vms[self.name] = await self._host.add_vm(self.name, input=NoInput())
            self._host.vm_lost(vm, "QEMU is not running")

    async def remove(self, reason: str) -> None:
        """After :meth:`run` has ended: the VMs are no more."""
        for vm in self.vms.values():
            await self._host.remove_vm(vm, reason)
        self.vms.clear()

    # -- one life --------------------------------------------------------------------------------

    async def _show(self, display: Display) -> None:
        """Until it ends. BackendError if it cannot be shown at all."""
        ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def end(reason: str) -> None:
            if not ended.done():
                ended.set_result(reason)

        display.connection.on_lost = end
        display.connection.on_signal = lambda message: self._signal(display, message, end)
        if display.qmp is not None:
            display.qmp.on_lost = end
            display.qmp.on_event = lambda name, data: self._event(display, name, data)
        try:
            await self._open_consoles(display, end)
            self._shown(display)
            reason = await ended
            log.info("VM %s: QEMU at %s is gone: %s", self.name, self.source, reason)
        finally:
            await self._close(display)

    async def _open_consoles(self, display: Display, end: Callable[[str], None]) -> None:
        if self._wanted is None:
            self.name = self._claim(display.name)
        budget = PixelBudget()
        for index, paths in enumerate(await _grouped(display, self._max_vms)):
            name = self.name if index == 0 else f"{self.name}:{paths[0].rpartition('_')[2]}"
            assert name is not None
            console = QemuConsole(display.connection, paths, budget)
            self._consoles |= dict.fromkeys(paths, console)
            console.on_ended = end
            await console.open(self._host, name, display.uuid if index == 0 else None)
            assert console.vm is not None
            self.vms[name] = console.vm
            if index == 0:
                display.use_share(console.vm.loop_share)

    def _shown(self, display: Display) -> None:
        self.is_connected = True
        self._ending = ENDED
        self._complaint = ""
        version = f" {display.qmp.version}" if display.qmp is not None else ""
        log.info("VM %s: QEMU%s at %s, %d consoles", self.name, version, self.source, len(self._consoles))
        self._ask_status(display)

    async def _close(self, display: Display) -> None:
        consoles, self._consoles = list(dict.fromkeys(self._consoles.values())), {}
        await self._qmp_tasks.cancel_all()
        self._is_asking = self._ask_again = False
        for console in consoles:
            await console.close()
        display.close()
        for console in consoles:
            if console.vm is not None:
                self._host.vm_lost(console.vm, self._ending)
        self.is_connected = False
        self.last_seen = asyncio.get_running_loop().time()

    def _complain(self, reason: str) -> None:
        """Once, not at every attempt."""
        if reason != self._complaint:
            self._complaint = reason
            log.info("VM %s is not there: %s", self.name or "(new)", reason)

    # -- what QEMU tells -------------------------------------------------------------------------

    def _signal(self, display: Display, message: Message, end: Callable[[str], None]) -> None:
        header = message.header
        if display.is_end_of_qemu(message):
            end("it has left the bus")
        elif header.member == "PropertiesChanged" and (console := self._consoles.get(header.path)):
            console.properties_changed(message)

    def _event(self, display: Display, name: str, data: dict[str, Any]) -> None:
        if name == "SHUTDOWN":
            self._ending = "the VM has shut down"
        if name == "RESET":
            for console in dict.fromkeys(self._consoles.values()):
                console.reset()
        elif name in STATE_EVENTS:
            log.debug("VM %s: %s %s", self.name, name, data)
            self._ask_status(display)

    def _ask_status(self, display: Display) -> None:
        """At most one question at a time, and one more if something happens meanwhile."""
        if display.qmp is None:
            return
        self._ask_again = True
        if not self._is_asking:
            self._is_asking = True
            self._qmp_tasks.create(self._update_status(display), f"status of {self.name}")

    async def _update_status(self, display: Display) -> None:
        assert display.qmp is not None
        try:
            while self._ask_again:
                self._ask_again = False
                answer = await display.qmp.execute("query-status")
                state = answer.get("status") if isinstance(answer, dict) else None
                status = STATUSES.get(str(state), (VmStatus.PAUSED, str(state)))
                for console in dict.fromkeys(self._consoles.values()):
                    console.set_status(*status)
        except BackendError as error:
            log.debug("VM %s: no status: %s", self.name, error)
        finally:
            self._is_asking = False


async def _grouped(display: Display, maximum: int) -> list[list[str]]:
    """The consoles of up to so many VMs: the first one with all others that an adapter draws, as heads; each
    other one alone.
    """
    paths = list(display.consoles)
    graphic = []
    for path in paths:
        properties = await console_properties(display.connection, path, CONSOLE)
        if properties.get("Type") == GRAPHIC:
            graphic.append(path)
    heads = graphic if paths[0] in graphic else paths[:1]
    return [heads, *[[path] for path in paths if path not in heads]][:maximum]
