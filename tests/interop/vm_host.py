"""Our daemon with several VMs and a gateway in front of them, in a thread; the test paints their screens."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import numpy as np

from pyrdpmux.harness.programs import free_port, wait_until
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.gateway.gateway import Gateway
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, GatewaySettings, SecuritySettings, VmSettings
from pyrdpmux.rdp.nla.accounts import Accounts
from tests.interop.client import colorful
from tests.interop.console import EVERYTHING, PASSWORD, PATIENCE, USER, Bgrx
from tests.mux.recording_sink import RecordingSink

SIZES: Final = {"mail": (640, 480), "web": (720, 400)}
UUID: Final = "ba1b6dbd-89ac-4630-a737-c4bcc3bb99fb"
"""Of the VM ``web``."""

T = TypeVar("T")


class VmHostUnderTest:
    """Two VMs, each with a picture of its own; its methods may be called from the test's thread."""

    def __init__(self, folder: Path, security: SecuritySettings = EVERYTHING, **vms: VmSettings) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="daemon", daemon=True)
        self._config = Config(
            port=free_port(),
            gateway=GatewaySettings(port=free_port()),
            state_dir=folder,
            security=security,
            vms=vms,
        )
        self.sinks = {name: RecordingSink() for name in SIZES}

    @property
    def port(self) -> int:
        """The gateway's."""
        return self._config.gateway.port or 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._await(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._await(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _start(self) -> None:
        factory = ConnectionFactory(self._config, accounts=Accounts().with_password(USER, "", PASSWORD))
        self._registry = Registry(self._config, factory)
        self._gateway = Gateway(self._registry, factory, self._config)
        await self._gateway.use(self._config, await self._gateway.prepare(self._config))
        for seed, (name, (width, height)) in enumerate(SIZES.items()):
            vm = await self._registry.add_vm(
                name, input=self.sinks[name], uuid=UUID if name == "web" else None
            )
            vm.screen.resize(width, height)
            vm.screen.write(vm.screen.rect, colorful(width, height, seed))

    async def _stop(self) -> None:
        await self._registry.close("the test is over")
        await self._gateway.close("the test is over")

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def do(self, action: Callable[[], T]) -> T:
        """``action`` in the daemon's thread."""

        async def doing() -> T:
            return action()

        return self._await(doing())

    def console(self, name: str) -> Console:
        console = self._registry.find(name)
        assert console is not None
        return console

    def picture(self, name: str) -> Bgrx:
        """What is on the VM's screen."""
        return self.do(lambda: np.array(self.console(name).screen.pixels))

    def wait_until_told(self, name: str, told: str) -> None:
        """That the VM hears of this input."""
        wait_until(lambda: told in self.do(lambda: list(self.sinks[name].told)), PATIENCE, told)
