"""VMs that the configuration names: ``source = "KIND:ADDRESS"`` makes a backend of that kind for each.

Kinds are entry points of the group ``pyrdpmux.backends``, so that other packages can add theirs: a function
``(name, address) -> Backend``, which raises ConfigError for an address that it cannot understand.
"""

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.mux.backend import Backend, InputSink, Vm, VmHost
from pyrdpmux.mux.settings.config import Config

logger = logging.getLogger("pyrdpmux.mux")

GROUP: Final = "pyrdpmux.backends"

OURS: Final = {
    "vnc": "pyrdpmux.mux.vnc.backend:open_backend",
    "qemu": "pyrdpmux.mux.qemu.backend:open_backend",
    "demo": "pyrdpmux.mux.demo.backend:open_backend",
}

OpenBackend = Callable[[str, str], Backend]
"""Makes the backend of one VM, from its name and the address of its source."""


def installed_kinds() -> dict[str, OpenBackend]:
    """Ours, and what else is installed; each is loaded when it is used first."""
    points = {name: EntryPoint(name, value, GROUP) for name, value in OURS.items()}
    points |= {point.name: point for point in entry_points(group=GROUP)}
    return {name: _loader(point) for name, point in points.items()}


def _loader(point: EntryPoint) -> OpenBackend:
    def open_backend(name: str, address: str) -> Backend:
        try:
            function: OpenBackend = point.load()
        except ImportError as error:
            raise ConfigError(f"{point.name!r} cannot be used: {error}") from error
        return function(name, address)

    return open_backend


class RecordingHost:
    """Hands everything on to the registry, and knows afterwards which VM came of it."""

    def __init__(self, host: VmHost) -> None:
        self._host = host
        self.vms: dict[str, Vm] = {}

    async def add_vm(
        self, name: str, *, input: InputSink, uuid: str | None = None, preferred_port: int = 0
    ) -> Vm:
        vm = await self._host.add_vm(name, input=input, uuid=uuid, preferred_port=preferred_port)
        self.vms[name] = vm
        return vm

    async def remove_vm(self, vm: Vm, reason: str) -> None:
        self.vms.pop(vm.name, None)
        await self._host.remove_vm(vm, reason)

    def vm_lost(self, vm: Vm, reason: str) -> None:
        self._host.vm_lost(vm, reason)


class Source:
    """One configured VM: what it comes from, and its backend."""

    def __init__(self, address: str, backend: Backend, host: VmHost) -> None:
        self.address = address
        self._backend = backend
        self._host = RecordingHost(host)

    async def start(self) -> None:
        await self._backend.start(self._host)

    async def stop(self, *, comes_back: bool) -> None:
        """Viewers stay if the VM comes back from elsewhere."""
        vms = list(self._host.vms.values())
        await self._backend.stop()
        for vm in vms:
            if comes_back:
                self._host.vm_lost(vm, "it moves to another source")
            else:
                await self._host.remove_vm(vm, "removed from the configuration")


class Sources:
    """The backends of the configured VMs; another configuration starts and stops what differs."""

    def __init__(
        self, host_for: Callable[[str], VmHost], kinds: Mapping[str, OpenBackend] | None = None
    ) -> None:
        """``host_for``: the registry, as the source of this VM sees it."""
        self._host_for = host_for
        self._kinds = installed_kinds() if kinds is None else kinds
        self._running: dict[str, Source] = {}

    def check(self, config: Config) -> None:
        """Raises ConfigError for a source that there is no backend for."""
        for name, vm in config.vms.items():
            if vm.source is not None:
                try:
                    self._open(name, vm.source)
                except ConfigError as error:
                    raise config.origin.error(("vms", name, "source"), str(error)) from error

    async def use(self, config: Config) -> None:
        """Run these and no others. A source that cannot be started is logged, and is no harm to the rest."""
        self.check(config)
        wanted = {name: vm.source for name, vm in config.vms.items() if vm.source is not None}
        for name, source in tuple(self._running.items()):
            if wanted.get(name) != source.address:
                del self._running[name]
                await source.stop(comes_back=name in wanted)
        for name, address in wanted.items():
            if name not in self._running:
                await self._start(name, address)

    async def stop(self) -> None:
        """All of them: the daemon stops."""
        running, self._running = self._running, {}
        for source in running.values():
            await source.stop(comes_back=True)

    def _open(self, name: str, source: str) -> Backend:
        kind, _, address = source.partition(":")
        open_backend = self._kinds.get(kind)
        if open_backend is None:
            raise ConfigError(f"{kind!r}, known kinds are {', '.join(sorted(self._kinds)) or 'none'}")
        return open_backend(name, address)

    async def _start(self, name: str, address: str) -> None:
        source = Source(address, self._open(name, address), self._host_for(name))
        try:
            await source.start()
        except BackendError as error:
            logger.error("VM %s, source %s: %s", name, address, error)
            return
        self._running[name] = source
