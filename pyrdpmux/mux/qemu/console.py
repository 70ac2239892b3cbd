"""A VM of the consoles of one QEMU: their pictures into the VM's screen, and the VM's input into them.

Most have one console, whose surface is the screen's. Several that show something are heads of one picture,
into which a thread copies what is new of each: listeners know nothing of the others.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.backend import Vm, VmHost, VmStatus
from pyrdpmux.mux.picture.cursor import CursorState
from pyrdpmux.mux.picture.heads import Composite, arranged
from pyrdpmux.mux.qemu import input
from pyrdpmux.mux.qemu.bus import Connection
from pyrdpmux.mux.qemu.head import Head
from pyrdpmux.mux.qemu.input import CONSOLE, KEYBOARD, MOUSE, Output, QemuInput
from pyrdpmux.mux.qemu.message import Message
from pyrdpmux.mux.qemu.picture import PixelBudget, Snapshot
from pyrdpmux.mux.qemu.wire import plain
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.qemu")

PAINT_INTERVAL: Final = 0.005
"""Between two looks at what QEMU has sent: it sends a frame as several updates."""

LAYOUT_SECONDS: Final = 0.1
"""That another layout of heads waits to be shown: a guest changes one after the other, and each time all
viewers begin anew."""

BEGIN_SECONDS: Final = 0.5
"""For all consoles to say what they show, once we listen."""

LOOK_SECONDS: Final = 0.5
"""How often it is asked whether a head has been silent for long."""

UNWATCHED_SECONDS: Final = 10.0
"""After the last viewer has gone, until QEMU is not listened to any more: it sends whether anybody looks or
not."""

RESET_SECONDS: Final = 2.0
"""After a reset something new should have been shown by then."""


class QemuConsole:
    """Made by :meth:`open`. ``on_ended`` is called once with the reason, unless it is closed."""

    def __init__(
        self, connection: Connection, paths: Sequence[str], budget: PixelBudget | None = None
    ) -> None:
        """``paths``: of its consoles, one at least, the main one first."""
        self.vm: Vm | None = None
        self.on_ended: Callable[[str], None] = lambda reason: None
        self._loop = asyncio.get_running_loop()
        #: there is something to paint
        self._news = asyncio.Event()
        self._heads = [Head(connection, path, budget, self._changed, self._ended) for path in paths]
        #: those that are shown, and where each lies in the picture
        self._shown: list[Head] = self._heads[:1]
        self._areas: tuple[Rect, ...] = ()
        #: of several
        self._composite: Composite | None = None
        #: more is new than snapshots say
        self._is_stale = False
        #: when another layout is shown at the earliest
        self._settled_at: float | None = None
        #: whose pointer is to be seen
        self._pointer_head: Head | None = None
        self._is_watched = True
        self._seen = asyncio.Event()
        self._begun_by = 0.0
        self._registering: asyncio.Task[None] | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._input = QemuInput(connection, self._outputs, self._pointer_mode_found, self._asked)
        self._tasks = TaskSet()
        self._resetting: asyncio.TimerHandle | None = None
        self._status = (VmStatus.RUNNING, "")
        self._told_status: tuple[VmStatus, str] | None = None
        self._is_off = False
        self._is_closed = False

    async def open(self, host: VmHost, name: str, uuid: str | None) -> None:
        """Publish it as a VM and let QEMU draw. BackendError if QEMU refuses."""
        main = self._heads[0]
        properties = {one: await main.properties(one) for one in (CONSOLE, KEYBOARD, MOUSE)}
        self.vm = await host.add_vm(name, input=self._input, uuid=uuid)
        main.console_changed(properties[CONSOLE])
        self._mouse_changed(properties[MOUSE])
        if properties[KEYBOARD].get("Modifiers"):
            self._keyboard_changed(properties[KEYBOARD])
        self._tasks.create(self._keep_painting(self.vm), f"picture of {main.path}")
        if len(self._heads) > 1:
            self._tasks.create(self._keep_looking(self.vm), f"heads of {main.path}")
        self.vm.watch(self._watched)
        await self._register()
        self._leave_later()

    async def close(self) -> None:
        """For good."""
        self._is_closed = True
        for timer in (self._resetting, self._leaving):
            if timer is not None:
                timer.cancel()
        await self._tasks.cancel_all()
        for head in self._heads:
            await head.close()

    # -- what the machine tells ------------------------------------------------------------------

    def set_status(self, status: VmStatus, text: str = "") -> None:
        """Of the VM."""
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
        """A PropertiesChanged signal of one of its paths. Keyboard and mouse are the main console's."""
        if message.header.signature != "sa{sv}as":
            return
        interface, changed, _ = message.body
        values = {name: plain(value) for name, value in changed.items()}
        head = next(head for head in self._heads if head.path == message.header.path)
        if interface == input.CONSOLE:
            head.console_changed(values)
        elif interface == input.KEYBOARD and head is self._heads[0]:
            self._keyboard_changed(values)
        elif interface == input.MOUSE and head is self._heads[0]:
            self._mouse_changed(values)

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

    # -- listening -------------------------------------------------------------------------------

    def _watched(self, is_watched: bool) -> None:
        """Registered anew, QEMU sends all of the picture at once; held keys it has lifted when we left."""
        self._is_watched = is_watched
        (self._seen.set if is_watched else self._seen.clear)()
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if not is_watched:
            self._leave_later()
        elif not self._is_listening and self._begun_by and self._registering is None:
            self._registering = self._tasks.create(
                self._register_again(), f"listener of {self._heads[0].path}"
            )

    @property
    def _is_listening(self) -> bool:
        return any(head.is_listening for head in self._heads)

    def _leave_later(self) -> None:
        if not self._is_watched and self._is_listening and self._leaving is None:
            self._leaving = self._loop.call_later(UNWATCHED_SECONDS, self._stop_listening)

    def _stop_listening(self) -> None:
        self._leaving = None
        if self.vm is None or self._registering is not None:
            return
        for head in self._heads:
            head.stop_listening()
        self._composite = None
        self.vm.screen.released()

    async def _register_again(self) -> None:
        try:
            await self._register()
        except BackendError as error:
            self._ended(str(error))
        finally:
            self._registering = None
        self._leave_later()

    async def _register(self) -> None:
        self._begun_by = self._loop.time() + BEGIN_SECONDS
        for head in self._heads:
            await head.listen()
        self._loop.call_at(self._begun_by, self._news.set)

    async def _keep_looking(self, vm: Vm) -> None:
        """Of heads that are shown, but for the main one, see whether they still are; while somebody looks."""
        while True:
            await self._seen.wait()
            await asyncio.sleep(LOOK_SECONDS)
            silent = [head for head in self._heads[1:] if head.is_silent(self._loop.time())]
            if silent and self._is_watched and self._registering is None:
                self._registering = self._tasks.create(self._look_again(vm, silent), "silent heads")

    async def _look_again(self, vm: Vm, heads: Sequence[Head]) -> None:
        try:
            for head in heads:
                await head.look_again(vm)
        except BackendError as error:
            self._ended(str(error))
        finally:
            self._registering = None
        self._leave_later()

    def _asked(self) -> None:
        """The guest was asked for other monitors; what it has may lie otherwise, too."""
        for head in self._heads:
            head.expect_news()
        self._news.set()

    def _ended(self, reason: str) -> None:
        if not self._is_closed:
            self.on_ended(f"its display ended: {reason}")

    def _changed(self) -> None:
        """Called by a listener's thread, or here."""
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            log.debug("The event loop has ended")

    # -- painting --------------------------------------------------------------------------------

    async def _keep_painting(self, vm: Vm) -> None:
        """Nothing of the picture is copied by the loop: a listener has written it into a surface."""
        while True:
            await self._news.wait()
            self._news.clear()
            new: list[tuple[Head, Snapshot]] = []
            for head in self._heads:
                snapshot = await head.take(vm, is_one_of_many=len(self._heads) > 1)
                if snapshot is not None:
                    new.append((head, snapshot))
            if new:
                await self._show(vm, new)
                await asyncio.sleep(PAINT_INTERVAL)

    async def _show(self, vm: Vm, new: Sequence[tuple[Head, Snapshot]]) -> None:
        shown, areas = self._layout()
        if not self._may_show(shown, areas):
            self._is_stale = True  # all of it, later
        elif len(shown) == 1:
            await self._draw_one(vm, shown[0], dict(new).get(shown[0]))
        else:
            await self._draw_several(vm, shown, areas, dict(new))
        for head, snapshot in new:
            self._draw_pointer(vm, head, snapshot)
        self._is_off = all(head.is_off for head in self._heads)
        if any(snapshot.rects for _, snapshot in new):
            self._end_reset()
        self._show_status()

    def _layout(self) -> tuple[list[Head], tuple[Rect, ...]]:
        """The heads to be shown, the main one if none shows anything; and where."""
        lit = [head for head in self._heads if head.is_lit] or self._heads[:1]
        if len(lit) > 1:
            sizes = [(head.surface.width, head.surface.height) for head in lit if head.surface is not None]
            areas = arranged(sizes, self._input.wanted)
            return lit[: len(areas)], areas
        return lit, (Rect(0, 0, *lit[0].picture.size),)

    def _may_show(self, shown: Sequence[Head], areas: tuple[Rect, ...]) -> bool:
        """Of several consoles, another layout waits until it has settled."""
        now = self._loop.time()
        if len(self._heads) == 1:
            return True
        if not all(head.has_begun for head in self._heads) and now < self._begun_by:
            return False
        if (shown, areas) == (self._shown, self._areas) or not self._areas:
            self._settled_at = None
            return True
        if self._settled_at is None:
            self._settled_at = now + LAYOUT_SECONDS
            self._loop.call_at(self._settled_at, self._news.set)
        return now >= self._settled_at

    async def _draw_one(self, vm: Vm, head: Head, snapshot: Snapshot | None) -> None:
        surface, screen = head.surface, vm.screen
        rects = snapshot.rects if snapshot is not None else ()
        async with vm.loop_share.turn():
            self._arrange([head], (Rect(0, 0, *head.picture.size),))
            self._composite = None
            if surface is not None and surface is not screen.surface:
                screen.adopt(surface)
                rects = (surface.rect,)
            elif surface is not None and self._is_stale:
                rects = (surface.rect,)
            self._is_stale = False
            if rects and snapshot is not None:
                screen.written(snapshot.surface, rects)

    async def _draw_several(
        self, vm: Vm, shown: list[Head], areas: tuple[Rect, ...], new: dict[Head, Snapshot]
    ) -> None:
        composite = self._composite
        is_other = composite is None or (shown, areas) != (self._shown, self._areas)
        if composite is None or is_other:
            composite = Composite(areas)
        has_all, self._is_stale = is_other or self._is_stale, False
        jobs: list[tuple[int, Surface, tuple[Rect, ...]]] = []
        for number, head in enumerate(shown):
            surface = head.surface
            if surface is not None and has_all:
                jobs.append((number, surface, (surface.rect,)))
            elif surface is not None and head in new:
                jobs.append((number, surface, new[head].rects))
        rects = await vm.compute(lambda: [rect for job in jobs for rect in composite.copy(*job)])
        async with vm.loop_share.turn():
            if is_other:
                self._arrange(shown, areas)
                self._composite = composite
                vm.screen.adopt(composite.surface, areas)
            if rects:
                vm.screen.written(composite.surface, rects)

    def _arrange(self, shown: list[Head], areas: tuple[Rect, ...]) -> None:
        if (shown, areas) != (self._shown, self._areas):
            self._shown, self._areas = shown, areas
            self._settled_at = None
            self._input.arranged()

    def _outputs(self) -> list[Output]:
        """For the input: all consoles, and where those are that are shown."""
        if len(self._shown) == 1:
            places = {self._shown[0]: Rect(0, 0, *self._shown[0].picture.size)}
        else:
            places = dict(zip(self._shown, self._areas, strict=True))
        return [Output(head.path, places.get(head)) for head in self._heads]

    def _draw_pointer(self, vm: Vm, head: Head, snapshot: Snapshot) -> None:
        """The one that was shown last; hidden where it was, it may still be elsewhere."""
        if snapshot.cursor is not None:
            head.cursor = snapshot.cursor
            if head.cursor is not CursorState.HIDDEN or self._pointer_head is None:
                self._pointer_head = head
            elif head is self._pointer_head:
                visible = [one for one in self._heads if one.cursor not in (None, CursorState.HIDDEN)]
                self._pointer_head = visible[0] if visible else head
            if self._pointer_head.cursor is not None:
                vm.screen.set_cursor(self._pointer_head.cursor)
        if snapshot.position is not None and head in self._shown:
            x, y = snapshot.position
            area = self._areas[self._shown.index(head)]
            vm.screen.move_cursor(area.x + x, area.y + y)

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
        if status != self._told_status and self.vm is not None:
            self._told_status = status
            self.vm.set_status(*status)
