"""RDP consoles of this process: arrays to show, input to receive, and no hypervisor or bus in between.

async with show(640, 480, password="secret", port=3901) as screen:
    screen.write(picture)

async with EmbeddedServer(passwords={"alice": "secret"}) as server:
    console = await server.add_console("plot")
    console.show(picture)
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import InputSink, NoInput, Vm, VmHost
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.picture.cursor import CursorState
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.rdp.nla.accounts import Accounts


class EmbeddedConsole:
    """One picture and the port that it is seen at. :attr:`vm` is all that a backend can do with it."""

    def __init__(self, vm: Vm) -> None:
        self.vm = vm

    @property
    def port(self) -> int:
        return self.vm.port

    @property
    def viewer_count(self) -> int:
        return self.vm.viewer_count

    def show(self, picture: NDArray[Any]) -> None:
        """Make this the picture: (height, width) gray or (height, width, 3) red, green, blue, of uint8.

        It is copied; viewers are sent what differs from the one before. ValueError for another shape or type.
        """
        _check(picture)
        height, width = picture.shape[:2]
        self.vm.screen.resize(width, height)
        self.write(picture)

    def write(self, picture: NDArray[Any], x: int = 0, y: int = 0) -> None:
        """Put this at a place of the picture, which keeps its size; what lies outside is cut off.

        Array and errors as in :meth:`show`.
        """
        _check(picture)
        surface = self.vm.screen.surface
        place = Rect(x, y, picture.shape[1], picture.shape[0]).clip(surface.width, surface.height)
        if place.is_empty:
            return
        part = picture[place.y - y : place.bottom - y, place.x - x : place.right - x]
        target = surface.pixels[place.y : place.bottom, place.x : place.right]
        for channel in range(3):  # by channel: numpy takes four times as long to turn them around
            target[..., channel] = part if part.ndim == 2 else part[..., 2 - channel]
        self.vm.screen.written(surface, [place])


def _check(picture: NDArray[Any]) -> None:
    if picture.dtype != np.uint8 or not (picture.ndim == 2 or picture.shape[2:] == (3,)):
        found = f"{picture.dtype} of shape {picture.shape}"
        raise ValueError(f"{found}, expected uint8 of (height, width) or (height, width, 3)")


class _Owner:
    """The backend of all consoles: they come when the program says so."""

    host: VmHost | None = None

    async def start(self, host: VmHost) -> None:
        self.host = host

    async def stop(self) -> None:
        self.host = None


class EmbeddedServer:
    """Runs on the loop of who enters it, until the block is left; viewers are told then.

    ``passwords``: who may log on, by name; None for the accounts of the configuration. ``config``: as for the
    daemon. Raises ConfigError, and BackendError or OSError for what cannot be listened at.
    """

    def __init__(self, config: Config | None = None, *, passwords: Mapping[str, str] | None = None) -> None:
        config = config or Config()
        accounts: Accounts | None = None
        for user, password in (passwords or {}).items():
            accounts = (accounts or Accounts()).with_password(user, "", password)
        self._owner = _Owner()
        factory = ConnectionFactory(config, accounts=accounts)
        self._daemon = Daemon(config, factory, [self._owner], needs_control=False)
        self._daemon.says_goodbye = True
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        running = loop.create_task(self._daemon.run(self._stop, lambda: ready.set_result(None)))
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()  # raises why it could not start
        self._running = running
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._running is not None:
            await self._running

    async def add_console(
        self, name: str, *, input: InputSink | None = None, port: int = 0
    ) -> EmbeddedConsole:
        """Another one, of its own name. ``port``: 0 for the lowest free one from ``config.port`` on.

        ``input``: gets the viewers' keys and clicks; None ignores them. Raises BackendError, also for a port
        that is not free.
        """
        if self._owner.host is None:
            raise BackendError("the server is not running")
        vm = await self._owner.host.add_vm(name, input=input or NoInput(), preferred_port=port)
        if port not in (0, vm.port):
            await self._owner.host.remove_vm(vm, "its port is not free")
            raise BackendError(f"port {port} is not free")
        vm.screen.set_cursor(CursorState.DEFAULT)  # nothing draws one into an array
        return EmbeddedConsole(vm)

    async def remove_console(self, console: EmbeddedConsole) -> None:
        """Its viewers are told, its port is closed."""
        if self._owner.host is not None:
            await self._owner.host.remove_vm(console.vm, "the program has removed it")


@asynccontextmanager
async def show(
    width: int,
    height: int,
    *,
    password: str,
    user: str = "demo",
    port: int = 0,
    name: str = "python",
    input: InputSink | None = None,
    config: Config | None = None,
) -> AsyncIterator[EmbeddedConsole]:
    """One picture of this size, black at first, at a server of its own that ends with the block.

    All else as in :class:`EmbeddedServer` and :meth:`EmbeddedServer.add_console`.
    """
    async with EmbeddedServer(config, passwords={user: password}) as server:
        console = await server.add_console(name, input=input, port=port)
        console.vm.screen.resize(width, height)
        yield console
