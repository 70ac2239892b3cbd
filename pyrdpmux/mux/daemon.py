"""The daemon: backends that bring VMs, a registry that shows them, a control socket that tells about them."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Final

from pyrdpmux.errors import ConfigError, MuxError
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import Backend
from pyrdpmux.mux.control.client import Answer
from pyrdpmux.mux.control.control_socket import ControlServer, describe_console
from pyrdpmux.mux.control.diagnostics import diagnose
from pyrdpmux.mux.control.type_text import type_on_command
from pyrdpmux.mux.gateway.gateway import Gateway
from pyrdpmux.mux.registry import Registry, SourceOf
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.mux.sources import Sources
from pyrdpmux.mux.systemd.service_manager import ServiceManager
from pyrdpmux.net.tasks import TaskSet
from pyrdpmux.rdp.pdu.error_info import ErrorInfo

logger = logging.getLogger("pyrdpmux.mux")

GOODBYE: Final = "the server stops"

REFRESH_SECONDS: Final = 5.0
"""How old a version of the accounts may be that a bad line cannot replace."""

DAY_SECONDS: Final = 86400.0

STAYS: Final = ("bind", "bus", "state_dir", "librdpmux", "qmp_sockets")
"""Settings that a running daemon keeps, whatever its configuration says later."""

LoadConfig = Callable[[], Config]
"""Reads the configuration again, options of the command line included. Raises ConfigError."""


class Daemon:
    """Owns everything that runs; :meth:`run` is its life."""

    def __init__(
        self,
        config: Config,
        factory: ConnectionFactory,
        backends: Sequence[Backend],
        *,
        load_config: LoadConfig | None = None,
        needs_control: bool = True,
        manager: ServiceManager | None = None,
    ) -> None:
        self.registry = Registry(config, factory)
        #: at its end, viewers are told so and stay away; otherwise they find another daemon by themselves
        self.says_goodbye = False
        self._factory = factory
        self._config = config
        self._load_config = load_config or (lambda: self._config)
        self._backends = backends
        self.gateway = Gateway(self.registry, factory, config)
        self._sources = Sources(lambda name: self.registry.for_publisher(SourceOf(name)))
        self._control = ControlServer(
            config.control_path,
            {
                "snapshot": self._tell,
                "vms": self._tell,
                "reload": self._reload_on_command,
                "diagnose": self._diagnose,
                "type": self._type,
            },
        )
        self._needs_control = needs_control
        self._manager = manager or ServiceManager()
        self._tasks = TaskSet()
        self._reloading = asyncio.Lock()

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None] = lambda: None) -> None:
        """Until ``stop`` is set. Raises MuxError if something cannot be started."""
        started: list[Backend] = []
        try:
            await self._start_control()
            # in front of the VMs, which take any port that is free
            await self.gateway.start()
            for backend in self._backends:
                started.append(backend)
                await backend.start(self.registry.for_publisher(backend))
            await self._sources.use(self._config)
            self._tasks.create(self._keep_accounts_fresh(), "accounts")
            self._tasks.create(self._look_at_certificates(), "certificates")
            on_ready()
            self._manager.ready(self._status)
            await stop.wait()
            logger.info("Stopping")
        finally:
            self._manager.stopping()
            await self._tasks.cancel_all()
            error_info = ErrorInfo.RPC_INITIATED_DISCONNECT if self.says_goodbye else ErrorInfo.NONE
            await asyncio.gather(
                self.registry.close(GOODBYE, error_info), self.gateway.close(GOODBYE, error_info)
            )
            await self._sources.stop()
            for backend in reversed(started):
                await backend.stop()
            await self._control.stop()
            self._factory.files.close()
            self._factory.workers.close()

    def reload_soon(self) -> None:
        """What SIGHUP does; a configuration with an error is logged and leaves everything as it is."""
        self._tasks.create(self._reload_or_complain(), "reload")

    async def reload(self) -> None:
        """Take on the configuration file, the accounts and the certificates as they are now.

        Raises ConfigError, and then the old configuration stays in force.
        """
        async with self._reloading:
            with self._manager.reloading():
                await self._reload()

    async def _reload(self) -> None:
        config = self._keep_what_stays(self._load_config())
        self._sources.check(config)
        await self._factory.prepare(config)
        listener = await self.gateway.prepare(config)
        try:
            await self.registry.reconfigure(config)
        except ConfigError:
            if listener is not None:
                await listener.close()
            raise
        await self.gateway.use(config, listener)
        if config.port != self._config.port:
            logger.info("port: VMs that are still to come get ports from %d on, others stay", config.port)
        self._config = config
        await self._sources.use(config)
        logger.info("Configuration reloaded")

    async def _keep_accounts_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._factory.accounts.refresh()

    async def _look_at_certificates(self) -> None:
        """At the start and after a reload that has been done."""
        while True:
            await asyncio.sleep(DAY_SECONDS)
            self._factory.warn_about_certificates()

    def _keep_what_stays(self, config: Config) -> Config:
        """These are in use as long as the daemon runs."""
        for key in STAYS:
            if getattr(config, key) != getattr(self._config, key):
                logger.warning("%s: changed, which takes effect at the next start", key.replace("_", "-"))
        old = self._config
        return replace(config, **{key: getattr(old, key) for key in STAYS})

    async def _reload_or_complain(self) -> None:
        try:
            await self.reload()
        except ConfigError as error:
            logger.error("Not reloaded, the old configuration stays in force: %s", error)

    async def _reload_on_command(self, _request: Answer) -> Answer:
        await self.reload()
        return {"vms": len(self.registry.consoles)}

    async def _diagnose(self, _request: Answer) -> Answer:
        return diagnose() | self._figures()

    async def _type(self, request: Answer) -> Answer:
        return await type_on_command(self.registry.consoles, request)

    def _status(self) -> str:
        """For `systemctl status`."""
        consoles = self.registry.consoles
        viewers = sum(len(console.viewers) for console in consoles)
        return f"VMs: {len(consoles)}, viewers: {viewers}"

    async def _tell(self, _request: Answer) -> Answer:
        """INVARIANT: the one place that says how the daemon is; commands print parts of it."""
        acceptor = self.gateway.acceptor
        return {
            "vms": [describe_console(console) for console in self.registry.consoles],
            "bind": self._config.bind,
            "nla": self._config.security.nla,
            "gateway": {"bind": acceptor.host, "port": acceptor.port} if acceptor.port else None,
        } | self._figures()

    def _figures(self) -> Answer:
        """Who has made us work how much, and who waits at the door; all since the beginning."""
        workers = self._factory.workers
        return {
            "time": asyncio.get_running_loop().time(),
            "process_seconds": time.process_time(),
            "threads": {
                "count": workers.threads,
                "seconds": workers.seconds,
                "waiting": workers.waiting,
            },
            "shares": [asdict(figures) for figures in self._factory.schedule.snapshot()],
            "admission": self._factory.control.figures(),
            "files": {"waiting": self._factory.files.waiting},
        }

    async def _start_control(self) -> None:
        try:
            await self._control.start()
        except MuxError as error:
            if self._needs_control:
                raise
            logger.info("No control socket: %s", error)
