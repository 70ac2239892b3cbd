"""What Linux tells of a running process: whether it reads what has come for it, and whether it computes."""

import os
import re
import time
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """User and system time of all its threads; 0.0 if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    # The name, in parentheses, may have anything in it; utime and stime are fields 14 and 15.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def unread_bytes(pid: int) -> int:
    """Bytes that wait in the kernel, received on its TCP connections and not read; 0 if it has ended."""
    sockets: set[str] = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            if found := re.fullmatch(r"socket:\[(\d+)\]", _target(descriptor)):
                sockets.add(found[1])
        tables = [Path(f"/proc/{pid}/net/{name}").read_text(encoding="ascii") for name in ("tcp", "tcp6")]
    except OSError:
        return 0
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return sum(int(row[4].partition(":")[2], 16) for row in rows if row[9] in sockets)


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""


def is_stuck(pid: int, seconds: float = 2.0) -> bool:
    """For ``seconds`` it neither computes nor reads what has come: its threads wait for each other."""
    computed, unread = processor_seconds(pid), unread_bytes(pid)
    if not unread:
        return False
    time.sleep(seconds)
    return unread_bytes(pid) >= unread and processor_seconds(pid) == computed
