"""The daemon with one VM that shows a picture from a file and never changes: python -m bench.still_server.

What happens to connections is told on standard error, each line with the seconds since 1970.
"""

import asyncio
import logging
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.backend import Vm, VmHost
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.guest import GuestInput
from pyrdpmux.mux.settings.config import Config, SecuritySettings


class StillBackend:
    """Implements Backend: a picture, and a keyboard that nobody listens to."""

    def __init__(self, picture: Pixels) -> None:
        self._picture = picture
        self.vm: Vm | None = None

    async def start(self, host: VmHost) -> None:
        self.vm = await host.add_vm("still", input=GuestInput())
        height, width = self._picture.shape[:2]
        self.vm.screen.resize(width, height)
        self.vm.screen.write(Rect(0, 0, width, height), self._picture)

    async def stop(self) -> None:
        pass


def main(port: int, path: Path) -> None:
    logging.basicConfig(format="%(created).6f %(message)s")
    logging.getLogger("pyrdpmux").setLevel(logging.DEBUG)
    with tempfile.TemporaryDirectory() as state:
        settings = SecuritySettings(nla=False, tls=True, rdp=False)
        config = replace(Config(), port=port, state_dir=Path(state), security=settings)
        backend = StillBackend(np.load(path))
        daemon = Daemon(config, ConnectionFactory(config), [backend], needs_control=False)
        asyncio.run(daemon.run(asyncio.Event()))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
