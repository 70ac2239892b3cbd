"""xfreerdp full screen on a display of its own: with EGFX and H.264, with EGFX only, with neither."""

import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux.harness.display import Display

USER: Final = "glass"
COMMON: Final = ("/cert:ignore", f"/u:{USER}", f"/p:{USER}", "/sec:tls", "/bpp:32", "/f", "-grab-keyboard")

MODES: Final[dict[str, dict[int, tuple[str, ...]]]] = {
    "h264": {2: ("/gfx:AVC444",), 3: ("/gfx:AVC444:on,AVC420:on",)},
    "egfx": {2: ("/gfx",), 3: ("/gfx:AVC444:off,AVC420:off",)},
    "none": {2: (), 3: ("/network:lan",)},
}
"""Its options, by major version.

QUIRK(FreeRDP 2.11): ``-gfx`` switches EGFX on, as ``+gfx`` does; in 3 it does not switch off what the kind of
network asks for.
"""

TITLES: Final = {"h264": "EGFX with H.264", "egfx": "EGFX without H.264", "none": "without EGFX"}


@dataclass(frozen=True, slots=True)
class Client:
    """A binary, and what it says of itself."""

    binary: str
    version: str
    options: tuple[str, ...] = ()

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    def argv(self, port: int, mode: str) -> list[str]:
        return [self.binary, f"/v:127.0.0.1:{port}", *COMMON, *MODES[mode][self.major], *self.options]


def read_version(told: str) -> str:
    """Of ``xfreerdp /version``. ValueError if it is none that we know the options of."""
    found = re.search(r"version ((\d+)\.\d+[\w.+~-]*)", told)
    if found is None or int(found[2]) not in MODES["h264"]:
        raise ValueError(f"{told.strip()[:200]!r}: not a version of FreeRDP 2 or 3")
    return found[1]


def find_client(binary: str, options: Iterable[str] = ()) -> Client:
    """ValueError if it is not there, or not a FreeRDP."""
    path = shutil.which(binary)
    if path is None:
        raise ValueError(f"{binary}: not installed")
    # FreeRDP 2.11 opens the display before it says its version.
    with (
        tempfile.TemporaryDirectory() as folder,
        Display(Path(folder), "64x64x24") as display,
        display.start([path, "/version"], Path(folder) / "version") as program,
    ):
        program.wait(10)
        return Client(path, read_version(program.output), tuple(options))
