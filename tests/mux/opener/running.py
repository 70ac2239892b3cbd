"""A real opener, confined as its unit says, at a socket that belongs to the daemon's user."""

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pyrdpmux.mux.opener.client import Opener
from scripts.generate_manual import PACKAGING
from tests.mux.support.public_directory import public_directory

UNIT: Final = PACKAGING / "pyrdpmux-opener.service"

OPENER: Final = 64010
DAEMON, GUEST, STRANGER = (pwd.getpwnam(name).pw_uid for name in ("daemon", "nobody", "bin"))
"""Users that are known everywhere: a bus refuses others."""

SECONDS: Final = 10.0


class RunningOpener:
    """The process, its socket, and what can be seen of it from outside."""

    def __init__(self, process: "subprocess.Popen[str]", socket: Path, directory: Path) -> None:
        self.process = process
        self.socket = socket
        #: that everybody can reach
        self.directory = directory
        self.client = Opener(socket)

    @property
    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def children(self) -> list[str]:
        return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()

    def at_rest(self) -> int:
        """Its descriptors while nothing goes on: a connection lives a moment longer than its answer."""
        found = []
        for _ in range(20):
            found.append(self.descriptors)
            time.sleep(0.005)
        return min(found)

    def status(self, name: str) -> str:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return text.split(f"{name}:\t")[1].partition("\n")[0]

    def settle(self, descriptors: int) -> None:
        """Wait until it has no more than these open, and no children."""
        until = time.monotonic() + SECONDS
        while self.descriptors > descriptors or self.children:
            assert time.monotonic() < until, f"{self.descriptors} descriptors, expected {descriptors}"
            time.sleep(0.01)


@contextmanager
def running_opener(*arguments: str, module: str = "pyrdpmux.mux.opener.server") -> Iterator[RunningOpener]:
    with public_directory() as directory:
        path = directory / "opener"
        command = [sys.executable, "-m", "tests.mux.support.confined", str(UNIT), str(OPENER)]
        command += ["--listen", str(path), str(DAEMON), module, "--user", str(DAEMON), *arguments]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                _await(path, process)
                yield RunningOpener(process, path, directory)
            finally:
                process.kill()


def _await(path: Path, process: "subprocess.Popen[str]") -> None:
    """It listens before it is confined; the answer to a first request comes when it is ready."""
    until = time.monotonic() + SECONDS
    while not path.exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.01)
