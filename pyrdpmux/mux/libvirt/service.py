"""``org.QemuDisplay.RDP`` on the VM's bus: what libvirt tells its helper, and hears from it."""

import asyncio
import logging
from typing import Final

from dbus_fast import NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusStr
from dbus_fast.errors import AuthError, DBusFastError
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.libvirt.credentials import Credentials

log = logging.getLogger("pyrdpmux.libvirt")

BUS_NAME: Final = "org.QemuDisplay.RDP"
OBJECT_PATH: Final = "/org/qemu_display/rdp"
INTERFACE: Final = "org.QemuDisplay.RDP"


class RdpInterface(ServiceInterface):
    """The object's only interface."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__(INTERFACE)
        self._credentials = credentials

    @dbus_method(name="SetCredentials")
    def set_credentials(self, username: DBusStr, password: DBusStr, domain: DBusStr) -> None:
        self._credentials.set(username, password, domain)
        log.info("Credentials of %r are set", username)

    @dbus_signal(name="Leaving")
    def leaving(self, reason: str) -> DBusStr:
        return reason


class BusService:
    """Owns the name as long as it runs."""

    def __init__(self, address: str, credentials: Credentials) -> None:
        self._address = address
        self._interface = RdpInterface(credentials)
        self._bus: MessageBus | None = None

    async def start(self) -> None:
        """BackendError if the bus or the name cannot be had."""
        try:
            bus = await MessageBus(bus_address=self._address).connect()
            bus.export(OBJECT_PATH, self._interface)
            owned = await bus.request_name(BUS_NAME, NameFlag.DO_NOT_QUEUE)
        except (OSError, EOFError, ValueError, AuthError, DBusFastError) as error:
            raise BackendError(f"D-Bus {self._address}: {str(error) or type(error).__name__}") from error
        if owned is not RequestNameReply.PRIMARY_OWNER:
            bus.disconnect()
            await _gone(bus)
            raise BackendError(f"D-Bus {self._address}: {BUS_NAME} belongs to another process")
        self._bus = bus

    async def wait(self) -> None:
        """Until the bus is gone."""
        assert self._bus is not None
        await _gone(self._bus)

    async def stop(self, reason: str) -> None:
        """Tell libvirt why, and leave."""
        bus, self._bus = self._bus, None
        if bus is None:
            return
        if bus.connected:
            self._interface.leaving(reason)
            bus.disconnect()
        await _gone(bus)


async def _gone(bus: MessageBus) -> None:
    try:
        # Shielded, because to cancel what it returns is to cancel the bus's own future.
        await asyncio.shield(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
    except (OSError, EOFError) as error:
        log.debug("The bus has gone: %s", error)
