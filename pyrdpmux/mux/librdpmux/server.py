"""The guests of all protocols: registration, one socket each, and what happens when one dies.

Knows no D-Bus: :mod:`.dbus_service` calls :meth:`LibrdpmuxServer.register` with what the bus says about the
caller, the demo VM calls it directly.
"""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import VmHost
from pyrdpmux.mux.librdpmux.account_check import check_accounts
from pyrdpmux.mux.librdpmux.records import Record, RecordFile
from pyrdpmux.mux.librdpmux.registered_guest import Guest
from pyrdpmux.mux.librdpmux.registration import Registration, RegistrationRefused
from pyrdpmux.mux.librdpmux.router_door import RouterDoor
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY, object_name, remove_leftover
from pyrdpmux.mux.librdpmux.socket_directory import make_socket_directory
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.librdpmux")

MAX_GUESTS: Final = 256
GRACE_SECONDS: Final = 60.0
"""How long a dead VM's viewers wait for it to come back under the same identity."""


class AccessControl(Protocol):
    """Who decides how viewers of a VM prove who they are; the VM has a say in that."""

    def requires_authentication(self, name: str) -> bool: ...

    def require_authentication(self, name: str, is_required: bool | None) -> None:
        """For connections from now on. None: as configured, or as :meth:`set_accounts` implies."""

    def set_accounts(self, name: str, path: Path | None) -> None:
        """The VM's own SAM file, which also asks for authentication. None: the configured one."""


class ConfiguredAccess:
    """Where nobody decides: nothing can be changed."""

    def requires_authentication(self, name: str) -> bool:
        return True

    def require_authentication(self, name: str, is_required: bool | None) -> None: ...

    def set_accounts(self, name: str, path: Path | None) -> None: ...


class LibrdpmuxServer:
    """All guests of one daemon.

    ``directory`` holds the sockets, one of ours if not given. ``state_dir`` keeps the registrations for the
    next daemon; without it they end with this one. ``on_change`` is called with a guest when it is published,
    and again with ``is_there=False`` when it is removed.
    """

    def __init__(
        self,
        *,
        directory: Path | None = None,
        state_dir: Path | None = None,
        shared_memory: Path = SHARED_MEMORY,
        shared_address: str | None = None,
        grace_seconds: float = GRACE_SECONDS,
        access: AccessControl | None = None,
        on_change: Callable[[Guest, bool], None] | None = None,
    ) -> None:
        self.shared_memory = shared_memory
        self.access = access or ConfiguredAccess()
        #: the bus on which owners' names mean something
        self.bus_id = ""
        self._directory = directory
        self._state_dir = state_dir
        self._door = RouterDoor(shared_address)
        self._records = RecordFile(state_dir)
        self._grace_seconds = grace_seconds
        self._on_change = on_change or (lambda guest, is_there: None)
        self._host: VmHost | None = None
        self._own_directory: Path | None = None
        self._guests: dict[str, Guest] = {}
        self._registering = asyncio.Lock()
        self._tasks = TaskSet()
        self._addresses_given = 0

    async def start(self, host: VmHost) -> None:
        """BackendError if there is no place for sockets."""
        if self._directory is None:
            self._directory = self._own_directory = make_socket_directory(self._state_dir)
        self._door.start()
        self._host = host

    async def stop(self) -> None:
        """The VMs live on: their registrations are kept for the next daemon."""
        await self._tasks.cancel_all()
        async with self._registering:
            for guest in list(self._guests.values()):
                await self._drop(guest, "the console service stops")
            self._host = None
        self._door.stop()
        if self._own_directory is not None:
            # Made again by the next daemon, in the same place.
            shutil.rmtree(self._own_directory, ignore_errors=True)
            self._directory = self._own_directory = None

    async def register(self, registration: Registration) -> str:
        """Bind a socket for this VM, publish it, and return the address for its end.

        A VM whose owner is gone, or asks again, is taken over: same port, same viewers.
        """
        async with self._registering:
            host, directory = self._host, self._directory
            if host is None or directory is None:
                raise RegistrationRefused("the console service is not running")
            self._check(registration)
            previous = self._guests.get(registration.key)
            guest = Guest(self, registration, self.shared_memory)
            path = directory / self._socket_name(registration, previous)
            if previous is not None:
                previous.close()
            try:
                guest.listen(path, self._door)
                self.access.set_accounts(guest.name, registration.accounts)
                self.access.require_authentication(guest.name, None)
                await self._publish(guest, host, registration.port)
            except BaseException:
                guest.close()
                if previous is not None:
                    await self._remove(previous, "its successor could not be registered")
                raise
        return guest.address

    async def resume(self, is_alive: Callable[[str, int | None], Awaitable[bool]]) -> None:
        """Take the VMs of the last daemon. ``is_alive`` tells about an owner's name on :attr:`bus_id`."""
        async with self._registering:
            host = self._host
            for record in self._records.load():
                registration = record.registration
                if host is None or registration.key in self._guests:
                    continue
                knows_owner = registration.owner is not None and record.bus_id == self.bus_id != ""
                if knows_owner and not await is_alive(registration.owner or "", registration.uid):
                    self._forget(record)
                    continue
                try:
                    await self._resume(record, host, knows_owner=knows_owner)
                except BackendError as error:
                    log.warning("%s: cannot be resumed: %s", registration.label, error)
                    self._records.remove(registration.key)

    def owner_lost(self, owner: str) -> None:
        """This name is gone from the bus."""
        for guest in self.guests:
            if guest.owner == owner:
                self.guest_lost(guest)

    def forget_owners(self) -> None:
        """The bus itself is gone: names of the next one mean others. From now on a VM's socket counts."""
        self.bus_id = ""
        for guest in self.guests:
            if guest.owner is not None:
                guest.owner = None
                if not guest.is_connected:
                    self.guest_lost(guest)

    @property
    def guests(self) -> list[Guest]:
        return list(self._guests.values())

    def set_accounts(self, guest: Guest, path: Path | None) -> None:
        """Another SAM file for connections from now on. RegistrationRefused."""
        check_accounts(path, guest.registration.uid)
        self.access.set_accounts(guest.name, path)
        guest.registration = replace(guest.registration, accounts=path)
        self._remember(guest)

    def require_authentication(self, guest: Guest, is_required: bool) -> None:
        self.access.require_authentication(guest.name, is_required)
        guest.requires_authentication = is_required
        self._remember(guest)

    async def shut_down(self, guest: Guest) -> None:
        """Close its console for good; the VM is not told."""
        async with self._registering:
            if self._guests.get(guest.key) is guest:
                await self._remove(guest, "its console was shut down")

    # -- what guests tell ------------------------------------------------------------------------

    def guest_heard(self, guest: Guest) -> None:
        """A successor must know how it speaks and what it shows."""
        self._records.update(guest.key, base=guest.session.base, switch=guest.session.latest_switch)

    def guest_lost(self, guest: Guest) -> None:
        """It died: its viewers wait for a while."""
        if guest.vm is None or guest.is_lost or self._host is None:
            return
        log.info("%s: lost, waiting %g s for its return", guest.name, self._grace_seconds)
        guest.grace = asyncio.get_running_loop().call_later(
            self._grace_seconds, self._start_removal, guest, "the VM is gone"
        )
        guest.lose()
        self._host.vm_lost(guest.vm, "the VM is gone")

    def guest_returned(self, guest: Guest) -> None:
        self._tasks.create(self._publish_again(guest), f"publish {guest.name} again")

    def guest_ended(self, guest: Guest) -> None:
        if self._guests.get(guest.key) is guest:
            self._start_removal(guest, "the VM has shut down")

    # -- inside ----------------------------------------------------------------------------------

    def _check(self, registration: Registration) -> None:
        check_accounts(registration.accounts, registration.uid)
        previous = self._guests.get(registration.key)
        if previous is None and len(self._guests) >= MAX_GUESTS:
            raise RegistrationRefused(f"{len(self._guests)} VMs are registered, no more are allowed")
        if previous is not None and not previous.may_be_replaced_by(registration):
            raise RegistrationRefused(f"VM {previous.key} is in use by {previous.owner or 'another user'}")
        for guest in self.guests:
            if guest is previous:
                continue
            if guest.registration.vm_id == registration.vm_id:
                raise RegistrationRefused(f"VM id {registration.vm_id} is in use by {guest.name}")
            if self._door.is_shared and guest.registration.uuid == registration.uuid != "":
                raise RegistrationRefused("at the shared socket a VM without a UUID must be the only one")

    def _socket_name(self, registration: Registration, previous: Guest | None) -> str:
        """By the number that a process picks, so that a predecessor that lives on has another one."""
        vm_id = registration.vm_id
        if (
            previous is None
            or previous.registration.vm_id != vm_id
            or previous.may_share_address(registration)
        ):
            return f"{vm_id}.socket"
        self._addresses_given += 1
        return f"{vm_id}-{self._addresses_given}.socket"

    async def _publish(self, guest: Guest, host: VmHost, port: int) -> None:
        registration = guest.registration
        vm = await host.add_vm(
            guest.name, input=guest.session.input, uuid=registration.identity, preferred_port=port
        )
        self._guests[guest.key] = guest
        guest.publish(vm)
        log.info("%s: protocol %d, RDP on port %d", guest.name, registration.version, vm.port)
        self._on_change(guest, True)
        self._remember(guest)

    def _remember(self, guest: Guest) -> None:
        self._records.put(
            Record(
                registration=guest.registration,
                address=guest.address,
                bus_id=self.bus_id,
                port=guest.vm.port if guest.vm is not None else 0,
                base=guest.session.base,
                switch=guest.session.latest_switch,
                requires_authentication=guest.requires_authentication,
            )
        )

    async def _resume(self, record: Record, host: VmHost, *, knows_owner: bool) -> None:
        guest = Guest(self, record.registration, self.shared_memory)
        guest.requires_authentication = record.requires_authentication
        if not knows_owner:
            guest.owner = None
        try:
            guest.resume(record, self._door)
            check_accounts(record.registration.accounts, record.registration.uid)
            self.access.set_accounts(guest.name, record.registration.accounts)
            self.access.require_authentication(guest.name, record.requires_authentication)
            await self._publish(guest, host, record.port)
        except BaseException:
            guest.close()
            raise
        if not knows_owner:
            self.guest_lost(guest)

    def _forget(self, record: Record) -> None:
        """It died while no daemon was there."""
        registration = record.registration
        log.info("%s: has died in the meantime", registration.label)
        remove_leftover(self.shared_memory / object_name(registration.vm_id), registration.uid)
        self._records.remove(registration.key)

    async def _publish_again(self, guest: Guest) -> None:
        async with self._registering:
            if self._guests.get(guest.key) is guest and guest.is_lost and self._host is not None:
                await self._publish(guest, self._host, guest.registration.port)

    def _start_removal(self, guest: Guest, reason: str) -> None:
        self._tasks.create(self._remove_unless_replaced(guest, reason), f"remove {guest.name}")

    async def _remove_unless_replaced(self, guest: Guest, reason: str) -> None:
        async with self._registering:
            if self._guests.get(guest.key) is guest:
                await self._remove(guest, reason)

    async def _remove(self, guest: Guest, reason: str) -> None:
        self._records.remove(guest.key)
        await self._drop(guest, reason)

    async def _drop(self, guest: Guest, reason: str) -> None:
        del self._guests[guest.key]
        guest.close(unlink=guest.is_lost)
        if self._host is not None and guest.vm is not None:
            await self._host.remove_vm(guest.vm, reason)
        self.access.set_accounts(guest.name, None)
        self.access.require_authentication(guest.name, None)
        self._on_change(guest, False)
