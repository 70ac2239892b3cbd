"""A registry that only takes notes, and what asynchronous tests need to wait for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pyrdpmux.mux.backend import Button, InputSink, Vm, VmStatus
from pyrdpmux.mux.figures import VmFigures
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.net.fair import FairSchedule, Kind, LoopShare

T = TypeVar("T")


@dataclass(eq=False)
class FakeVm:
    name: str
    input: InputSink
    uuid: str | None = None
    port: int = 3901
    viewer_count: int = 0
    figures: VmFigures = field(default_factory=VmFigures)
    #: somebody looks
    is_watched: bool = True
    screen: Screen = field(default_factory=Screen)
    leds: int | None = None
    statuses: list[tuple[VmStatus, str]] = field(default_factory=list)
    is_absolute: bool = True
    watcher: Callable[[bool], None] | None = None
    loop_share: LoopShare = field(default_factory=lambda: FairSchedule().share(Kind.GUEST, "fake"))

    def watch(self, listener: Callable[[bool], None]) -> None:
        self.watcher = listener
        listener(self.is_watched)

    def look(self, is_watched: bool) -> None:
        """Somebody comes, or the last one goes."""
        self.is_watched = is_watched
        if self.watcher is not None:
            self.watcher(is_watched)

    async def compute(self, job: Callable[[], T]) -> T:
        """In a thread, as in the daemon, so that mistakes show which only threads make."""
        return await asyncio.get_running_loop().run_in_executor(None, job)

    def set_leds(self, leds: int) -> None:
        self.leds = leds

    def set_status(self, status: VmStatus, text: str = "") -> None:
        self.statuses.append((status, text))

    def set_pointer_mode(self, *, is_absolute: bool) -> None:
        self.is_absolute = is_absolute


class FakeHost:
    """Implements VmHost."""

    def __init__(self) -> None:
        self.vms: dict[str, FakeVm] = {}
        self.added: list[str] = []
        self.lost: list[str] = []
        self.removed: list[tuple[str, str]] = []

    async def add_vm(
        self, name: str, *, input: InputSink, uuid: str | None = None, preferred_port: int = 0
    ) -> Vm:
        self.added.append(name)
        vm = self.vms.get(name)
        if vm is None:
            vm = self.vms[name] = FakeVm(name, input, uuid, preferred_port or 3901 + len(self.vms))
        vm.input = input
        return vm

    async def remove_vm(self, vm: Vm, reason: str) -> None:
        del self.vms[vm.name]
        self.removed.append((vm.name, reason))

    def vm_lost(self, vm: Vm, reason: str) -> None:
        self.lost.append(vm.name)


class InputNotes:
    """An InputSink that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        self.events.append(("key", scancode, extended, extended1, down))

    def pointer(self, x: int, y: int) -> None:
        self.events.append(("pointer", x, y))

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self.events.append(("button", button, down, x, y))

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self.events.append(("wheel", rotation, horizontal, x, y))

    def relative(self, dx: int, dy: int) -> None:
        self.events.append(("relative", dx, dy))

    def synchronize(self, toggle_flags: int) -> None:
        self.events.append(("synchronize", toggle_flags))


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Let the loop run until something is so; AssertionError if it does not become so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (nothing there to hook an Event into)
            await asyncio.sleep(0.002)
