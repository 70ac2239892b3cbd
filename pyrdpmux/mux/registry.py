"""All consoles of the daemon, by name, and their ports: the :class:`~.backend.VmHost` of the backends.

A console belongs to who published it. Viewers type into it what is meant for that VM, so that nobody else
takes it over or gets a name or UUID that leads to it; each publisher knows by itself whose its VMs are.
"""

import asyncio
import errno
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import InputSink, Vm
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.console.registered_vm import RegisteredVm
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.mux.settings.ports import reserved_ports
from pyrdpmux.mux.settings.vm_names import NAME_RULE, is_vm_name
from pyrdpmux.net.listener import Listener
from pyrdpmux.net.tasks import TaskSet
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")

MAX_VMS: Final = 2000
PORTS_TRIED: Final = 4 * MAX_VMS
"""Above the base port; others on this machine listen too."""

RETRY_SECONDS: Final = 5.0
"""Until a configured port that is in use is tried again."""

_BUSY: Final = (errno.EADDRINUSE, errno.EACCES)


@dataclass(frozen=True, slots=True)
class SourceOf:
    """The publisher of a VM that the configuration says the source of."""

    name: str


def _names(console: Console) -> tuple[str, ...]:
    """What leads to a console, in one case."""
    return (console.name.casefold(), *([console.uuid.casefold()] if console.uuid else []))


class Registry:
    """Adds, takes over, loses and removes VMs."""

    def __init__(self, config: Config, factory: ConnectionFactory) -> None:
        self._config = config
        self._factory = factory
        self._consoles: dict[str, Console] = {}
        self._publishers: dict[str, object] = {}
        self._changing = asyncio.Lock()
        #: consoles whose port is in use
        self._waiting = TaskSet()
        self._is_closed = False
        factory.watch(self._accounts_changed)

    @property
    def consoles(self) -> list[Console]:
        return list(self._consoles.values())

    def for_publisher(self, publisher: object) -> "PublishersHost":
        """What a backend is given, so that its VMs are known to be its own."""
        return PublishersHost(self, publisher)

    async def add_vm(
        self,
        name: str,
        *,
        input: InputSink,
        uuid: str | None = None,
        preferred_port: int = 0,
        publisher: object = None,
    ) -> Vm:
        """Publish a VM. A known name is taken over: same screen, port and viewers, new input sink.

        Only by the same ``publisher``; a name that another one has, or a configured source, is not to be had.
        """
        async with self._changing:
            console = self._consoles.get(name)
            self._check_name(name, console, publisher)
            self._check_uuid(uuid, publisher)
            if console is None:
                console = await self._open(name, preferred_port)
                self._publishers[name] = publisher
        vm = RegisteredVm(console)
        console.start(vm, input, uuid)
        return vm

    async def remove_vm(self, vm: Vm, reason: str) -> None:
        """Close its listener; its viewers are told why. A VM that has been taken over stays."""
        console = self._console_of(vm)
        if console is None:
            return
        self._consoles.pop(console.name, None)
        self._publishers.pop(console.name, None)
        console.registration = None
        await console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, reason)
        logger.info("VM %s removed: %s", console.name, reason)

    def vm_lost(self, vm: Vm, reason: str) -> None:
        """It died or restarts: viewers stay, input goes nowhere, the picture says so until it returns."""
        console = self._console_of(vm)
        if console is not None:
            console.lose(reason)

    async def reconfigure(self, config: Config) -> None:
        """Other settings: VMs move to other ports, their viewers stay where that is allowed.

        Raises ConfigError, and then nothing has changed. The address itself stays what it is.
        """
        async with self._changing:
            moves = await self._bind_moves(config)
            try:
                self._factory.reload(config)
            except ConfigError:
                for _, listener in moves:
                    await listener.close()
                raise
            self._config = config
            for console, listener in moves:
                await console.acceptor.use(listener, config.bind)
                logger.info("VM %s is at %s:%d now", console.name, config.bind, console.port)
            for console in self.consoles:
                console.configure(config)

    async def _bind_moves(self, config: Config) -> list[tuple[Console, Listener]]:
        """The new port of each VM that is given one, listening already."""
        moves: list[tuple[Console, Listener]] = []
        for console in self.consoles:
            port = config.vm(console.name).port
            if port is None or port == console.port:
                continue
            try:
                moves.append((console, await console.acceptor.bind(config.bind, port)))
            except OSError as error:
                for _, listener in moves:
                    await listener.close()
                complaint = f"cannot listen there: {self._who_has(port) or error.strerror or error}"
                raise config.origin.error(("vms", console.name, "port"), complaint) from error
        return moves

    def _who_has(self, port: int) -> str:
        other = next((console for console in self.consoles if console.acceptor.port == port), None)
        return f"VM {other.name} is at port {port}" if other is not None else ""

    def find(self, name: str) -> Console | None:
        """By name, UUID or port; in whatever case.

        None as well if several could be meant: a VM's name may be another one's UUID.
        """
        wanted = name.casefold()
        if not wanted:
            return None
        found = [console for console in self.consoles if wanted in _names(console)]
        if len(found) > 1 and all(console.name.casefold() == wanted for console in found):
            found = [console for console in found if console.name == name]
        if not found:
            found = [console for console in self.consoles if str(console.port) == wanted]
        return found[0] if len(found) == 1 else None

    def by_serial(self, serial: int) -> Console | None:
        """The very console that had this number; a later one of its name has another."""
        return next((console for console in self.consoles if console.serial == serial), None)

    def _accounts_changed(self, name: str) -> None:
        if (console := self._consoles.get(name)) is not None:
            console.review(has_other_accounts=True)

    async def close(self, reason: str, error_info: ErrorInfo = ErrorInfo.RPC_INITIATED_DISCONNECT) -> None:
        """The daemon stops: all consoles at once, so that it takes no longer than one."""
        self._is_closed = True
        await self._waiting.cancel_all()
        async with self._changing:
            consoles, self._consoles, self._publishers = self.consoles, {}, {}
            for console in consoles:
                console.registration = None
            await asyncio.gather(*[console.close(error_info, reason) for console in consoles])

    def _console_of(self, vm: Vm) -> Console | None:
        """The console that this registration speaks for; none for one that is not the latest."""
        console = self._consoles.get(vm.name)
        return console if console is not None and console.registration is vm else None

    def _check_name(self, name: str, console: Console | None, publisher: object) -> None:
        """BackendError if it is somebody else's."""
        if console is not None and self._publishers.get(name) != publisher:
            raise BackendError(f"there is a VM {name!r} already, of another source")
        source = self._config.vm(name).source
        if source is not None and publisher != SourceOf(name):
            raise BackendError(f"VM {name!r} comes from {source.partition(':')[0]} by the configuration")
        if console is None:
            for other in self.consoles:
                if name.casefold() in _names(other):
                    raise BackendError(f"{name!r} is a name of VM {other.name!r}")

    def _check_uuid(self, uuid: str | None, publisher: object) -> None:
        """BackendError if a VM that has come by itself would be found under the name of a configured one."""
        source = self._config.vm(uuid).source if uuid else None
        if source is not None and not isinstance(publisher, SourceOf):
            raise BackendError(f"VM {uuid!r} comes from {source.partition(':')[0]} by the configuration")

    async def _open(self, name: str, preferred_port: int) -> Console:
        if self._is_closed:
            raise BackendError("the server stops")
        if not is_vm_name(name):
            raise BackendError(f"{name!r}: {NAME_RULE}")
        if len(self._consoles) >= MAX_VMS:
            raise BackendError(f"{len(self._consoles)} VMs, more are not served")
        console = Console(name, self._factory, self._config)
        await self._listen(console, preferred_port)
        self._consoles[name] = console
        if console.is_listening:
            self._log_place(console)
        return console

    def _log_place(self, console: Console) -> None:
        logger.info("VM %s is at %s:%d", console.name, self._config.bind, console.port)

    async def _listen(self, console: Console, preferred: int) -> None:
        """Where the configuration says or nowhere; else at the preferred port or the lowest free one.

        A port that is given to a VM leads to it alone: whoever is used to it would type into another one.
        """
        port = self._config.vm(console.name).port
        if port is None:
            await self._listen_somewhere(console, preferred)
        elif complaint := await self._try_to_listen(console, port):
            console.awaited_port = port
            logger.error(
                "VM %s: cannot listen at its port %d, tried again every %g s: %s",
                console.name,
                port,
                RETRY_SECONDS,
                complaint,
            )
            self._waiting.create(self._wait_for_port(console), f"port of {console.name}")

    async def _wait_for_port(self, console: Console) -> None:
        while not console.is_listening:
            await asyncio.sleep(RETRY_SECONDS)
            async with self._changing:
                if console.is_closed or console.is_listening:
                    return
                await self._listen_at_last(console)

    async def _listen_at_last(self, console: Console) -> None:
        """The configuration may be another one by now."""
        port = self._config.vm(console.name).port
        try:
            if port is None:
                await self._listen_somewhere(console, 0)
            elif await self._try_to_listen(console, port):
                console.awaited_port = port
                return
        except BackendError as error:
            logger.debug("%s", error)
            return
        if console.is_closed:  # meanwhile
            await console.acceptor.stop_listening()
        else:
            self._log_place(console)

    async def _try_to_listen(self, console: Console, port: int) -> str:
        """Why not, if it may be possible later."""
        try:
            await console.acceptor.listen(self._config.bind, port)
        except OSError as error:
            if error.errno not in _BUSY:
                raise BackendError(f"cannot listen at {self._config.bind}:{port}: {error}") from error
            return self._who_has(port) or error.strerror or str(error)
        return ""

    async def _listen_somewhere(self, console: Console, preferred: int) -> None:
        for port in self._candidates(console, preferred):
            if not await self._try_to_listen(console, port):
                return
            if port == preferred:
                logger.warning("Port %d, wanted by VM %s, is not free", port, console.name)
        raise BackendError(f"no free port from {self._config.port} on for VM {console.name}")

    def _candidates(self, console: Console, preferred: int) -> Iterator[int]:
        taken = reserved_ports(self._config, console.name)
        if preferred in taken:
            logger.warning("Port %d, wanted by VM %s, is another one's", preferred, console.name)
        elif preferred:
            yield preferred
        taken |= {other.port for other in self.consoles}
        last = min(self._config.port + PORTS_TRIED, 65536)
        yield from (port for port in range(self._config.port, last) if port not in taken)


class PublishersHost:
    """The registry as one backend sees it."""

    def __init__(self, registry: Registry, publisher: object) -> None:
        self._registry = registry
        self._publisher = publisher

    async def add_vm(
        self, name: str, *, input: InputSink, uuid: str | None = None, preferred_port: int = 0
    ) -> Vm:
        return await self._registry.add_vm(
            name, input=input, uuid=uuid, preferred_port=preferred_port, publisher=self._publisher
        )

    async def remove_vm(self, vm: Vm, reason: str) -> None:
        await self._registry.remove_vm(vm, reason)

    def vm_lost(self, vm: Vm, reason: str) -> None:
        self._registry.vm_lost(vm, reason)
