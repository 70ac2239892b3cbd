"""One console of a QEMU: its picture into a VM's screen, and the VM's input into the console."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Vm, VmHost, VmStatus
from pyrdpmux.mux.qemu import input
from pyrdpmux.mux.qemu.bus import Connection
from pyrdpmux.mux.qemu.input import CONSOLE, KEYBOARD, MOUSE, QemuInput
from pyrdpmux.mux.qemu.listener import Listener
from pyrdpmux.mux.qemu.message import Message
from pyrdpmux.mux.qemu.picture import Picture, PixelBudget, Snapshot
from pyrdpmux.mux.qemu.sockets import make_pair
from pyrdpmux.mux.qemu.wire import plain
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.qemu")

PROPERTIES: Final = "org.freedesktop.DBus.Properties"

GUESS_SECONDS: Final = 0.1
"""How long the console's properties may lag behind the updates of a picture that has become larger."""

PAINT_INTERVAL: Final = 0.005
"""Between two looks at what QEMU has sent: it sends a frame as several updates."""

UNWATCHED_SECONDS: Final = 10.0
"""After the last viewer has gone, until QEMU is not listened to any more: it sends whether anybody looks or
not."""

RESET_SECONDS: Final = 2.0
"""After a reset something new should have been shown by then."""


class QemuConsole:
    """Made by :meth:`open`. ``on_ended`` is called once with the reason, unless it is closed."""

    def __init__(self, connection: Connection, path: str, budget: PixelBudget | None = None) -> None:
        self.path = path
        self.vm: Vm | None = None
        self.on_ended: Callable[[str], None] = lambda reason: None
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._picture = Picture(self._changed, budget)
        #: there is something to paint
        self._news = asyncio.Event()
        self._listener: Listener | None = None
        #: counts listeners: the end of one that was given up is no news
        self._generation = 0
        self._is_watched = True
        self._registering: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._input = QemuInput(connection, path, self._size, self._pointer_mode_found)
        self._tasks = TaskSet()
        self._guessing: asyncio.TimerHandle | None = None
        self._resetting: asyncio.TimerHandle | None = None
        self._status = (VmStatus.RUNNING, "")
        self._shown: tuple[VmStatus, str] | None = None
        self._is_off = False
        self._has_leds = False
        self._is_closed = False

    async def open(self, host: VmHost, name: str, uuid: str | None) -> None:
        """Publish it as a VM and let QEMU draw. BackendError if QEMU refuses."""
        properties = {one: await self._properties(one) for one in (CONSOLE, KEYBOARD, MOUSE)}
        self.vm = await host.add_vm(name, input=self._input, uuid=uuid)
        self._console_changed(properties[CONSOLE])
        self._mouse_changed(properties[MOUSE])
        if properties[KEYBOARD].get("Modifiers"):
            self._keyboard_changed(properties[KEYBOARD])
        self._tasks.create(self._keep_painting(self.vm), f"picture of {self.path}")
        self.vm.watch(self._watched)
        await self._register()
        self._leave_later()

    async def close(self) -> None:
        self._is_closed = True
        for timer in (self._guessing, self._resetting, self._leaving):
            if timer is not None:
                timer.cancel()
        await self._tasks.cancel_all()
        if self._listener is not None:
            self._listener.stop()

    # -- what the machine tells ------------------------------------------------------------------

    def set_status(self, status: VmStatus, text: str = "") -> None:
        self._end_reset()
        self._status = status, text
        self._show_status()

    def reset(self) -> None:
        """The guest starts over: say so until it shows something."""
        if self._status[0] is VmStatus.RUNNING and self.vm is not None:
            self._end_reset()
            self._resetting = self._loop.call_later(RESET_SECONDS, self._reset_is_over)
            self._show_status()

    def properties_changed(self, message: Message) -> None:
        """A PropertiesChanged signal of this path."""
        if message.header.signature != "sa{sv}as":
            return
        interface, changed, _ = message.body
        values = {name: plain(value) for name, value in changed.items()}
        match interface:
            case input.CONSOLE:
                self._console_changed(values)
            case input.KEYBOARD:
                self._keyboard_changed(values)
            case input.MOUSE:
                self._mouse_changed(values)

    # -- properties ------------------------------------------------------------------------------

    async def _properties(self, interface: str) -> dict[str, Any]:
        match await self._connection.call(self.path, PROPERTIES, "GetAll", "s", interface):
            case (dict() as values,):
                return {name: plain(value) for name, value in values.items()}
        raise BackendError(f"{self.path}: no properties of {interface}")

    def _console_changed(self, values: dict[str, Any]) -> None:
        """QEMU tells width and height together, if both have changed."""
        before = self._picture.size
        width, height = values.get("Width", before[0]), values.get("Height", before[1])
        if isinstance(width, int) and isinstance(height, int):
            self._picture.set_size(width, height)
        if self._guessing is not None:
            self._guessing.cancel()
            self._guessing = None
            self._news.set()

    def _keyboard_changed(self, values: dict[str, Any]) -> None:
        leds = values.get("Modifiers")
        if isinstance(leds, int) and self.vm is not None:
            self._input.leds_told(leds)
            self.vm.set_leds(leds)

    def _mouse_changed(self, values: dict[str, Any]) -> None:
        is_absolute = values.get("IsAbsolute")
        if isinstance(is_absolute, bool):
            self._input.set_pointer_mode(is_absolute)
            self._pointer_mode_found(is_absolute)

    def _pointer_mode_found(self, is_absolute: bool) -> None:
        if self.vm is not None:
            self.vm.set_pointer_mode(is_absolute=is_absolute)

    # -- picture ---------------------------------------------------------------------------------

    def _watched(self, is_watched: bool) -> None:
        """Registered anew, QEMU sends all of the picture at once; held keys it has lifted when we left."""
        self._is_watched = is_watched
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if not is_watched:
            self._leave_later()
        elif self._listener is None and self._generation and self._registering is None:
            self._registering = self._tasks.create(self._register_again(), f"listener of {self.path}")

    def _leave_later(self) -> None:
        if not self._is_watched and self._listener is not None and self._leaving is None:
            self._leaving = self._loop.call_later(UNWATCHED_SECONDS, self._stop_listening)

    def _stop_listening(self) -> None:
        self._leaving = None
        listener, self._listener = self._listener, None
        if listener is not None and self.vm is not None:
            self._generation += 1
            listener.stop()
            self._picture.release()
            self.vm.screen.released()

    async def _register_again(self) -> None:
        try:
            await self._register()
        except BackendError as error:
            self._ended(self._generation, str(error))
        finally:
            self._registering = None
        self._leave_later()

    async def _register(self) -> None:
        """The listener reads already when QEMU hears of it: QEMU waits for its answers in the main loop."""
        ours, theirs = make_pair()
        self._generation += 1
        ended = partial(self._listener_ended, self._generation)
        with theirs:
            self._listener = Listener(ours, self._picture, ended)
            await self._connection.call(
                self.path, CONSOLE, "RegisterListener", "h", 0, descriptor=theirs.fileno()
            )

    def _listener_ended(self, generation: int, reason: str) -> None:
        self._call_soon(self._ended, generation, reason)

    def _ended(self, generation: int, reason: str) -> None:
        if not self._is_closed and generation == self._generation:
            self.on_ended(f"its display ended: {reason}")

    def _changed(self) -> None:
        """Called by the listener's thread, or here."""
        self._call_soon(self._news.set)

    def _call_soon(self, action: Any, *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(action, *arguments)
        except RuntimeError:
            log.debug("The event loop has ended")

    async def _keep_painting(self, vm: Vm) -> None:
        """Nothing of the picture is copied by the loop: its listener has written it into the surface."""
        while True:
            await self._news.wait()
            self._news.clear()
            if self._guessing is not None:
                continue  # who ends that tells of news
            while not self._picture.is_fit:
                await vm.compute(self._picture.fit)
            snapshot = self._picture.take()
            if snapshot is None:
                self._guessing = self._loop.call_later(GUESS_SECONDS, self._check_guess)
                continue
            async with vm.loop_share.turn():
                self._draw(vm, snapshot)
            self._is_off = snapshot.is_off
            if snapshot.rects:
                self._end_reset()
            self._show_status()
            await asyncio.sleep(PAINT_INTERVAL)

    def _check_guess(self) -> None:
        """The properties have come meanwhile, or they are asked for."""
        self._tasks.create(self._ask_size(), f"size of {self.path}")

    async def _ask_size(self) -> None:
        """They are the truth: the update may be an older one, from before a change of mode."""
        try:
            self._console_changed(await self._properties(CONSOLE))
        except BackendError as error:
            log.debug("Size of %s: %s", self.path, error)
            self._picture.accept_size()
        self._guessing = None
        self._news.set()

    def _draw(self, vm: Vm, snapshot: Snapshot) -> None:
        screen, surface = vm.screen, snapshot.surface
        rects = snapshot.rects
        if surface is not screen.surface and snapshot.is_enabled:
            screen.adopt(surface)
            rects = (surface.rect,)
        if rects:
            screen.written(surface, rects)
        if snapshot.cursor is not None:
            screen.set_cursor(snapshot.cursor)
        if snapshot.position is not None:
            screen.move_cursor(*snapshot.position)

    def _size(self) -> tuple[int, int]:
        return self._picture.size

    # -- status ----------------------------------------------------------------------------------

    def _end_reset(self) -> None:
        if self._resetting is not None:
            self._resetting.cancel()
            self._resetting = None

    def _reset_is_over(self) -> None:
        self._resetting = None
        self._show_status()

    def _show_status(self) -> None:
        if self._resetting is not None:
            status = VmStatus.STARTING, "the VM restarts"
        elif self._status[0] is VmStatus.RUNNING and self._is_off:
            status = VmStatus.NO_SIGNAL, "the display is off"
        else:
            status = self._status
        if status != self._shown and self.vm is not None:
            self._shown = status
            self.vm.set_status(*status)
