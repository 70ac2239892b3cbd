"""All consoles of the daemon, by name, and their ports: the :class:`~.backend.VmHost` of the backends."""

import asyncio
import errno
import logging
from collections.abc import Callable, Iterator
from typing import Final

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import InputSink, Vm
from pyrdpmux.mux.config import Config
from pyrdpmux.mux.connection_log import MAX_NAME
from pyrdpmux.mux.vm import Console, RegisteredVm
from pyrdpmux.net.listener import Listener
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")

MAX_VMS: Final = 1000
PORTS_TRIED: Final = 4 * MAX_VMS
"""Above the base port; others on this machine listen too."""

_BUSY: Final = (errno.EADDRINUSE, errno.EACCES)


class Registry:
    """Adds, takes over, loses and removes VMs."""

    def __init__(self, config: Config, factory: ConnectionFactory) -> None:
        self._config = config
        self._factory = factory
        self._consoles: dict[str, Console] = {}
        self._changing = asyncio.Lock()
        self._is_closed = False
        factory.watch(self._accounts_changed)

    @property
    def consoles(self) -> list[Console]:
        return list(self._consoles.values())

    async def add_vm(
        self, name: str, *, input: InputSink, uuid: str | None = None, preferred_port: int = 0
    ) -> Vm:
        """Publish a VM. A known name is taken over: same screen, port and viewers, new input sink."""
        async with self._changing:
            console = self._consoles.get(name)
            if console is None:
                console = await self._open(name, preferred_port)
        vm = RegisteredVm(console)
        console.start(vm, input, uuid)
        return vm

    async def remove_vm(self, vm: Vm, reason: str) -> None:
        """Close its listener; its viewers are told why. A VM that has been taken over stays."""
        console = self._console_of(vm)
        if console is None:
            return
        self._consoles.pop(console.name, None)
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
                key = ("vms", console.name, "port")
                raise config.origin.error(key, f"cannot listen there: {error.strerror or error}") from error
        return moves

    def find(self, name: str) -> Console | None:
        """By name, UUID or port; in whatever case."""
        wanted = name.casefold()
        ways: tuple[Callable[[Console], str], ...] = (
            lambda console: console.name.casefold(),
            lambda console: (console.uuid or "").casefold(),
            lambda console: str(console.port),
        )
        found = (console for way in ways for console in self.consoles if wanted and way(console) == wanted)
        return next(found, None)

    def by_serial(self, serial: int) -> Console | None:
        """The very console that had this number; a later one of its name has another."""
        return next((console for console in self.consoles if console.serial == serial), None)

    def _accounts_changed(self, name: str) -> None:
        if (console := self._consoles.get(name)) is not None:
            console.review()

    async def close(self, reason: str) -> None:
        """The daemon stops: all consoles at once, so that it takes no longer than one."""
        self._is_closed = True
        async with self._changing:
            consoles, self._consoles = self.consoles, {}
            for console in consoles:
                console.registration = None
            await asyncio.gather(
                *[console.close(ErrorInfo.RPC_INITIATED_DISCONNECT, reason) for console in consoles]
            )

    def _console_of(self, vm: Vm) -> Console | None:
        """The console that this registration speaks for; none for one that is not the latest."""
        console = self._consoles.get(vm.name)
        return console if console is not None and console.registration is vm else None

    async def _open(self, name: str, preferred_port: int) -> Console:
        if self._is_closed:
            raise BackendError("the server stops")
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise BackendError(f"{name!r}: a VM's name has 1 to {MAX_NAME} printable characters")
        if len(self._consoles) >= MAX_VMS:
            raise BackendError(f"{len(self._consoles)} VMs, more are not served")
        settings = self._config.vm(name)
        console = Console(name, self._factory, self._config)
        await self._listen(console, settings.port or preferred_port)
        self._consoles[name] = console
        logger.info("VM %s is at %s:%d", name, self._config.bind, console.port)
        return console

    async def _listen(self, console: Console, preferred: int) -> None:
        """At the preferred port, or the lowest free one from the base port on."""
        for port in self._candidates(preferred):
            try:
                await console.acceptor.listen(self._config.bind, port)
                return
            except OSError as error:
                if error.errno not in _BUSY:
                    raise BackendError(f"cannot listen at {self._config.bind}:{port}: {error}") from error
                if port == preferred:
                    logger.warning("Port %d, wanted by VM %s, is not free", port, console.name)
        raise BackendError(f"no free port from {self._config.port} on for VM {console.name}")

    def _candidates(self, preferred: int) -> Iterator[int]:
        if preferred:
            yield preferred
        taken = {console.port for console in self.consoles}
        last = min(self._config.port + PORTS_TRIED, 65536)
        yield from (port for port in range(self._config.port, last) if port not in taken)
