"""librdpmux as a backend of the mux."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import VmHost
from pyrdpmux.mux.librdpmux.claims import GUESTS_PER_UID
from pyrdpmux.mux.librdpmux.dbus_service import DBusService, Reload
from pyrdpmux.mux.librdpmux.protocol import NEWEST
from pyrdpmux.mux.librdpmux.registered_guest import Guest
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import GRACE_SECONDS, AccessControl, LibrdpmuxServer
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY
from pyrdpmux.mux.opener.client import Opener
from pyrdpmux.mux.settings.config import VmSettings
from pyrdpmux.net.blocking import BlockingPool
from pyrdpmux.net.fair import FairSchedule

log = logging.getLogger("pyrdpmux.librdpmux")


class LibrdpmuxBackend:
    """VMs that register on a D-Bus: "system", "session", an address, or "none" of them.

    Without a bus, :attr:`server` can still be told of VMs directly. ``default_version`` is what the object
    path announces that everybody knows; each version has a path of its own besides. ``is_optional``: a bus
    that cannot be had is a warning, and there are no VMs from there. ``reload`` is what ``Reload`` on the bus
    does. ``security_labels``: VMs of one user are told apart by how the kernel confines
    them, where it does. For the others see
    :class:`~.server.LibrdpmuxServer`.
    """

    def __init__(
        self,
        bus: str = "system",
        *,
        is_optional: bool = False,
        default_version: int = NEWEST,
        directory: Path | None = None,
        state_dir: Path | None = None,
        shared_address: str | None = None,
        access: AccessControl | None = None,
        shared_memory: Path = SHARED_MEMORY,
        grace_seconds: float = GRACE_SECONDS,
        reload: Reload | None = None,
        guests_per_uid: int = GUESTS_PER_UID,
        security_labels: bool = True,
        vms: Callable[[], Mapping[str, VmSettings]] | None = None,
        schedule: FairSchedule | None = None,
        files: BlockingPool | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.bus = bus
        self.is_running = False
        self._is_optional = is_optional
        self.server = LibrdpmuxServer(
            directory=directory,
            state_dir=state_dir,
            shared_address=shared_address,
            access=access,
            shared_memory=shared_memory,
            grace_seconds=grace_seconds,
            on_change=self._guest_changed,
            guests_per_uid=guests_per_uid,
            vms=vms,
            schedule=schedule,
            files=files,
            opener=opener,
        )
        self._service = (
            DBusService(
                bus,
                self.server,
                default_version=default_version,
                reload=reload,
                security_labels=security_labels,
            )
            if bus != "none"
            else None
        )

    async def start(self, host: VmHost) -> None:
        """BackendError if the bus, or the name on it, cannot be had; where it is optional, a warning."""
        try:
            await self._start(host)
        except BackendError as error:
            if not self._is_optional:
                raise
            log.warning("No VMs can register: %s", error)
        else:
            self.is_running = True

    async def _start(self, host: VmHost) -> None:
        await self.server.start(host)
        try:
            if self._service is not None:
                await self._service.start()
            else:
                await self.server.resume(_nobody_knows)
        except BaseException:
            await self.server.stop()
            raise

    async def stop(self) -> None:
        if not self.is_running:
            return
        self.is_running = False
        if self._service is not None:
            await self._service.stop()
        await self.server.stop()

    def _guest_changed(self, guest: Guest, is_there: bool) -> None:
        if self._service is not None:
            self._service.guest_changed(guest, is_there)


async def _nobody_knows(registration: Registration) -> bool:
    """Never asked: without a bus no owner is known."""
    return True
