"""Where a QEMU is, and how its display is reached from there."""

import os
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.log.connection_log import printable
from pyrdpmux.mux.qemu.bus import CallFailed, Connection, call_daemon, connect_bus
from pyrdpmux.mux.qemu.message import Message
from pyrdpmux.mux.qemu.qmp import CommandFailed, QmpClient
from pyrdpmux.mux.qemu.sockets import make_pair
from pyrdpmux.mux.qemu.wire import plain
from pyrdpmux.net.fair import LoopShare

BUS_NAME: Final = "org.qemu"
ROOT: Final = "/org/qemu/Display1"
VM: Final = "org.qemu.Display1.VM"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
PROTOCOL: Final = "@dbus-display"

MAX_CONSOLES: Final = 16
MAX_OWNERS: Final = 64
"""QEMUs on one bus that are asked for their names."""


@dataclass(slots=True)
class Display:
    """A QEMU within reach. ``qmp`` is None where only its bus is known."""

    connection: Connection
    qmp: QmpClient | None
    name: str
    uuid: str | None
    consoles: tuple[str, ...]
    """Object paths."""

    def close(self) -> None:
        self.connection.close()
        if self.qmp is not None:
            self.qmp.close()

    def use_share(self, share: LoopShare) -> None:
        """From now on, what QEMU sends is handled in turns of this one."""
        self.connection.use_share(share)
        if self.qmp is not None:
            self.qmp.use_share(share)

    def is_end_of_qemu(self, message: Message) -> bool:
        """Whether a signal says that QEMU has left the bus."""
        header = message.header
        if (header.member, header.signature) != ("NameOwnerChanged", "sss"):
            return False
        name, _, owner = message.body
        return name == self.connection.destination != "" and not owner


class Source(Protocol):
    """A place where a QEMU may be, now or later."""

    async def open(self, name: str | None) -> Display:
        """BackendError if there is none now. ``name`` is the wanted one where several can be."""


@dataclass(frozen=True, slots=True)
class QmpSource:
    """Behind a QMP socket: its own D-Bus connection if it has p2p=yes, else the bus it names."""

    path: str

    def __str__(self) -> str:
        return self.path

    async def open(self, name: str | None) -> Display:
        qmp = await QmpClient.connect(self.path)
        try:
            return await self._open(qmp)
        except CommandFailed as error:
            qmp.close()
            raise BackendError(f"{self.path}: {error}") from error
        except BaseException:
            qmp.close()
            raise

    async def _open(self, qmp: QmpClient) -> Display:
        options = await qmp.execute("query-display-options")
        if not isinstance(options, dict) or options.get("type") != "dbus":
            raise BackendError(f"{self.path}: this QEMU runs without -display dbus")
        uuid = _text(await qmp.execute("query-uuid"), "UUID")
        # On D-Bus, a QEMU without a name has that of its version.
        name = _text(await qmp.execute("query-name"), "name") or ""
        if options.get("p2p"):
            connection = await _connect_directly(qmp)
        else:
            connection = await _connect_on_bus(str(options.get("addr") or "session"), uuid=uuid)
        try:
            return await _display(connection, qmp, name)
        except BaseException:
            connection.close()
            raise


@dataclass(frozen=True, slots=True)
class BusSource:
    """On a D-Bus: system, session or an address."""

    address: str

    def __str__(self) -> str:
        return f"D-Bus {self.address}"

    async def open(self, name: str | None) -> Display:
        connection = await _connect_on_bus(self.address, name=name)
        try:
            return await _display(connection, None, None)
        except BaseException:
            connection.close()
            raise


AnySource: TypeAlias = QmpSource | BusSource


def parse_source(text: str) -> AnySource:
    """``/run/qmp.sock``, ``unix:/run/qmp.sock``, ``dbus:system``, ``dbus:unix:path=/run/bus``."""
    kind, colon, rest = text.partition(":")
    if colon and kind == "dbus" and rest:
        return BusSource(rest)
    path = rest if colon and kind == "unix" else text
    if not os.path.isabs(path):
        raise ConfigError(f"{text!r}, expected unix:/PATH of a QMP socket or dbus:ADDRESS")
    return QmpSource(path)


async def _connect_directly(qmp: QmpClient) -> Connection:
    ours, theirs = make_pair()
    try:
        with theirs:
            await qmp.execute("getfd", descriptor=theirs.fileno(), fdname=PROTOCOL)
            await qmp.execute("add_client", protocol=PROTOCOL, fdname=PROTOCOL)
    except BaseException:
        ours.close()
        raise
    return Connection(ours)


async def _connect_on_bus(address: str, *, name: str | None = None, uuid: str | None = None) -> Connection:
    """Of all QEMUs that queue for the same well-known name, the one that is meant, or the only one."""
    connection = await connect_bus(address)
    try:
        (owners,) = await call_daemon(connection, "ListQueuedOwners", "s", BUS_NAME)
        fitting = []
        for owner in owners[:MAX_OWNERS]:
            connection.destination = owner
            properties = await _properties(connection, f"{ROOT}/VM", VM)
            if uuid is not None and uuid != properties.get("UUID"):
                continue
            fitting.append((owner, properties.get("Name")))
        exact = [owner for owner, its_name in fitting if its_name == name]
        if len(exact) != 1 and len(fitting) != 1:
            raise BackendError(f"D-Bus {address}: {len(fitting)} QEMUs, none of them alone is meant")
        connection.destination = exact[0] if len(exact) == 1 else fitting[0][0]
        for sender, extra in (
            (connection.destination, "interface='org.freedesktop.DBus.Properties'"),
            ("org.freedesktop.DBus", f"member='NameOwnerChanged',arg0='{connection.destination}'"),
        ):
            await call_daemon(connection, "AddMatch", "s", f"type='signal',sender='{sender}',{extra}")
        (is_there,) = await call_daemon(connection, "NameHasOwner", "s", connection.destination)
        if not is_there:
            raise BackendError(f"D-Bus {address}: this QEMU has just left")
    except CallFailed as error:
        connection.close()
        raise BackendError(f"D-Bus {address}: {error.text}") from error
    except BaseException:
        connection.close()
        raise
    return connection


async def _display(connection: Connection, qmp: QmpClient | None, known_name: str | None) -> Display:
    properties = await _properties(connection, f"{ROOT}/VM", VM)
    identities = properties.get("ConsoleIDs")
    if not isinstance(identities, list) or not identities:
        raise BackendError("this QEMU has no display: it runs without a graphics adapter")
    numbers = dict.fromkeys(identity for identity in identities if isinstance(identity, int))
    paths = tuple([f"{ROOT}/Console_{number}" for number in list(numbers)[:MAX_CONSOLES]])
    name = printable(known_name if known_name is not None else str(properties.get("Name") or ""))
    uuid = properties.get("UUID")
    return Display(connection, qmp, name, printable(uuid) if isinstance(uuid, str) else None, paths)


async def _properties(connection: Connection, path: str, interface: str) -> dict[str, Any]:
    match await connection.call(path, PROPERTIES, "GetAll", "s", interface):
        case (dict() as values,):
            return {name: plain(value) for name, value in values.items()}
    raise BackendError(f"{path}: no properties of {interface}")


def _text(answer: object, key: str) -> str | None:
    value = answer.get(key) if isinstance(answer, dict) else None
    return value if isinstance(value, str) else None
