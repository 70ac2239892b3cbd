"""A guest's registration on D-Bus, which lasts as long as its connection to the bus."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.bus import (
    BUS_NAME,
    DAEMON,
    INTERFACE,
    OBJECT_PATH,
    PROPERTIES,
    call,
    call_daemon,
    connect_bus,
)
from pyrdpmux.mux.librdpmux.messages import PROTOCOL_VERSION
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.guest")

RECONNECT_SECONDS: Final = 5.0

_RESTARTED: Final = f"type='signal',sender='{DAEMON}',member='NameOwnerChanged',arg0='{BUS_NAME}'"


class Registration:
    """Registers, and again whenever server or bus come back after a restart; the library never does that."""

    def __init__(self, address: str, vm_id: int, on_endpoint: Callable[[str], None]) -> None:
        self._address = address
        self._bus: MessageBus | None = None
        self._vm_id = vm_id
        self._on_endpoint = on_endpoint
        self._tasks = TaskSet()

    @classmethod
    async def open(cls, bus: str, vm_id: int, on_endpoint: Callable[[str], None]) -> "Registration":
        """``on_endpoint`` is told where to connect, before this returns and after each restart."""
        registration = cls(bus, vm_id, on_endpoint)
        await registration._connect()
        registration._tasks.create(registration._keep_connected(), "D-Bus connection")
        return registration

    async def close(self) -> None:
        """For the server, this is the VM's death."""
        await self._tasks.cancel_all()
        await self._disconnect()

    async def _connect(self) -> None:
        """BackendError if there is no bus, or no server on it that takes us."""
        bus = self._bus = await connect_bus(self._address)
        try:
            bus.add_message_handler(self._message)
            await call_daemon(bus, "AddMatch", _RESTARTED)
            await self._register(bus)
        except DBusError as error:
            await self._disconnect()
            raise BackendError(f"{BUS_NAME}: {error.text}") from error
        except BaseException:
            await self._disconnect()
            raise

    async def _disconnect(self) -> None:
        bus, self._bus = self._bus, None
        if bus is not None and bus.connected:
            bus.disconnect()
            with contextlib.suppress(Exception):  # it is gone either way
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    async def _keep_connected(self) -> None:
        while True:
            if self._bus is not None:
                with contextlib.suppress(Exception):  # whatever ended it, it has ended
                    # Shielded, because to cancel what it returns is to cancel the bus's own future.
                    await asyncio.shield(self._bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
                log.warning("D-Bus %s: connection lost", self._address)
            await asyncio.sleep(RECONNECT_SECONDS)
            try:
                await self._connect()
            except BackendError as error:
                log.debug("%s", error)

    async def _register(self, bus: MessageBus) -> None:
        (properties,) = await call(bus, BUS_NAME, OBJECT_PATH, PROPERTIES, "GetAll", "s", INTERFACE)
        versions = properties["SupportedProtocolVersions"].value
        if PROTOCOL_VERSION not in versions:
            raise BackendError(f"{BUS_NAME}: speaks protocol {versions}, we {PROTOCOL_VERSION}")
        arguments = (self._vm_id, PROTOCOL_VERSION)
        (endpoint,) = await call(bus, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", "ii", *arguments)
        if not endpoint:
            raise BackendError(f"{BUS_NAME}: refused without a reason, as the original server does")
        self._on_endpoint(str(endpoint))

    def _message(self, message: Message) -> bool:
        if (
            self._bus is not None
            and message.message_type is MessageType.SIGNAL
            and message.member == "NameOwnerChanged"
            and message.sender == DAEMON
            and message.body[0] == BUS_NAME
            and message.body[2]
        ):
            self._tasks.create(self._register_again(self._bus), "register again")
        return False

    async def _register_again(self, bus: MessageBus) -> None:
        try:
            await self._register(bus)
        except (DBusError, BackendError) as error:
            log.warning("%s is back, but: %s", BUS_NAME, error)
