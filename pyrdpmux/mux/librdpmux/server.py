"""The guests of protocol 1: registration, one socket each, and what happens when one dies.

Knows no D-Bus: :mod:`.dbus_service` calls :meth:`LibrdpmuxServer.register` with what the bus says about the
caller, the demo VM calls it directly.
"""

import asyncio
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Vm, VmHost
from pyrdpmux.mux.librdpmux.session import Session
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY, object_name
from pyrdpmux.mux.librdpmux.transport import PairSocket
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.librdpmux")

MAX_GUESTS: Final = 256
GRACE_SECONDS: Final = 60.0
"""How long a dead VM's viewers wait for it to come back under the same id."""


class RegistrationRefused(BackendError):
    """A VM may not register like this; the text tells its hypervisor why."""


class Guest:
    """A registered VM: its socket, its session and their timer."""

    def __init__(
        self, server: "LibrdpmuxServer", vm_id: int, name: str, owner: str | None, uid: int | None
    ) -> None:
        self.vm_id = vm_id
        self.name = name
        self.owner = owner
        self.vm: Vm | None = None
        self.grace: asyncio.TimerHandle | None = None
        self._server = server
        self._uid = uid
        self._loop = asyncio.get_running_loop()
        self._socket = PairSocket(self)
        path = server.shared_memory / object_name(vm_id)
        self.session = Session(name, path, uid, self._socket.send, self._loop.time())
        self._timer: asyncio.TimerHandle | None = None

    def listen(self, path: Path) -> str:
        address = self._socket.listen(path, self._uid)
        self._plan()
        return address

    def publish(self, vm: Vm) -> None:
        """Paint here; also after a while of having been lost."""
        self.vm = vm
        if self.grace is not None:
            self.grace.cancel()
            self.grace = None
        self.session.attach(vm.screen, self._loop.time())
        self._plan()

    @property
    def is_connected(self) -> bool:
        return self._socket.is_connected

    @property
    def is_lost(self) -> bool:
        return self.grace is not None

    def may_be_replaced_by(self, owner: str | None, uid: int | None) -> bool:
        """Only by a VM of its user, since its viewers go on typing; and only if it is the same one, or dead.

        Where no bus tells who lives, the user is enough.
        """
        return self._uid == uid and (self.owner in (None, owner) or self.is_lost)

    def close(self, *, unlink: bool = False) -> None:
        for timer in (self._timer, self.grace):
            if timer is not None:
                timer.cancel()
        self._timer = self.grace = None
        self._socket.close()
        self.session.close(unlink=unlink)

    def received(self, messages: list[bytes]) -> None:
        self.session.receive(messages, self._loop.time())
        self._plan()
        if self.session.ended:
            self._server.guest_ended(self)

    def connected(self) -> None:
        log.debug("%s: connected", self.name)
        if self.is_lost and self.owner is None:
            self._server.guest_returned(self)

    def disconnected(self) -> None:
        """The library's socket lives as long as its process; the bus knows of that first, if there is one."""
        log.debug("%s: disconnected", self.name)
        if self.owner is None:
            self._server.guest_lost(self)

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self.session.next_deadline(), self._timed_out)

    def _timed_out(self) -> None:
        self.session.handle_timeout(self._loop.time())
        self._plan()


class LibrdpmuxServer:
    """All guests of one daemon.

    ``directory`` holds the sockets, a new private one if not given. ``on_change`` is called with a guest's id
    and its Vm when it is published, and with None when it is removed.
    """

    def __init__(
        self,
        *,
        directory: Path | None = None,
        shared_memory: Path = SHARED_MEMORY,
        grace_seconds: float = GRACE_SECONDS,
        on_change: Callable[[int, Vm | None], None] | None = None,
    ) -> None:
        self.shared_memory = shared_memory
        self._directory = directory
        self._grace_seconds = grace_seconds
        self._on_change = on_change or (lambda vm_id, vm: None)
        self._host: VmHost | None = None
        self._own_directory: Path | None = None
        self._guests: dict[int, Guest] = {}
        self._registering = asyncio.Lock()
        self._tasks = TaskSet()

    async def start(self, host: VmHost) -> None:
        self._host = host
        if self._directory is None:
            self._directory = self._own_directory = _private_directory()

    async def stop(self) -> None:
        await self._tasks.cancel_all()
        async with self._registering:
            for guest in list(self._guests.values()):
                await self._remove(guest, "the console service stops")
            self._host = None
        if self._own_directory is not None:
            shutil.rmtree(self._own_directory, ignore_errors=True)
            self._directory = self._own_directory = None

    async def register(
        self,
        vm_id: int,
        *,
        owner: str | None = None,
        uid: int | None = None,
        name: str | None = None,
        preferred_port: int = 0,
    ) -> str:
        """Bind a socket for this VM, publish it, and return the address for ``nn_connect``.

        ``owner`` is whose death is the VM's (see :meth:`owner_lost`), ``uid`` the user it runs as. A VM whose
        owner is gone, or asks again, is taken over: same port, same viewers.
        """
        async with self._registering:
            host, directory = self._host, self._directory
            if host is None or directory is None:
                raise RegistrationRefused("the console service is not running")
            self._check(vm_id, owner, uid)
            previous = self._guests.get(vm_id)
            if previous is not None:
                previous.close()
            guest = Guest(self, vm_id, name or f"vm-{vm_id}", owner, uid)
            try:
                address = guest.listen(directory / f"{vm_id}.socket")
                vm = await host.add_vm(guest.name, input=guest.session.input, preferred_port=preferred_port)
            except BaseException:
                guest.close()
                if previous is not None:
                    await self._remove(previous, "its successor could not be registered")
                raise
            self._guests[vm_id] = guest
            guest.publish(vm)
        log.info("%s: registered, RDP on port %d", guest.name, vm.port)
        self._on_change(vm_id, vm)
        return address

    def owner_lost(self, owner: str) -> None:
        """This name is gone from the bus."""
        for guest in list(self._guests.values()):
            if guest.owner == owner:
                self.guest_lost(guest)

    def forget_owners(self) -> None:
        """The bus itself is gone: names of the next one mean others. From now on a VM's socket counts."""
        for guest in list(self._guests.values()):
            if guest.owner is not None:
                guest.owner = None
                if not guest.is_connected:
                    self.guest_lost(guest)

    def guest_lost(self, guest: Guest) -> None:
        """It died: its viewers wait for a while."""
        if guest.vm is None or guest.is_lost or self._host is None:
            return
        log.info("%s: lost, waiting %g s for its return", guest.name, self._grace_seconds)
        guest.grace = asyncio.get_running_loop().call_later(
            self._grace_seconds, self._start_removal, guest, "the VM is gone"
        )
        guest.session.detach()
        self._host.vm_lost(guest.vm, "the VM is gone")

    def guest_returned(self, guest: Guest) -> None:
        """Its socket is there again, without a bus that would know more."""
        self._tasks.create(self._publish_again(guest), f"publish {guest.name} again")

    def guest_ended(self, guest: Guest) -> None:
        """It said so."""
        if self._guests.get(guest.vm_id) is guest:
            self._start_removal(guest, "the VM has shut down")

    def _check(self, vm_id: int, owner: str | None, uid: int | None) -> None:
        if vm_id < 0:
            raise RegistrationRefused(f"VM id {vm_id}, expected 0 or more")
        previous = self._guests.get(vm_id)
        if previous is None:
            if len(self._guests) >= MAX_GUESTS:
                raise RegistrationRefused(f"{len(self._guests)} VMs are registered, no more are allowed")
        elif not previous.may_be_replaced_by(owner, uid):
            raise RegistrationRefused(f"VM id {vm_id} is in use by {previous.owner or 'another user'}")

    async def _publish_again(self, guest: Guest) -> None:
        async with self._registering:
            if self._guests.get(guest.vm_id) is guest and guest.is_lost and self._host is not None:
                guest.publish(await self._host.add_vm(guest.name, input=guest.session.input))

    def _start_removal(self, guest: Guest, reason: str) -> None:
        self._tasks.create(self._remove_unless_replaced(guest, reason), f"remove {guest.name}")

    async def _remove_unless_replaced(self, guest: Guest, reason: str) -> None:
        async with self._registering:
            if self._guests.get(guest.vm_id) is guest:
                await self._remove(guest, reason)

    async def _remove(self, guest: Guest, reason: str) -> None:
        del self._guests[guest.vm_id]
        guest.close(unlink=guest.is_lost)
        if self._host is not None and guest.vm is not None:
            await self._host.remove_vm(guest.vm, reason)
        self._on_change(guest.vm_id, None)


def _private_directory() -> Path:
    """Ours to write; others may pass through to the socket that was given to them, but not look around."""
    is_root = os.geteuid() == 0
    candidates = [
        os.environ.get("RUNTIME_DIRECTORY", "").split(":", 1)[0],  # systemd made it for us
        "/run" if is_root else os.environ.get("XDG_RUNTIME_DIR", ""),
    ]
    writable = (path for path in candidates if path and os.access(path, os.W_OK | os.X_OK))
    directory = Path(tempfile.mkdtemp(prefix="pyrdpmux-", dir=next(writable, None)))
    if is_root:
        directory.chmod(0o711)
    return directory
