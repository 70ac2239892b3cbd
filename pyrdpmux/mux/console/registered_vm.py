"""What a backend holds of a console."""

from collections.abc import Callable
from typing import TypeVar

from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.figures import VmFigures
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.net.fair import LoopShare

T = TypeVar("T")


class RegisteredVm:
    """What a backend holds: one registration of a VM with its console. See :class:`~.backend.Vm`."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @property
    def name(self) -> str:
        return self._console.name

    @property
    def uuid(self) -> str | None:
        return self._console.uuid

    @property
    def screen(self) -> Screen:
        return self._console.screen

    @property
    def port(self) -> int:
        return self._console.port

    @property
    def viewer_count(self) -> int:
        return len(self._console.viewers)

    @property
    def figures(self) -> VmFigures:
        """How its picture comes to viewers; empty for a registration that is not current any more."""
        return self._console.figures if self.is_current else VmFigures()

    @property
    def loop_share(self) -> LoopShare:
        """Of the event loop: what this VM makes us do is done in its turns."""
        return self._console.loop_share

    def watch(self, listener: Callable[[bool], None]) -> None:
        """See :meth:`.backend.Vm.watch`; nobody looks at what is not current any more."""
        if self.is_current:
            self._console.watch(listener)
        else:
            listener(False)

    async def compute(self, job: Callable[[], T]) -> T:
        """In a thread: see :meth:`.backend.Vm.compute`."""
        return await self._console.workers.run(self.name, job)

    def set_leds(self, leds: int) -> None:
        if self.is_current:
            self._console.set_leds(leds)

    def set_status(self, status: VmStatus, text: str = "") -> None:
        if self.is_current:
            self._console.set_status(status, text)

    def set_pointer_mode(self, *, is_absolute: bool) -> None:
        if self.is_current:
            self._console.set_pointer_mode(is_absolute=is_absolute)

    @property
    def is_current(self) -> bool:
        """False once the VM has registered anew, or is removed."""
        return self._console.registration is self
