"""What a remote display server is to the benchmark. Each is a file in ``servers/``: see README.md."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PATIENCE: Final = 30.0
"""Seconds for a program to start."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is started."""

    #: for files; it is removed afterwards
    folder: Path
    width: int
    height: int
    #: where to write what it spends its time on, if it can tell
    profile: Path | None = None

    @property
    def geometry(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that has been started."""

    #: where the workload is drawn: ("x", DISPLAY), or ("guest", BUS) for the guest API of librdpmux
    canvas: tuple[str, str]
    #: RDP on 127.0.0.1; None: there is no connection, the canvas itself is watched
    port: int | None
    #: processes whose CPU time and memory are the server's, with all that they start
    processes: tuple[int, ...] = ()
    #: those of the X server or VNC server before which it stands; accounted apart
    display_processes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """A kind of server: ``start`` is entered for each measurement, and ends all its processes at its exit."""

    name: str
    #: commands without which it is skipped
    programs: tuple[str, ...]
    start: Callable[[Place], AbstractContextManager[Running]]

    @property
    def missing(self) -> list[str]:
        return [program for program in self.programs if shutil.which(program) is None]
