"""The D-Bus face of protocol 1 (section 2): ``org.RDPMux.RDPMux`` with Register and its version list."""

import asyncio
import contextlib
import logging
from typing import Annotated, Final

from dbus_fast import DBusError, ErrorType, Message, MessageType, NameFlag, PropertyAccess, RequestNameReply
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusInt32, DBusSignature, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Vm
from pyrdpmux.mux.librdpmux.bus import (
    BUS_NAME,
    DISAPPEARED,
    INTERFACE,
    OBJECT_PATH,
    WORKER_INTERFACE,
    WORKER_PATH,
    call_daemon,
    connect_bus,
    lost_name,
)
from pyrdpmux.mux.librdpmux.messages import PROTOCOL_VERSION
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.librdpmux")

RECONNECT_SECONDS: Final = 5.0
ERROR_VERSION: Final = "org.RDPMux.Error.VersionNotSupported"
ERROR_REFUSED: Final = "org.RDPMux.Error.RegistrationRefused"

_REGISTER_SIGNATURE: Final = "ii"
_VERSIONS: Final = (PROTOCOL_VERSION,)
"""The library looks at the first one only, and dies of an empty list."""


class MainInterface(ServiceInterface):
    """``org.RDPMux.RDPMux``, for introspection and properties; see :class:`DBusService` for Register."""

    def __init__(self) -> None:
        super().__init__(INTERFACE)

    @dbus_method(name="Register")
    def register(self, id: DBusInt32, version: DBusInt32) -> DBusStr:
        raise DBusError(ErrorType.NOT_SUPPORTED, "Register needs a caller")

    @dbus_property(access=PropertyAccess.READ, name="SupportedProtocolVersions")
    def supported_protocol_versions(self) -> Annotated[list[int], DBusSignature("ai")]:
        return list(_VERSIONS)


class WorkerInterface(ServiceInterface):
    """``org.RDPMux.ServerWorker``: where one VM's console can be reached."""

    def __init__(self, vm: Vm) -> None:
        super().__init__(WORKER_INTERFACE)
        self._vm = vm

    @dbus_property(access=PropertyAccess.READ, name="Port")
    def port(self) -> DBusInt32:
        return self._vm.port


class DBusService:
    """Owns the name on a bus, passes registrations on, and tells the server whose owner died.

    A bus that goes away is tried again until :meth:`stop`; the VMs' own sockets do not depend on it.
    """

    def __init__(self, bus: str, server: LibrdpmuxServer) -> None:
        self._address = bus
        self._server = server
        self._bus: MessageBus | None = None
        self._workers: dict[int, WorkerInterface] = {}
        self._calls = TaskSet()
        self._watch = TaskSet()

    async def start(self) -> None:
        """BackendError if the bus or the name on it cannot be had."""
        self._bus = await self._connect()
        self._watch.create(self._keep_connected(self._bus), "D-Bus connection")

    async def stop(self) -> None:
        await self._watch.cancel_all()
        await self._calls.cancel_all()
        if self._bus is not None:
            self._bus.disconnect()
            with contextlib.suppress(Exception):
                await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            self._bus = None

    def guest_changed(self, vm_id: int, vm: Vm | None) -> None:
        """Keep ``/org/RDPMux/ServerWorker/<id>`` in step with the server's guests."""
        path = f"{WORKER_PATH}/{vm_id}"
        if (worker := self._workers.pop(vm_id, None)) is not None and self._bus is not None:
            self._bus.unexport(path, worker)
        if vm is not None:
            worker = self._workers[vm_id] = WorkerInterface(vm)
            if self._bus is not None:
                self._bus.export(path, worker)

    async def _connect(self) -> MessageBus:
        bus = await connect_bus(self._address)
        try:
            bus.add_message_handler(self._message)
            bus.export(OBJECT_PATH, MainInterface())
            for vm_id, worker in self._workers.items():
                bus.export(f"{WORKER_PATH}/{vm_id}", worker)
            await call_daemon(bus, "AddMatch", DISAPPEARED)
            if await bus.request_name(BUS_NAME, NameFlag.DO_NOT_QUEUE) != RequestNameReply.PRIMARY_OWNER:
                raise BackendError(f"D-Bus {self._address}: {BUS_NAME} belongs to another process")
        except DBusError as error:
            bus.disconnect()
            raise BackendError(f"D-Bus {self._address}: {BUS_NAME}: {error.text}") from error
        except BackendError:
            bus.disconnect()
            raise
        log.info("D-Bus %s: waiting for VMs as %s", self._address, BUS_NAME)
        return bus

    async def _keep_connected(self, bus: MessageBus) -> None:
        while True:
            with contextlib.suppress(Exception):  # whatever ended it, it has ended
                # Shielded, because to cancel what it returns is to cancel the bus's own future.
                await asyncio.shield(bus.wait_for_disconnect())  # type: ignore[no-untyped-call]
            log.warning("D-Bus %s: connection lost", self._address)
            self._bus = None
            self._server.forget_owners()
            while self._bus is None:
                await asyncio.sleep(RECONNECT_SECONDS)
                try:
                    self._bus = bus = await self._connect()
                except BackendError as error:
                    log.debug("%s", error)

    def _message(self, message: Message) -> bool:
        """Register needs to know its caller, which the interface class is not told."""
        if (name := lost_name(message)) is not None:
            self._server.owner_lost(name)
            return False
        if (
            message.message_type is not MessageType.METHOD_CALL
            or (message.path, message.member) != (OBJECT_PATH, "Register")
            or message.interface not in (INTERFACE, None)
            or self._bus is None
        ):
            return False
        self._calls.create(self._answer(self._bus, message), f"Register from {message.sender}")
        return True

    async def _answer(self, bus: MessageBus, message: Message) -> None:
        try:
            endpoint = await self._register(bus, message)
        except DBusError as error:
            log.warning("Register from %s: %s", message.sender, error.text)
            reply = Message.new_error(message, error.type, error.text)
        except BackendError as error:
            log.warning("Register from %s: %s", message.sender, error)
            reply = Message.new_error(message, ERROR_REFUSED, str(error))
        except Exception as error:
            log.exception("Register from %s", message.sender)
            reply = Message.new_error(message, ErrorType.FAILED, f"{type(error).__name__}: {error}")
        else:
            reply = Message.new_method_return(message, "s", [endpoint])
        await bus.send(reply)

    async def _register(self, bus: MessageBus, message: Message) -> str:
        if message.signature != _REGISTER_SIGNATURE:
            raise DBusError(
                ErrorType.INVALID_ARGS, f"signature {message.signature!r}, expected {_REGISTER_SIGNATURE!r}"
            )
        vm_id, version = message.body
        if version not in _VERSIONS:
            raise DBusError(ERROR_VERSION, f"protocol version {version}, supported: {_VERSIONS[0]}")
        owner = message.sender
        if owner is None:
            raise DBusError(ErrorType.ACCESS_DENIED, "a caller without a name")
        (uid,) = await call_daemon(bus, "GetConnectionUnixUser", owner)
        endpoint = await self._server.register(vm_id, owner=owner, uid=uid)
        # It may have died while it was being registered, which nobody has heard then.
        (alive,) = await call_daemon(bus, "NameHasOwner", owner)
        if not alive:
            self._server.owner_lost(owner)
        return endpoint
