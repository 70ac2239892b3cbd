"""The daemon: backends that bring VMs, a registry that shows them, a control socket that tells about them."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from pyrdpmux.errors import MuxError
from pyrdpmux.mux.backend import Backend
from pyrdpmux.mux.config import Config
from pyrdpmux.mux.control import ControlServer
from pyrdpmux.mux.registry import Connect, Registry

logger = logging.getLogger("pyrdpmux.mux")


class Daemon:
    """Owns everything that runs; :meth:`run` is its life."""

    def __init__(
        self,
        config: Config,
        connect: Connect,
        backends: Sequence[Backend],
        *,
        needs_control: bool = True,
    ) -> None:
        self.registry = Registry(config, connect)
        self._backends = backends
        self._control = ControlServer(config.control_path, lambda: self.registry.consoles)
        self._needs_control = needs_control

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Until ``stop`` is set. Raises MuxError if something cannot be started."""
        started: list[Backend] = []
        try:
            await self._start_control()
            for backend in self._backends:
                started.append(backend)
                await backend.start(self.registry)
            on_ready()
            await stop.wait()
            logger.info("Stopping")
        finally:
            await self.registry.close("the server stops")
            for backend in reversed(started):
                await backend.stop()
            await self._control.stop()

    async def _start_control(self) -> None:
        try:
            await self._control.start()
        except MuxError as error:
            if self._needs_control:
                raise
            logger.info("No control socket: %s", error)
