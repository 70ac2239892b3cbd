"""A guest's registration on D-Bus, which lasts as long as its connection to the bus."""

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

_RESTARTED: Final = f"type='signal',sender='{DAEMON}',member='NameOwnerChanged',arg0='{BUS_NAME}'"


class Registration:
    """Registers, and again whenever the server's name gets a new owner; the library never does that."""

    def __init__(self, bus: MessageBus, vm_id: int, on_endpoint: Callable[[str], None]) -> None:
        self._bus = bus
        self._vm_id = vm_id
        self._on_endpoint = on_endpoint
        self._tasks = TaskSet()

    @classmethod
    async def open(cls, bus: str, vm_id: int, on_endpoint: Callable[[str], None]) -> "Registration":
        """``on_endpoint`` is told where to connect, before this returns and after each server restart."""
        registration = cls(await connect_bus(bus), vm_id, on_endpoint)
        try:
            registration._bus.add_message_handler(registration._message)
            await call_daemon(registration._bus, "AddMatch", _RESTARTED)
            on_endpoint(await registration._register())
        except DBusError as error:
            await registration.close()
            raise BackendError(f"{BUS_NAME}: {error.text}") from error
        except BackendError:
            await registration.close()
            raise
        return registration

    async def close(self) -> None:
        """For the server, this is the VM's death."""
        await self._tasks.cancel_all()
        if self._bus.connected:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    async def _register(self) -> str:
        (properties,) = await call(self._bus, BUS_NAME, OBJECT_PATH, PROPERTIES, "GetAll", "s", INTERFACE)
        versions = properties["SupportedProtocolVersions"].value
        if PROTOCOL_VERSION not in versions:
            raise BackendError(f"{BUS_NAME}: speaks protocol {versions}, we {PROTOCOL_VERSION}")
        (endpoint,) = await call(
            self._bus, BUS_NAME, OBJECT_PATH, INTERFACE, "Register", "ii", self._vm_id, PROTOCOL_VERSION
        )
        if not endpoint:
            raise BackendError(f"{BUS_NAME}: refused without a reason, as the original server does")
        return str(endpoint)

    def _message(self, message: Message) -> bool:
        if (
            message.message_type is MessageType.SIGNAL
            and message.member == "NameOwnerChanged"
            and message.sender == DAEMON
            and message.body[0] == BUS_NAME
            and message.body[2]
        ):
            self._tasks.create(self._register_again(), "register again")
        return False

    async def _register_again(self) -> None:
        try:
            endpoint = await self._register()
        except (DBusError, BackendError) as error:
            log.warning("%s is back, but: %s", BUS_NAME, error)
        else:
            self._on_endpoint(endpoint)
