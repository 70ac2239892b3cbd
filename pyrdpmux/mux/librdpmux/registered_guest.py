"""One registered VM: its socket, its session, the timers of both, and when they work."""

import asyncio
import logging
from pathlib import Path
from typing import Final, Protocol

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Vm
from pyrdpmux.mux.librdpmux.guest_work import GuestWork
from pyrdpmux.mux.librdpmux.messages import DisplaySwitch
from pyrdpmux.mux.librdpmux.protocol import Transport
from pyrdpmux.mux.librdpmux.records import Record
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.router_door import RouterDoor
from pyrdpmux.mux.librdpmux.session import Session
from pyrdpmux.mux.librdpmux.shared_memory import object_name
from pyrdpmux.mux.librdpmux.transport import GuestSocket, PairSocket
from pyrdpmux.mux.log.connection_log import MAX_REASON, printable
from pyrdpmux.mux.log.rate_limited import RateLimitedLog
from pyrdpmux.mux.opener.client import Opener

log = logging.getLogger("pyrdpmux.librdpmux")
complaints = RateLimitedLog(log)

DESCRIPTORS: Final = 8
"""Of a VM at most: its console's port, its socket (three, with ZeroMQ four), its connection (a library of
version 3 may have two) and its framebuffer."""


class Owner(Protocol):
    """Who keeps the guests, as they see it."""

    def guest_heard(self, guest: "Guest") -> None:
        """It speaks, or shows something, as it has not before."""

    def guest_ended(self, guest: "Guest") -> None:
        """It said so."""

    def guest_returned(self, guest: "Guest") -> None:
        """Its socket is there again, without a bus that would know more."""

    def guest_lost(self, guest: "Guest") -> None:
        """It died."""


class Guest:
    """A registered VM."""

    def __init__(
        self,
        server: Owner,
        registration: Registration,
        shared_memory: Path,
        opener: Opener | None = None,
    ) -> None:
        opener = opener or Opener()
        self.registration = registration
        #: whose death is the VM's; None where only its socket can tell
        self.owner = registration.owner
        self.address = ""
        #: what its user wants, if that was ever said
        self.requires_authentication: bool | None = None
        self.vm: Vm | None = None
        self.grace: asyncio.TimerHandle | None = None
        self._server = server
        self._path = shared_memory / object_name(registration.vm_id)
        self._loop = asyncio.get_running_loop()
        self._socket: GuestSocket | None = None
        self.session = Session(
            self.name,
            self._path,
            registration.uid,
            self._send,
            self._loop.time(),
            registration.protocol,
            open_file=opener.framebuffers_of(registration.uid),
            unlink=opener.unlink_framebuffer,
            complain=self._complain,
        )
        self._work = GuestWork(self.session, self._loop.time, self._rest)
        self._timer: asyncio.TimerHandle | None = None
        #: what its owner knows of how it speaks and what it shows
        self._told: tuple[int | None, DisplaySwitch | None] = (None, None)
        self._is_closed = False

    @property
    def name(self) -> str:
        return self.registration.label

    @property
    def key(self) -> str:
        return self.registration.key

    def listen(self, path: Path, door: RouterDoor) -> None:
        """Bind what its protocol asks for. BackendError."""
        registration = self.registration
        if registration.protocol.transport is Transport.PAIR:
            pair = PairSocket(self, self._work.read)
            self._socket = pair
            self.address = pair.listen(path, registration.uid)
        else:
            self.address, self._socket = door.open(path, registration, self, self._work.read)
        self._plan()

    def resume(self, record: Record, door: RouterDoor) -> None:
        """As an earlier server left it."""
        self.session.resume(record.base, record.switch)
        if record.address.startswith("ipc:///"):
            self.listen(Path(record.address.removeprefix("ipc://")), door)
        elif record.address == door.shared_address:
            self.listen(Path(), door)
        else:
            raise BackendError(f"its address {record.address} is not served any more")
        if self._socket is not None:
            door.call(self._socket, self.session.greeting())

    def publish(self, vm: Vm) -> None:
        """Paint here; also after a while of having been lost."""
        self.vm = vm
        self.stop_waiting()
        vm.watch(self._watched)
        self.session.attach(vm.screen)
        self._work.start(vm.loop_share, vm.compute)
        self._plan()

    def lose(self) -> None:
        """It is dead: nothing that it has shown is copied any more."""
        self.session.detach()

    def stop_waiting(self) -> None:
        """It is there, or will never be."""
        if self.grace is not None:
            self.grace.cancel()
            self.grace = None

    @property
    def is_connected(self) -> bool:
        return self._socket is not None and self._socket.is_connected

    @property
    def is_lost(self) -> bool:
        return self.grace is not None

    @property
    def descriptors_to_come(self) -> int:
        """That it will need, and does not have yet."""
        return (not self.is_connected) + (not self.session.has_framebuffer)

    def may_be_replaced_by(self, other: Registration) -> bool:
        """Only by a VM of its user, confined like it, since its viewers go on typing; and if it is gone.

        Who is there may register anew: the same connection to the bus, or the same process at the next bus.
        """
        mine = self.registration
        if mine.uid != other.uid or mine.security_label not in (None, other.security_label):
            return False
        if self.is_lost or self.owner == other.owner:
            return True
        if self.owner is not None:
            return False
        return not self.is_connected or None in (mine.pid, other.pid) or mine.pid == other.pid

    @property
    def may_come_back(self) -> bool:
        """It is said to be dead, but its process still has the socket, and would connect to it again."""
        return self.is_lost and self.is_connected

    def close(self, *, unlink: bool = False) -> None:
        """``unlink``: it is dead and has left its framebuffer behind."""
        self._is_closed = True
        self._plan()
        self.stop_waiting()
        if self._socket is not None:
            self._socket.close()
        self.session.close(unlink=unlink)
        self._work.close()

    def received(self, messages: list[bytes]) -> None:
        self.session.receive(messages, self._loop.time())
        self._work.wake()
        self._plan()
        news = (self.session.base, self.session.latest_switch)
        if news != self._told:
            self._told = news
            self._server.guest_heard(self)
        if self.session.ended:
            self._server.guest_ended(self)

    def _watched(self, is_watched: bool) -> None:
        self.session.watched(is_watched, self._loop.time())
        self._work.wake()
        self._plan()

    def connected(self) -> None:
        log.debug("%s: connected", self.name)
        if self.is_lost and self.owner is None:
            self._server.guest_returned(self)

    def disconnected(self) -> None:
        """The library's socket lives as long as its process; the bus knows of that first, if there is one."""
        log.debug("%s: disconnected", self.name)
        if self.owner is None:
            self._server.guest_lost(self)

    def _send(self, message: bytes) -> None:
        if self._socket is not None:
            self._socket.send(message)

    def _plan(self) -> None:
        """A timer that is too early is left: it plans again."""
        deadline = self.session.next_deadline(is_working=self._work.is_active)
        timer = self._timer
        if timer is not None and (self._is_closed or deadline is None or deadline < timer.when()):
            timer.cancel()
            timer = self._timer = None
        if timer is None and deadline is not None and not self._is_closed:
            self._timer = self._loop.call_at(deadline, self._timed_out)

    def _timed_out(self) -> None:
        self._timer = None
        self.session.handle_timeout(self._loop.time())
        self._work.wake()
        self._plan()

    def _rest(self) -> None:
        """Everything is done for now, and what comes next may be due later."""
        self._plan()

    def _complain(self, text: str) -> None:
        complaints.warning(f"guest {self.key}", "%s: %s", printable(self.name), printable(text, MAX_REASON))
