"""A guest's registration on D-Bus, which lasts as long as its connection to the bus."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from dbus_fast import DBusError, ErrorType, Message, MessageType
from dbus_fast.aio import MessageBus

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.bus import (
    BUS_NAME,
    DAEMON,
    ERROR_VERSION,
    INTERFACE,
    NAMED_MEMBER,
    NAMED_SIGNATURE,
    OBJECT_PATH,
    PROPERTIES,
    call,
    call_daemon,
    connect_bus,
)
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS, Protocol, Transport
from pyrdpmux.mux.librdpmux.router_door import has_zeromq
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.guest")

RECONNECT_SECONDS: Final = 5.0

_RESTARTED: Final = f"type='signal',sender='{DAEMON}',member='NameOwnerChanged',arg0='{BUS_NAME}'"


_TRY_ANOTHER: Final = (ERROR_VERSION, ErrorType.INVALID_ARGS.value, ErrorType.UNKNOWN_METHOD.value)
"""Answers of a server that announced more, or other things, than it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a VM tells about itself."""

    vm_id: int
    uuid: str
    port: int = 0
    auth_file: str = ""
    #: what people call it; empty: by its UUID
    name: str = ""

    def arguments(self, version: int, signature: str) -> tuple[object, ...]:
        """Of Register."""
        told = (self.vm_id, version, self.uuid, self.port, self.auth_file, self.name)
        return told[: len(signature)]


OnEndpoint = Callable[[str, Protocol], None]


def usable_versions() -> list[int]:
    """What this machine has the libraries for, the best first."""
    versions = sorted(PROTOCOLS, reverse=True)
    return [version for version in versions if has_zeromq() or PROTOCOLS[version].transport is Transport.PAIR]


class Registration:
    """Registers, and again whenever server or bus come back after a restart; the library never does that."""

    def __init__(
        self,
        address: str,
        identity: Identity,
        on_endpoint: OnEndpoint,
        *,
        path: str = OBJECT_PATH,
        versions: Iterable[int] | None = None,
    ) -> None:
        """``versions``: those that may be spoken, the best first; None for all that can be."""
        self._address = address
        self._bus: MessageBus | None = None
        self._identity = identity
        self._on_endpoint = on_endpoint
        self._path = path
        self._versions = list(versions) if versions is not None else usable_versions()
        #: the server is the original, which announces one version and maps as much memory as the library has
        self.is_original = False
        self._tasks = TaskSet()

    async def open(self) -> None:
        """``on_endpoint`` is told where to connect, before this returns and after each restart."""
        await self._connect()
        self._tasks.create(self._keep_connected(), "D-Bus connection")

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
        """With the best version that both speak, or the next best if the server thinks better of it."""
        (properties,) = await call(bus, BUS_NAME, self._path, PROPERTIES, "GetAll", "s", INTERFACE)
        announced = properties["SupportedProtocolVersions"].value
        self.is_original = len(announced) == 1
        refusal: DBusError | None = None
        for version in self._versions:
            if version not in announced:
                continue
            for member, signature in self._calls(version):
                try:
                    await self._register_as(bus, PROTOCOLS[version], member, signature)
                    return
                except DBusError as error:
                    if error.type not in _TRY_ANOTHER:
                        raise
                    log.debug("%s: protocol %d as %s: %s", BUS_NAME, version, signature, error.text)
                    if member != NAMED_MEMBER:
                        refusal = refusal or error
        if refusal is not None:
            raise refusal
        raise BackendError(f"{BUS_NAME}: speaks protocol {announced}, we {self._versions}")

    def _calls(self, version: int) -> Iterator[tuple[str, str]]:
        """Methods and signatures, the best first. Servers that are not ours take no name."""
        if self._identity.name:
            yield NAMED_MEMBER, NAMED_SIGNATURE
        for signature in PROTOCOLS[version].signatures:
            yield "Register", signature

    async def _register_as(self, bus: MessageBus, protocol: Protocol, member: str, signature: str) -> None:
        arguments = self._identity.arguments(protocol.version, signature)
        (endpoint,) = await call(bus, BUS_NAME, self._path, INTERFACE, member, signature, *arguments)
        if not endpoint:
            raise BackendError(f"{BUS_NAME}: refused without a reason, as the original server does")
        self._on_endpoint(str(endpoint), protocol)

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
