"""What processes cost and what a port has sent, from /proc and ``ss``: nothing stands in the bytes' way."""

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_SENT: Final = re.compile(r"\bbytes_sent:(\d+)")


@dataclass(frozen=True, slots=True)
class Status:
    """Of one process."""

    parent: int
    #: seconds of user and system time, its own and that of children which have ended
    cpu: float


def read_status(stat: str, ticks: int) -> Status:
    """Of /proc/PID/stat; ``ticks`` of the clock are a second."""
    fields = stat.rpartition(")")[2].split()
    return Status(int(fields[1]), sum(int(field) for field in fields[11:15]) / ticks)


def processes() -> dict[int, Status]:
    """All that run now."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                found[int(folder.name)] = read_status((folder / "stat").read_text("utf-8", "replace"), ticks)
            except OSError:  # it has just ended
                continue
    return found


def family(roots: Iterable[int], statuses: dict[int, Status]) -> set[int]:
    """These processes and all that descend from them."""
    members = set(roots) & set(statuses)
    while True:
        more = {pid for pid, status in statuses.items() if status.parent in members} - members
        if not more:
            return members
        members |= more


def cpu_of(roots: Iterable[int]) -> float:
    """Seconds of a whole family."""
    statuses = processes()
    return sum(statuses[pid].cpu for pid in family(roots, statuses))


def memory_of(roots: Iterable[int]) -> int:
    """Bytes that are resident; what members share is counted for each of them."""
    total = 0
    for pid in family(roots, processes()):
        try:
            pages = int((PROC / str(pid) / "statm").read_text("ascii").split()[1])
        except OSError:
            continue
        total += pages * os.sysconf("SC_PAGE_SIZE")
    return total


def read_sent(listing: str) -> int:
    """Bytes sent by all the connections that ``ss -ti`` lists."""
    return sum(int(number) for number in _SENT.findall(listing))


def sent_from(port: int) -> int:
    """Bytes that connections of this local port have sent; those that are closed have taken theirs along."""
    argv = ["ss", "-tinH", "state", "established", f"sport = :{port}"]
    listing = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return read_sent(listing.stdout)


@dataclass(frozen=True, slots=True)
class Reading:
    """At one moment, since the beginning."""

    sent: int
    server_cpu: float
    display_cpu: float
    client_cpu: float


@dataclass(frozen=True, slots=True)
class Meter:
    """Whom to ask."""

    port: int | None
    server: tuple[int, ...]
    display: tuple[int, ...]
    client: tuple[int, ...]

    def read(self) -> Reading:
        return Reading(
            sent_from(self.port) if self.port is not None else 0,
            cpu_of(self.server),
            cpu_of(self.display),
            cpu_of(self.client),
        )
