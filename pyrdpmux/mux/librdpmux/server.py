"""The guests of all protocols: registration, one socket each, and what happens when one dies.

Knows no D-Bus: :mod:`.dbus_service` calls :meth:`LibrdpmuxServer.register` with what the bus says about the
caller, the demo VM calls it directly.
"""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import VmHost
from pyrdpmux.mux.librdpmux.account_check import check_accounts
from pyrdpmux.mux.librdpmux.bus_turns import BusTurns
from pyrdpmux.mux.librdpmux.claims import GUESTS_PER_UID, Claims
from pyrdpmux.mux.librdpmux.pins import Pins
from pyrdpmux.mux.librdpmux.record_keeper import RecordKeeper
from pyrdpmux.mux.librdpmux.records import Record
from pyrdpmux.mux.librdpmux.registered_guest import Guest
from pyrdpmux.mux.librdpmux.registration import (
    AccountsMissing,
    Registration,
    RegistrationRefused,
    check_path,
)
from pyrdpmux.mux.librdpmux.router_door import RouterDoor
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY, object_name, remove_leftover
from pyrdpmux.mux.librdpmux.socket_directory import make_socket_directory
from pyrdpmux.mux.log.connection_log import MAX_REASON, printable
from pyrdpmux.mux.opener.client import Opener
from pyrdpmux.mux.settings.config import VmSettings
from pyrdpmux.net.blocking import BlockingPool
from pyrdpmux.net.fair import FairSchedule
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.librdpmux")

OPENER_SECONDS: Final = 0.25
"""That an opener may take for a framebuffer; a tenth of a millisecond is usual."""

GRACE_SECONDS: Final = 60.0
"""How long a dead VM's viewers wait for it to come back under the same identity."""


IsAlive = Callable[[Registration], Awaitable[bool]]
"""Whether the process that registered is still at the bus, by its name there."""


class AccessControl(Protocol):
    """Who decides how viewers of a VM prove who they are; the VM has a say in that."""

    def requires_authentication(self, name: str) -> bool: ...

    def require_authentication(self, name: str, is_required: bool | None) -> None:
        """For connections from now on. None: as configured, or as :meth:`set_accounts` implies."""

    def set_accounts(self, name: str, path: Path | None, uid: int | None = None) -> None:
        """The VM's own SAM file, which also asks for authentication. None: the configured one.

        ``uid``: the only user whose file it may be, whenever it is read; None if that is not known.
        """


class ConfiguredAccess:
    """Where nobody decides: nothing can be changed."""

    def requires_authentication(self, name: str) -> bool:
        return True

    def require_authentication(self, name: str, is_required: bool | None) -> None: ...

    def set_accounts(self, name: str, path: Path | None, uid: int | None = None) -> None: ...


class LibrdpmuxServer:
    """All guests of one daemon.

    ``directory`` holds the sockets, one of ours if not given. ``state_dir`` keeps the registrations for the
    next daemon; without it they end with this one. ``on_change`` is called with a guest when it is published,
    and again with ``is_there=False`` when it is removed. ``vms`` tells the tables ``[vms.NAME]`` of the
    configuration, which are for their owners only. ``schedule`` and ``files`` are the daemon's; ``opener``
    opens files of VMs that we may not open ourselves.
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
        guests_per_uid: int = GUESTS_PER_UID,
        vms: Callable[[], Mapping[str, VmSettings]] | None = None,
        schedule: FairSchedule | None = None,
        files: BlockingPool | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.shared_memory = shared_memory
        self.access = access or ConfiguredAccess()
        #: the bus on which owners' names mean something
        self.bus_id = ""
        self._directory = directory
        self._state_dir = state_dir
        schedule = schedule or FairSchedule()
        self._files = files or BlockingPool()
        self._opener = opener or Opener()
        #: for what is asked on the loop
        self._quick_opener = self._opener.with_patience(OPENER_SECONDS)
        self._turns = BusTurns(schedule)
        self._door = RouterDoor(shared_address, schedule)
        self._keeper = RecordKeeper(state_dir, self._files)
        self._records = self._keeper.file
        self._pins = Pins(vms)
        self._claims = Claims(self._pins, guests_per_uid, is_shared=shared_address is not None)
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
        await self._keeper.stop()
        if self._own_directory is not None:
            # Made again by the next daemon, in the same place.
            shutil.rmtree(self._own_directory, ignore_errors=True)
            self._directory = self._own_directory = None

    async def register(self, registration: Registration) -> str:
        """Bind a socket for this VM, publish it, and return the address for its end.

        A VM whose owner is gone, or asks again, is taken over: same port, same viewers.
        """
        async with self._turns.of(registration.uid) as share:
            async with share.turn():  # what is refused is refused here, in the time of who asks
                self._claims.check(registration, self._guests)
            await check_accounts(registration.accounts, registration.uid, self._files, share, self._opener)
            async with self._registering:
                previous = self._claims.check(registration, self._guests)
                guest = await self._register(registration, previous)
        await self._keeper.flush()
        return guest.address

    async def _register(self, registration: Registration, previous: Guest | None) -> Guest:
        host, directory = self._host, self._directory
        if host is None or directory is None:
            raise RegistrationRefused("the console service is not running")
        guest = Guest(self, registration, self.shared_memory, self._quick_opener)
        path = directory / self._socket_name(registration, previous)
        if previous is not None:
            previous.close()
            if previous.name != guest.name:
                await self._remove(previous, f"it is called {guest.name} now")
                previous = None
        try:
            guest.listen(path, self._door)
            await self._publish(guest, host, registration.port)
        except BaseException:
            guest.close()
            if previous is not None:
                await self._remove(previous, "its successor could not be registered")
            raise
        return guest

    async def resume(self, is_alive: IsAlive) -> None:
        """Take the VMs of the last daemon. ``is_alive`` tells about their owners' names on :attr:`bus_id`."""
        async with self._registering:
            host = self._host
            records, pins = self._records.load()
            self._pins.load(pins)
            for record in records:
                registration = record.registration
                if host is None or registration.key in self._guests:
                    continue
                knows_owner = registration.owner is not None and record.bus_id == self.bus_id != ""
                if knows_owner and not await is_alive(registration):
                    self._forget(record)
                    continue
                try:
                    await self._resume(record, host, knows_owner=knows_owner)
                except BackendError as error:
                    log.warning(
                        "%s: cannot be resumed: %s",
                        printable(registration.label),
                        printable(str(error), MAX_REASON),
                    )
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

    async def set_accounts(self, guest: Guest, path: Path | None) -> None:
        """Another SAM file for connections from now on. RegistrationRefused."""
        if path is not None:
            check_path(path)
        async with self._turns.of(guest.registration.uid) as share:
            await check_accounts(path, guest.registration.uid, self._files, share, self._opener)
        if self._guests.get(guest.key) is not guest:
            raise RegistrationRefused(f"{guest.name} is not there any more")
        self.access.set_accounts(guest.name, path, guest.registration.uid)
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
        log.info("%s: lost, waiting %g s for its return", printable(guest.name), self._grace_seconds)
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

    def _socket_name(self, registration: Registration, previous: Guest | None) -> str:
        """By the number that a process picks, unless that process might connect there again."""
        vm_id = registration.vm_id
        if previous is None or previous.registration.vm_id != vm_id or not previous.may_come_back:
            return f"{vm_id}.socket"
        self._addresses_given += 1
        return f"{vm_id}-{self._addresses_given}.socket"

    async def _publish(self, guest: Guest, host: VmHost, port: int) -> None:
        """INVARIANT: it has a say about who may see a console only once that is its own."""
        registration = guest.registration
        vm = await host.add_vm(
            guest.name, input=guest.session.input, uuid=registration.identity, preferred_port=port
        )
        self.access.set_accounts(guest.name, registration.accounts, registration.uid)
        self.access.require_authentication(guest.name, guest.requires_authentication)
        self._guests[guest.key] = guest
        guest.publish(vm)
        log.info("%s: protocol %d, RDP on port %d", printable(guest.name), registration.version, vm.port)
        self._on_change(guest, True)
        self._remember(guest)

    def _remember(self, guest: Guest) -> None:
        if self._pins.set(guest.registration):
            self._records.put_pins(self._pins.all)
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
        guest = Guest(self, record.registration, self.shared_memory, self._quick_opener)
        guest.requires_authentication = record.requires_authentication
        if not knows_owner:
            guest.owner = None
        try:
            guest.resume(record, self._door)
            await self._check_again(record.registration)
            await self._publish(guest, host, record.port)
        except BaseException:
            guest.close()
            raise
        if not knows_owner:
            self.guest_lost(guest)

    async def _check_again(self, registration: Registration) -> None:
        """A SAM file that is away for a while ends no VM; nobody can log on until it is back."""
        self._pins.check(registration)
        async with self._turns.of(registration.uid) as share:
            try:
                await check_accounts(
                    registration.accounts, registration.uid, self._files, share, self._opener
                )
            except AccountsMissing as error:
                name = printable(registration.label)
                log.warning("%s: nobody can log on: %s", name, printable(str(error), MAX_REASON))

    def _forget(self, record: Record) -> None:
        """It died while no daemon was there."""
        registration = record.registration
        log.info("%s: has died in the meantime", printable(registration.label))
        path = self.shared_memory / object_name(registration.vm_id)
        remove_leftover(path, registration.uid, self._quick_opener.unlink_framebuffer)
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
        if self._pins.set(guest.registration):  # its table is newer than its registration
            self._records.put_pins(self._pins.all)
        self._records.remove(guest.key)
        await self._drop(guest, reason)

    async def _drop(self, guest: Guest, reason: str) -> None:
        del self._guests[guest.key]
        guest.close(unlink=guest.is_lost)
        removal = None
        if self._host is not None and guest.vm is not None:
            removal = self._tasks.create(self._host.remove_vm(guest.vm, reason), f"remove {guest.name}")
            await asyncio.sleep(0)
        # Its viewers are being told; from here on the name may be another VM's, with accounts of its own.
        self.access.set_accounts(guest.name, None)
        self.access.require_authentication(guest.name, None)
        if removal is not None:
            await removal
        self._on_change(guest, False)
