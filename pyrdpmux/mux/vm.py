"""A VM's console: its port, its picture, its keyboard, and who looks at it. It outlives the VM itself."""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable
from typing import Final

from pyrdpmux.mux.arbiter import InputArbiter
from pyrdpmux.mux.backend import InputSink, ResizeSink, VmStatus
from pyrdpmux.mux.config import LimitSettings, VmSettings
from pyrdpmux.mux.connection_log import ConnectionLog, printable
from pyrdpmux.mux.cursor import CursorState
from pyrdpmux.mux.display import Display
from pyrdpmux.mux.screen import Screen
from pyrdpmux.mux.viewer import Viewer
from pyrdpmux.net.listener import Listener, listen
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")

GOODBYE_SECONDS: Final = 1.5
"""How long viewers may take to hear why they are disconnected; a stop of the daemon takes 2 s at most."""

DEAF: Final = (VmStatus.PAUSED, VmStatus.CRASHED, VmStatus.MIGRATING, VmStatus.LOST)
"""What is typed now would arrive later, or never. A VM without a signal or starting wants its keys."""

_numbers = itertools.count(1)


class Console:
    """Serves the viewers of one VM."""

    def __init__(
        self,
        name: str,
        connect: Callable[[Display], ServerConnection],
        limits: LimitSettings,
        settings: VmSettings,
    ) -> None:
        self.name = name
        self.uuid: str | None = None
        self.screen = Screen()
        self.display = Display(self.screen)
        self.arbiter = InputArbiter()
        self.port = 0
        self.is_running = False
        self.status = VmStatus.STARTING
        #: the guest's lock keys, once it has told
        self.leds: int | None = None
        #: the registration that may speak for this console; older ones have no say any more
        self.registration: object = None
        self._listener: Listener | None = None
        self._connect = connect
        self._limits = limits
        self._settings = settings
        self._viewers: set[Viewer] = set()
        self._deserted = asyncio.Event()
        self._deserted.set()
        self.screen.on_painted = self._on_painted
        self._show_waiting()

    @property
    def is_view_only(self) -> bool:
        return self._settings.view_only

    @property
    def viewers(self) -> list[Viewer]:
        """Those that were let in."""
        return [viewer for viewer in self._viewers if viewer.is_admitted]

    def has_room_for(self, viewer: Viewer) -> bool:
        """Whether somebody who has just become active may stay."""
        return len(self.viewers) < self._limits.viewers_per_vm

    def start(self, registration: object, sink: InputSink, uuid: str | None) -> None:
        """A VM stands behind the console, perhaps again; what it shows first takes the card away."""
        self.registration = registration
        self.uuid = uuid
        self.is_running = True
        self.leds = None
        self.status = VmStatus.STARTING
        self.screen.set_cursor(CursorState.DEFAULT)
        self.arbiter.connect(sink)
        self._show_waiting()

    def lose(self, reason: str) -> None:
        """The VM is gone and may come back: viewers stay and are told."""
        if not self.is_running:
            return
        self.is_running = False
        self.arbiter.connect(None)
        self.set_status(VmStatus.LOST, reason)
        logger.info("VM %s lost: %s", printable(self.name), reason)

    # -- what the VM tells -----------------------------------------------------------------------

    def set_status(self, status: VmStatus, text: str = "") -> None:
        """RUNNING shows the VM's picture, once there is one; anything else a card over it."""
        self.status = status
        self._is_waiting = False
        self.arbiter.pause(status in DEAF)
        if status is not VmStatus.RUNNING:
            detail = status.value if not text else f"{status.value}: {text}"
            self.display.cover(printable(self.name), printable(detail))
        elif self._has_picture:
            self.display.uncover()
        else:
            self._show_waiting()

    def set_leds(self, leds: int) -> None:
        """The guest's lock keys; viewers' keyboards follow."""
        self.leds = leds
        for viewer in self.viewers:
            viewer.show_leds()

    def set_pointer_mode(self, *, is_absolute: bool) -> None:
        """Whether the guest has a tablet."""
        self.arbiter.is_absolute = is_absolute

    def request_size(self, viewer: Viewer, width: int, height: int) -> None:
        """A viewer would like this desktop size: nobody else may mind."""
        sink = self.arbiter.sink
        if self.viewers == [viewer] and not self.is_view_only and isinstance(sink, ResizeSink):
            sink.request_size(width, height)

    def _show_waiting(self) -> None:
        self._is_waiting, self._has_picture = True, False
        self.display.cover(printable(self.name), "waiting for its picture")

    def _on_painted(self) -> None:
        """The VM shows something: that it does so is all that was waited for."""
        self._has_picture = True
        if self._is_waiting:
            self._is_waiting = False
            self.status = VmStatus.RUNNING
            self.display.uncover()

    # -- connections -----------------------------------------------------------------------------

    async def listen(self, host: str, port: int) -> None:
        """Serve viewers at this address. Raises OSError."""
        self._listener = await listen(host, port, self._on_connection)
        self.port = self._listener.port

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The whole life of one TCP connection."""
        peername = writer.get_extra_info("peername")
        address = str(peername[0]) if isinstance(peername, tuple) else ""
        log = ConnectionLog(logger, next(_numbers), self.name)
        if complaint := self._why_not(address):
            log.warning("Refused %s: %s", address, complaint)
            writer.transport.abort()
            return
        connection = self._connect(self.display)
        peer = Peer(reader, writer, connection)
        viewer = Viewer(self, connection, peer, log, frame_seconds=1 / self._limits.frames_per_second)
        self._viewers.add(viewer)
        self._deserted.clear()
        log.info("Connected from %s", peer.peername)
        try:
            await viewer.run()
        finally:
            self._viewers.discard(viewer)
            if not self._viewers:
                self._deserted.set()

    def _why_not(self, address: str) -> str:
        """Why one more connection from there is too much, or nothing."""
        pending = [viewer for viewer in self._viewers if not viewer.is_admitted]
        if len(pending) >= self._limits.pending_per_vm:
            return f"{len(pending)} connections are waiting to log on"
        same = sum(1 for viewer in pending if viewer.address.rpartition(":")[0] == address)
        if same >= self._limits.pending_per_address:
            return f"{same} connections from there are waiting to log on"
        return ""

    async def close(self, error_info: ErrorInfo, reason: str) -> None:
        """Accept nobody any more, tell those who are there, and see them off."""
        self.is_running = False
        self.arbiter.connect(None)
        if self._listener is None:
            return
        await self._listener.close()
        for viewer in tuple(self._viewers):
            viewer.disconnect(error_info, reason)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._deserted.wait()
        await self._listener.cancel_connections()


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
