"""librdpmux as a backend of the mux."""

from pathlib import Path

from pyrdpmux.mux.backend import Vm, VmHost
from pyrdpmux.mux.librdpmux.dbus_service import DBusService
from pyrdpmux.mux.librdpmux.server import GRACE_SECONDS, LibrdpmuxServer
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY


class LibrdpmuxBackend:
    """VMs that register on a D-Bus: "system", "session", an address, or "none" of them.

    Without a bus, :attr:`server` can still be told of VMs directly.
    """

    def __init__(
        self,
        bus: str = "system",
        *,
        directory: Path | None = None,
        shared_memory: Path = SHARED_MEMORY,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        self.server = LibrdpmuxServer(
            directory=directory,
            shared_memory=shared_memory,
            grace_seconds=grace_seconds,
            on_change=self._guest_changed,
        )
        self._service = DBusService(bus, self.server) if bus != "none" else None

    async def start(self, host: VmHost) -> None:
        """BackendError if the bus, or the name on it, cannot be had."""
        await self.server.start(host)
        if self._service is not None:
            try:
                await self._service.start()
            except BaseException:
                await self.server.stop()
                raise

    async def stop(self) -> None:
        if self._service is not None:
            await self._service.stop()
        await self.server.stop()

    def _guest_changed(self, vm_id: int, vm: Vm | None) -> None:
        if self._service is not None:
            self._service.guest_changed(vm_id, vm)
