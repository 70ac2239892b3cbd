"""What the kernel tells of the daemon from outside, and its log: nothing here asks the daemon itself."""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SAMPLE_SECONDS: Final = 0.05
MEBIBYTE: Final = 1 << 20

LINE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) +\S")
"""How each line of the daemon's log begins; the lines of a traceback do not."""

CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
"""What no log line may have in it: with them a line can be forged, or a terminal told things."""


@dataclass
class Extremes:
    """The most that was held while somebody watched."""

    memory: int = 0
    descriptors: int = 0


class Observer:
    """One process, by its pid, and the file that its log goes to."""

    def __init__(self, pid: int, log: Path) -> None:
        self._process = Path(f"/proc/{pid}")
        self._pid = pid
        self._log = log

    @property
    def memory(self) -> int:
        """Resident bytes."""
        lines = (self._process / "status").read_text(encoding="ascii").splitlines()
        [field] = [line for line in lines if line.startswith("VmRSS:")]
        return int(field.split()[1]) * 1024

    @property
    def descriptors(self) -> int:
        return len(os.listdir(self._process / "fd"))

    @property
    def loop_seconds(self) -> float:
        """What the event loop's thread has computed since it began, whoever else used the machine."""
        with contextlib.suppress(FileNotFoundError):
            path = self._process / "task" / str(self._pid) / "schedstat"
            return int(path.read_text(encoding="ascii").split()[0]) / 1e9
        return self.cpu_seconds

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all threads."""
        fields = (self._process / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def log_bytes(self) -> int:
        return self._log.stat().st_size

    @property
    def log_lines(self) -> list[str]:
        """Without the line breaks; only a newline is one, as for whoever reads the file by lines."""
        return self._log.read_bytes().decode("utf-8", "replace").split("\n")[:-1]

    def forgeries(self) -> Iterator[str]:
        """Lines that the daemon's own format did not begin, or with control characters in them."""
        for line in self.log_lines:
            if CONTROLS.search(line) or not LINE.match(line):
                yield line

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Extremes]:
        """Notes the most that is held during the block."""
        extremes = Extremes(self.memory, self.descriptors)
        task = asyncio.get_running_loop().create_task(self._watch(extremes))
        try:
            yield extremes
        finally:
            task.cancel()
            self._note(extremes)

    async def _watch(self, extremes: Extremes) -> None:
        while True:
            self._note(extremes)
            await asyncio.sleep(SAMPLE_SECONDS)

    def _note(self, extremes: Extremes) -> None:
        with contextlib.suppress(FileNotFoundError, ValueError):  # it has ended
            extremes.memory = max(extremes.memory, self.memory)
            extremes.descriptors = max(extremes.descriptors, self.descriptors)
