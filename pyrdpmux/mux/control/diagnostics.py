"""What the daemon holds at this moment: for an admin whose daemon grows, and for the soak test.

``pyrdpmux diagnose`` asks for it. It walks all objects of the process, which takes a fraction of a second.
"""

import asyncio
import gc
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pyrdpmux.codec.table import CODECS, described
from pyrdpmux.mux.collector import looking_at_everything
from pyrdpmux.net import heap

PROCESS: Final = Path("/proc/self")

_NUMBERS: Final = re.compile(r"\d+")


def diagnose() -> dict[str, Any]:
    """Tasks, our objects, threads, descriptors and memory, after a collection of garbage; and our codecs."""
    with looking_at_everything():
        objects = _count(_our_classes())
    heap.trim()  # so that the memory that is told is in use
    return {
        "tasks": _count(task.get_name() for task in asyncio.all_tasks()),
        "objects": objects,
        "threads": threading.active_count(),
        "descriptors": descriptors(PROCESS),
        "memory": memory(PROCESS),
        "codecs": {name: described(codec) for name, codec in CODECS.items()},
    }


def descriptors(process: Path) -> dict[str, int]:
    """What is open in the process with this /proc directory, by kind; files by their path."""
    links = []
    for link in (process / "fd").iterdir():
        try:
            links.append(os.readlink(link))
        except OSError:
            continue  # closed meanwhile: the listing's own is one
    return _count(links)


def memory(process: Path) -> dict[str, int]:
    """Resident bytes of the process with this /proc directory, now and at most."""
    found = dict(line.split(":", 1) for line in (process / "status").read_text(encoding="ascii").splitlines())
    return {name: int(found[key].split()[0]) * 1024 for name, key in (("now", "VmRSS"), ("most", "VmHWM"))}


def _our_classes() -> Iterable[str]:
    for thing in gc.get_objects():
        kind = type(thing)
        if str(kind.__module__).startswith("pyrdpmux."):
            yield f"{kind.__module__.removeprefix('pyrdpmux.')}.{kind.__qualname__}"


def _count(names: Iterable[str]) -> dict[str, int]:
    """How often each name occurs, numbers in it aside; the commonest first."""
    return dict(Counter(_NUMBERS.sub("*", name) for name in names).most_common())
