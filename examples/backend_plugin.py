"""A source of VMs in a package of its own: ``still:/PATH`` shows a picture (PPM), and takes no input."""

import re
from pathlib import Path

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import BackendError, ConfigError
from pyrdpmux.geometry import MAX_SIDE
from pyrdpmux.mux.backend import NoInput, VmHost


class StillPicture:
    def __init__(self, name: str, address: str) -> None:
        if not address.startswith("/"):
            raise ConfigError(f"{address!r}, expected still:/PATH")
        self.name, self.path = name, Path(address)

    async def start(self, host: VmHost) -> None:
        try:
            picture = read_picture(self.path)
        except (OSError, ValueError) as error:
            raise BackendError(f"{self.path}: {error}") from error
        vm = await host.add_vm(self.name, input=NoInput())
        vm.screen.resize(picture.shape[1], picture.shape[0])
        vm.screen.write(vm.screen.rect, picture)

    async def stop(self) -> None: ...


def read_picture(path: Path) -> Pixels:
    header = re.match(rb"P6\s+([1-9]\d{0,3})\s+([1-9]\d{0,3})\s+255\s", data := path.read_bytes())
    width, height = (int(header[1]), int(header[2])) if header else (0, 0)
    if header is None or max(width, height) > MAX_SIDE:
        raise ValueError("not a PPM picture, or too large")
    rgb = np.frombuffer(data, np.uint8, width * height * 3, header.end()).reshape(height, width, 3)
    return np.dstack((rgb[..., ::-1], np.zeros((height, width), np.uint8)))
