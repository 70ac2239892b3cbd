"""The D-Bus face of all protocols (section 2): who registers, and who may say what about a VM's console."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from dbus_fast import DBusError, ErrorType, Message, MessageType, NameFlag, RequestNameReply
from dbus_fast.aio import MessageBus
from dbus_fast.service import ServiceInterface

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.librdpmux.bus import (
    ADVICE,
    BUS_NAME,
    DISAPPEARED,
    ERROR_NOT_RELOADED,
    ERROR_REFUSED,
    ERROR_VERSION,
    INTERFACE,
    LISTENER_INTERFACE,
    LISTENER_PATH,
    NAMED_MEMBER,
    NAMED_SIGNATURE,
    WORKER_PATH,
    call_daemon,
    connect_bus,
    lost_name,
)
from pyrdpmux.mux.librdpmux.callers import Caller, find_caller
from pyrdpmux.mux.librdpmux.dbus_objects import ListenerInterface, WorkerInterface, main_objects
from pyrdpmux.mux.librdpmux.pins import describe
from pyrdpmux.mux.librdpmux.protocol import NEWEST, PROTOCOLS, Protocol, Transport
from pyrdpmux.mux.librdpmux.registered_guest import Guest
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.router_door import MISSING, has_zeromq
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.log.connection_log import MAX_REASON, printable
from pyrdpmux.mux.log.rate_limited import RateLimitedLog
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.librdpmux")
refusals = RateLimitedLog(log)

MAX_CALLS: Final = 4096
"""That are not answered yet, of all callers."""

RECONNECT_SECONDS: Final = 5.0

Handler = Callable[[MessageBus, Message], Awaitable[tuple[str, list[Any]]]]
"""Gives the reply's signature and body; DBusError and BackendError become error replies."""

Reload = Callable[[], Awaitable[None]]
"""Takes on the daemon's configuration as it is now. Raises ConfigError."""


class DBusService:
    """Owns the name on a bus, passes registrations on, and tells the server whose owner died.

    A bus that goes away is tried again until :meth:`stop`; the VMs' own sockets do not depend on it.
    """

    def __init__(
        self,
        bus: str,
        server: LibrdpmuxServer,
        *,
        default_version: int = NEWEST,
        reload: Reload | None = None,
        security_labels: bool = True,
    ) -> None:
        self._security_labels = security_labels
        self._address = bus
        self._server = server
        self._reload = reload
        self._bus: MessageBus | None = None
        self._main = main_objects(default_version)
        self._consoles: dict[str, ServiceInterface] = {}
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

    def guest_changed(self, guest: Guest, is_there: bool) -> None:
        """Keep the objects of consoles in step with the server's guests."""
        registration = guest.registration
        element = (registration.identity or str(registration.vm_id)).replace("-", "")
        objects: dict[str, ServiceInterface] = {
            f"{LISTENER_PATH}/{element}": ListenerInterface(guest, self._server.access)
        }
        if registration.protocol.transport is Transport.PAIR:
            objects[f"{WORKER_PATH}/{element}"] = WorkerInterface(guest)
        for path, interface in objects.items():
            previous = self._consoles.pop(path, None)
            if is_there:
                self._consoles[path] = interface
            if self._bus is not None:
                with contextlib.suppress(OSError):  # gone, which is noticed in a moment
                    self._show(self._bus, path, previous, interface if is_there else None)

    @staticmethod
    def _show(bus: MessageBus, path: str, old: ServiceInterface | None, new: ServiceInterface | None) -> None:
        if old is not None:
            bus.unexport(path, old)
        if new is not None:
            bus.export(path, new)

    # -- the bus ---------------------------------------------------------------------------------

    async def _connect(self) -> MessageBus:
        try:
            bus = await connect_bus(self._address)
        except BackendError as error:
            raise BackendError(f"{error} {ADVICE}") from error
        try:
            bus.add_message_handler(self._message)
            await call_daemon(bus, "AddMatch", DISAPPEARED)
            (self._server.bus_id,) = await call_daemon(bus, "GetId")
            # Before the name, which makes VMs that can do so register again.
            await self._server.resume(lambda registration: self._is_alive(bus, registration))
            for path, interface in (*self._main.items(), *self._consoles.items()):
                bus.export(path, interface)
            if await bus.request_name(BUS_NAME, NameFlag.DO_NOT_QUEUE) != RequestNameReply.PRIMARY_OWNER:
                raise BackendError(f"D-Bus {self._address}: {BUS_NAME} belongs to another process")
        except DBusError as error:
            bus.disconnect()
            raise BackendError(f"D-Bus {self._address}: {error.text} {ADVICE}") from error
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

    # -- calls -----------------------------------------------------------------------------------

    def _message(self, message: Message) -> bool:
        """Calls that need to know their caller, which interface classes are not told."""
        if (name := lost_name(message)) is not None:
            self._server.owner_lost(name)
            return False
        if message.message_type is not MessageType.METHOD_CALL or self._bus is None:
            return False
        handler = self._handler_of(message)
        if handler is None:
            return False
        if len(self._calls) >= MAX_CALLS:
            refusals.warning(
                "calls", "D-Bus: %d calls wait for an answer, more are refused", len(self._calls)
            )
            error = Message.new_error(message, ErrorType.LIMITS_EXCEEDED, "too many calls wait")
            self._calls.create(self._reply(self._bus, error), "refusal")
            return True
        self._calls.create(
            self._answer(self._bus, message, handler), f"{message.member} from {message.sender}"
        )
        return True

    def _handler_of(self, message: Message) -> Handler | None:
        if message.path in self._main:
            handlers = {
                "Register": self._register,
                NAMED_MEMBER: self._register_named,
                "Reload": self._reload_for,
            }
            return handlers.get(message.member or "") if message.interface in (INTERFACE, None) else None
        if message.path in self._consoles and message.interface in (LISTENER_INTERFACE, None):
            return self._CONSOLE_CALLS.get(message.member or "", (None, None))[1] and self._console_call
        return None

    async def _answer(self, bus: MessageBus, message: Message, handler: Handler) -> None:
        what = printable(f"{message.member} from {message.sender}")
        try:
            signature, body = await handler(bus, message)
        except DBusError as error:
            refusals.warning(error.type, "%s: %s", what, printable(error.text, MAX_REASON))
            reply = Message.new_error(message, error.type, error.text)
        except BackendError as error:
            kind = f"{type(error).__name__} of {message.member}"
            refusals.warning(kind, "%s: %s", what, printable(str(error), MAX_REASON))
            reply = Message.new_error(message, ERROR_REFUSED, str(error))
        except Exception as error:
            log.exception("%s", what)
            reply = Message.new_error(message, ErrorType.FAILED, f"{type(error).__name__}: {error}")
        else:
            reply = Message.new_method_return(message, signature, body)
        await self._reply(bus, reply)

    async def _reply(self, bus: MessageBus, reply: Message) -> None:
        with contextlib.suppress(OSError, EOFError):  # the bus has gone, and the caller's question with it
            await bus.send(reply)

    async def _register(self, bus: MessageBus, message: Message) -> tuple[str, list[Any]]:
        """On every object alike: what a VM speaks is in its own words, not in the path it was given."""
        return await self._admit(bus, _read_registration(message, await self._caller(bus, message)))

    async def _register_named(self, bus: MessageBus, message: Message) -> tuple[str, list[Any]]:
        """The same for a VM that says how it is called."""
        return await self._admit(bus, _read_named_registration(message, await self._caller(bus, message)))

    async def _admit(self, bus: MessageBus, registration: Registration) -> tuple[str, list[Any]]:
        address = await self._server.register(registration)
        # It may have died while it was being registered, which nobody has heard then.
        owner = registration.owner or ""
        (alive,) = await call_daemon(bus, "NameHasOwner", owner)
        if not alive:
            self._server.owner_lost(owner)
        return "s", [address]

    async def _reload_for(self, bus: MessageBus, message: Message) -> tuple[str, list[Any]]:
        """For who may do so with a signal as well."""
        caller = await self._caller(bus, message)
        if caller.uid not in (os.geteuid(), 0):
            raise DBusError(ErrorType.ACCESS_DENIED, f"the configuration is not uid {caller.uid}'s to reload")
        _check_signature(message, "")
        if self._reload is None:
            raise DBusError(ErrorType.NOT_SUPPORTED, "there is no configuration to reload")
        try:
            await self._reload()
        except ConfigError as error:
            raise DBusError(ERROR_NOT_RELOADED, str(error)) from error
        return "", []

    async def _console_call(self, bus: MessageBus, message: Message) -> tuple[str, list[Any]]:
        signature, action = self._CONSOLE_CALLS[message.member or ""]
        interface = self._consoles.get(message.path or "")
        if not isinstance(interface, ListenerInterface):
            raise DBusError(ErrorType.UNKNOWN_METHOD, f"{message.path} has no method {message.member}")
        _check_signature(message, signature)
        guest = interface.guest
        caller = await self._caller(bus, message)
        if not caller.may_act_for(guest.registration):
            who = describe(caller.uid, caller.label)
            raise DBusError(ErrorType.ACCESS_DENIED, f"the console of {guest.name} is not {who}'s")
        await action(self, guest, *message.body)
        return "", []

    async def _set_credential_file(self, guest: Guest, path: str) -> None:
        await self._server.set_accounts(guest, Path(path) if path else None)

    async def _set_authentication(self, guest: Guest, is_required: bool) -> None:
        self._server.require_authentication(guest, is_required)

    async def _shut_down(self, guest: Guest) -> None:
        await self._server.shut_down(guest)

    async def _caller(self, bus: MessageBus, message: Message) -> Caller:
        if message.sender is None:
            raise DBusError(ErrorType.ACCESS_DENIED, "a caller without a name")
        return await find_caller(bus, message.sender, with_label=self._security_labels)

    async def _is_alive(self, bus: MessageBus, registration: Registration) -> bool:
        """Whether its owner's name still stands for a process of its user."""
        try:
            caller = await find_caller(bus, registration.owner or "", with_label=self._security_labels)
        except DBusError:
            return False
        return caller.is_still(registration)

    _CONSOLE_CALLS: Final[dict[str, tuple[str, Callable[..., Awaitable[None]]]]] = {
        "SetCredentialFile": ("s", _set_credential_file),
        "SetAuthentication": ("b", _set_authentication),
        "Shutdown": ("", _shut_down),
    }


def _check_signature(message: Message, expected: str) -> None:
    if message.signature != expected:
        raise DBusError(ErrorType.INVALID_ARGS, f"signature {message.signature!r}, expected {expected!r}")


def _read_registration(message: Message, caller: Caller) -> Registration:
    """The arguments of Register, whose number and types tell versions apart."""
    signature, body = message.signature, message.body
    if signature not in {known for protocol in PROTOCOLS.values() for known in protocol.signatures}:
        raise DBusError(ErrorType.INVALID_ARGS, f"signature {signature!r}, expected 'iisqs' in protocol 5")
    protocol = _find_protocol(body[1])
    if signature not in protocol.signatures:
        raise DBusError(
            ErrorType.INVALID_ARGS,
            f"signature {signature!r}, expected {protocol.signatures[0]!r} in protocol {protocol.version}",
        )
    told: list[Any] = [*body[2:], *("", 0, "")[len(body) - 2 :]]
    return _make_registration(protocol, caller, body[0], *told)


def _read_named_registration(message: Message, caller: Caller) -> Registration:
    """The arguments of RegisterNamed: all of protocol 5's, whatever the version, and the name."""
    _check_signature(message, NAMED_SIGNATURE)
    vm_id, version, uuid, port, accounts, name = message.body
    return _make_registration(_find_protocol(version), caller, vm_id, uuid, port, accounts, name)


def _find_protocol(version: int) -> Protocol:
    """DBusError for one that is not spoken here."""
    protocol = PROTOCOLS.get(version)
    if protocol is None:
        raise DBusError(
            ERROR_VERSION, f"protocol version {version}, supported: {', '.join(map(str, PROTOCOLS))}"
        )
    if protocol.transport is Transport.ROUTER and not has_zeromq():
        raise DBusError(ERROR_VERSION, f"protocol version {version}: {MISSING}")
    return protocol


def _make_registration(
    protocol: Protocol, caller: Caller, vm_id: int, uuid: str, port: int, accounts: str, name: str = ""
) -> Registration:
    return Registration(
        vm_id=vm_id,
        version=protocol.version,
        uuid=uuid,
        port=port,
        accounts=Path(accounts) if accounts else None,
        owner=caller.name,
        uid=caller.uid,
        security_label=caller.label,
        pid=caller.pid,
        name=name or None,
    )
