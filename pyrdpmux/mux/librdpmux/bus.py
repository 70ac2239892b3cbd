"""Names of the D-Bus interface (section 2) and the few calls that both ends make."""

import asyncio
from typing import Any, Final

from dbus_fast import BusType, DBusError, ErrorType, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import AuthError, DBusFastError

from pyrdpmux.errors import BackendError

BUS_NAME: Final = "org.RDPMux.RDPMux"
OBJECT_PATH: Final = "/org/RDPMux/RDPMux"
INTERFACE: Final = "org.RDPMux.RDPMux"
NAMED_MEMBER: Final = "RegisterNamed"
NAMED_SIGNATURE: Final = "iisqss"
"""Ours: Register of protocol 5, and the VM's name."""

WORKER_PATH: Final = "/org/RDPMux/ServerWorker"
WORKER_INTERFACE: Final = "org.RDPMux.ServerWorker"
LISTENER_PATH: Final = "/org/RDPMux/RDPListener"
LISTENER_INTERFACE: Final = "org.RDPMux.RDPListener"

ERROR_VERSION: Final = "org.RDPMux.Error.VersionNotSupported"
ERROR_REFUSED: Final = "org.RDPMux.Error.RegistrationRefused"
ERROR_NOT_RELOADED: Final = "org.RDPMux.Error.NotReloaded"

DAEMON: Final = "org.freedesktop.DBus"
DAEMON_PATH: Final = "/org/freedesktop/DBus"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"

DISAPPEARED: Final = f"type='signal',sender='{DAEMON}',interface='{DAEMON}',member='NameOwnerChanged',arg2=''"
"""The match rule for names that lose their owner."""


POLICY_FILE: Final = "/usr/share/dbus-1/system.d/org.RDPMux.RDPMux.conf"
"""Where a bus looks for who may own the name; ours is ``packaging/org.RDPMux.RDPMux.conf``."""

CONNECT_SECONDS: Final = 10.0
"""A bus greets in milliseconds; one that is stopped never does."""


ADVICE: Final = (
    f"(VMs register at a bus that runs and lets us own {BUS_NAME}, by a policy such as {POLICY_FILE}; "
    "`--bus none` does without)"
)
"""What to do where a daemon cannot have its bus."""


async def connect_bus(bus: str) -> MessageBus:
    """``bus``: "system", "session" or a D-Bus address. Raises BackendError."""
    try:
        match bus:
            case "system":
                connection = MessageBus(bus_type=BusType.SYSTEM)
            case "session":
                connection = MessageBus(bus_type=BusType.SESSION)
            case _:
                connection = MessageBus(bus_address=bus)
        async with asyncio.timeout(CONNECT_SECONDS):
            return await connection.connect()
    except TimeoutError as error:
        connection.disconnect()
        raise BackendError(f"D-Bus {bus}: no answer within {CONNECT_SECONDS:g} s") from error
    except (OSError, EOFError, ValueError, AuthError, DBusFastError) as error:
        raise BackendError(f"D-Bus {bus}: {str(error) or type(error).__name__}") from error


async def call(
    bus: MessageBus, destination: str, path: str, interface: str, member: str, signature: str, *body: object
) -> list[Any]:
    """The reply's values; DBusError if it is an error, or if the bus has gone."""
    message = Message(
        destination=destination,
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=list(body),
    )
    try:
        reply = await bus.call(message)
    except (OSError, EOFError) as error:
        raise DBusError(ErrorType.DISCONNECTED, str(error) or "the bus has gone") from error
    if reply.message_type is MessageType.ERROR:
        raise DBusError(reply.error_name or "org.freedesktop.DBus.Error.Failed", _text(reply))
    return list(reply.body)


async def call_daemon(bus: MessageBus, member: str, *argument: str) -> list[Any]:
    """One of the bus daemon's own methods that take a text, or nothing."""
    return await call(bus, DAEMON, DAEMON_PATH, DAEMON, member, "s" * len(argument), *argument)


def lost_name(message: Message) -> str | None:
    """The name that a NameOwnerChanged signal of the daemon says is gone."""
    if (message.message_type, message.member, message.sender) != (
        MessageType.SIGNAL,
        "NameOwnerChanged",
        DAEMON,
    ):
        return None
    name, _, owner = message.body
    return None if owner else str(name)


def _text(reply: Message) -> str:
    return str(reply.body[0]) if reply.body else "no reason given"
