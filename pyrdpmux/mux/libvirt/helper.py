"""The helper's life: the VM's console at one port, until libvirt ends it or the VM's bus goes away."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Sequence
from typing import Final

from pyrdpmux.errors import BackendError, ConfigError, MuxError
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.libvirt.credentials import Credentials, load_identity
from pyrdpmux.mux.libvirt.options import Options, capabilities, parse_options
from pyrdpmux.mux.libvirt.service import BusService
from pyrdpmux.mux.log.door import set_up_logging
from pyrdpmux.mux.qemu.machine import QemuMachine
from pyrdpmux.mux.qemu.source import BusSource
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.config import Config, VmSettings
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.libvirt")

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

VM_NAME: Final = "vm"
"""What viewers see on a card while there is no picture; the helper is not told the VM's name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script ``pyrdpmux-libvirt``."""
    try:
        options = parse_options(arguments)
        if options.wants_capabilities:
            sys.stdout.write(capabilities() + "\n")
            return EXIT_OK
        level = logging.DEBUG if options.verbosity else logging.INFO
        set_up_logging(logging.StreamHandler(sys.stderr), level, "%(asctime)s %(levelname)-7s %(message)s")
        logging.getLogger("dbus_fast").setLevel(logging.WARNING)
        asyncio.run(_run_until_signal(Helper(options)))
    except ConfigError as error:
        sys.stderr.write(f"pyrdpmux-libvirt: {error}\n")
        return EXIT_USAGE
    except (MuxError, OSError) as error:
        sys.stderr.write(f"pyrdpmux-libvirt: {error}\n")
        return EXIT_FAILED
    return EXIT_OK


async def _run_until_signal(helper: "Helper") -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await helper.run(stop)


class Helper:
    """Serves one VM. ConfigError for a certificate that cannot be used."""

    def __init__(self, options: Options) -> None:
        self.credentials = Credentials()
        self._options = options
        self._config = Config(
            bind=options.host,
            port=options.port,
            bus="none",
            vms={VM_NAME: VmSettings(port=options.port)},
        )
        identity = load_identity(options.certificate, options.key)
        self._factory = ConnectionFactory(
            self._config,
            accounts=self.credentials,
            identities=lambda config: {config.certificate_path(): identity},
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set. BackendError if the port or the bus cannot be had, or the bus ends."""
        registry = Registry(self._config, self._factory)
        service = BusService(self._options.dbus_address, self.credentials)
        tasks = TaskSet()
        reason = "it failed"
        try:
            machine = QemuMachine(registry, BusSource(self._options.dbus_address), VM_NAME, max_vms=1)
            await machine.publish()
            self._check_port(registry)
            await service.start()
            tasks.create(machine.run(), "VM")
            log.info("Serving at %s:%d", self._options.host, self._options.port)
            reason = await _first(stop, service)
        finally:
            await service.stop(reason)
            await tasks.cancel_all()
            await registry.close("the console service stops")
        if not stop.is_set():
            raise BackendError(reason)

    def _check_port(self, registry: Registry) -> None:
        if not all(console.is_listening for console in registry.consoles):
            raise BackendError(f"cannot listen at {self._options.host}:{self._options.port}: it is in use")


async def _first(stop: asyncio.Event, service: BusService) -> str:
    """Why it is over."""
    stopping = asyncio.get_running_loop().create_task(stop.wait())
    leaving = asyncio.get_running_loop().create_task(service.wait())
    await asyncio.wait([stopping, leaving], return_when=asyncio.FIRST_COMPLETED)
    for task in (stopping, leaving):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return "it was stopped" if stop.is_set() else "the VM's D-Bus is gone"
