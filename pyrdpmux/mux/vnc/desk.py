"""Between the thread that decodes and the event loop, which alone may touch a VM, listeners and input.

However fast a server talks, one delivery at a time is on its way to the loop, with the newest of each kind of
news; the next one comes :data:`PAUSE_SECONDS` later.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, TypeVar

from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.backend import Vm, VmStatus
from pyrdpmux.mux.log.connection_log import printable
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.rfb.desktop import ResizeStatus
from pyrdpmux.rfb.events import Connected, LedsChanged, PointerModeChanged, ResizeAnswered

log = logging.getLogger("pyrdpmux.vnc")

T = TypeVar("T")

PAUSE_SECONDS: Final = 0.005
"""Between two deliveries; updates come every 16 ms."""

News: TypeAlias = ResizeAnswered | Cursor | LedsChanged | PointerModeChanged


class Gone(Exception):
    """The connection is over for the loop: what its thread still finds out is of no use."""


class Guest(Protocol):
    """What of :class:`~pyrdpmux.mux.vnc.input.VncInput` the server's news are for."""

    def set_lights(self, leds: int) -> None: ...

    def set_pointer_mode(self, *, is_absolute: bool) -> None: ...


class Desk:
    """Of one connection. Made and closed by the loop; the other methods are for the thread."""

    def __init__(
        self, vm: Vm, input: Guest, loop: asyncio.AbstractEventLoop, connected: Callable[[], None]
    ) -> None:
        """``connected``: called by the loop as soon as input can be sent."""
        self._vm = vm
        self._input = input
        self._loop = loop
        self._connected = connected
        self._lock = threading.Lock()
        self._news: dict[type[News], News] = {}
        self._has_painted = False
        self._is_on_its_way = False
        self._next = loop.time()
        self._worked = 0.0
        self._is_closed = self._has_picture = False
        self._answered = threading.Event()

    def close(self) -> None:
        """Nothing is delivered after this, and the thread waits no more."""
        self._is_closed = True
        self._answered.set()

    # -- the thread's side -----------------------------------------------------------------------

    def tell(self, news: dict[type[News], News], *, has_painted: bool) -> None:
        """To the VM, soon."""
        if not news and not has_painted:
            return
        with self._lock:
            self._news.update(news)
            self._has_painted |= has_painted
            is_told, self._is_on_its_way = self._is_on_its_way, True
        if not is_told:
            self._call_soon(self._arrive)

    def connect(self, event: Connected, *, is_watched: bool) -> Surface:
        """The handshake is done. The surface to paint into. Raises Gone.

        Whoever looks sees by the VM's status that its picture is on the way; if nobody does, it is not.
        """
        return self._call(lambda: self._connect(event, is_watched))

    def resize(self, width: int, height: int) -> Surface:
        """The surface to paint into from now on. Raises Gone."""
        return self._call(lambda: self._resize(width, height))

    def take_worked(self) -> float:
        """Seconds that the loop has worked for this since the last time."""
        with self._lock:
            worked, self._worked = self._worked, 0.0
        return worked

    def _call_soon(self, job: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(job)
        except RuntimeError:
            raise Gone("the event loop is closed") from None

    def _call(self, job: Callable[[], T]) -> T:
        """What the loop makes of it. Raises Gone."""
        results: list[T] = []
        self._answered.clear()
        if self._is_closed:
            raise Gone

        def answer() -> None:
            try:
                if not self._is_closed:
                    results.append(self._timed(job))
            finally:
                self._answered.set()

        self._call_soon(answer)
        self._answered.wait()
        if not results:
            raise Gone
        return results[0]

    # -- the loop's side -------------------------------------------------------------------------

    def _timed(self, job: Callable[[], T]) -> T:
        began = self._loop.time()
        try:
            return job()
        finally:
            with self._lock:
                self._worked += self._loop.time() - began

    def _connect(self, event: Connected, is_watched: bool) -> Surface:
        vm = self._vm
        log.info("%s: connected to %s, %dx%d", vm.name, printable(event.name), event.width, event.height)
        vm.screen.set_cursor(CursorState.UNDEFINED)
        vm.set_pointer_mode(is_absolute=True)
        surface = self._resize(event.width, event.height)
        if is_watched:
            vm.set_status(VmStatus.WAITING)
        else:
            self._run()
        self._connected()
        return surface

    def _resize(self, width: int, height: int) -> Surface:
        screen = self._vm.screen
        if width and height:
            screen.resize(width, height)
        return screen.surface

    def _arrive(self) -> None:
        if self._loop.time() < self._next:
            self._loop.call_at(self._next, self._deliver)
        else:
            self._deliver()

    def _deliver(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
            has_painted, self._has_painted = self._has_painted, False
            self._is_on_its_way = False
        self._next = self._loop.time() + PAUSE_SECONDS
        if not self._is_closed:
            self._timed(lambda: self._tell(news, has_painted))

    def _tell(self, news: dict[type[News], News], has_painted: bool) -> None:
        for event in news.values():
            self._tell_one(event)
        if has_painted:
            self._tell_painted()

    def _tell_painted(self) -> None:
        if not self._has_picture:
            self._has_picture = True
            self._run()
        self._vm.screen.tell_changed()

    def _run(self) -> None:
        """The VM is there to be seen."""
        self._vm.screen.written(self._vm.screen.surface, ())  # which says that there is something
        self._vm.set_status(VmStatus.RUNNING)

    def _tell_one(self, event: News) -> None:
        match event:
            case ResizeAnswered() if event.status not in (ResizeStatus.DONE, ResizeStatus.FORWARDED):
                log.debug("%s: the VNC server refuses the size: %d", self._vm.name, event.status)
            case Cursor():
                self._vm.screen.set_cursor(event)
            case LedsChanged():
                self._input.set_lights(event.leds)
                self._vm.set_leds(event.leds)
            case PointerModeChanged():
                self._input.set_pointer_mode(is_absolute=event.is_absolute)
                self._vm.set_pointer_mode(is_absolute=event.is_absolute)
