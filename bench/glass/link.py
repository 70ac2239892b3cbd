"""A slow link: ``tbf`` in a network namespace for its rate, and a relay that delays for its latency.

The client lives in a namespace whose loopback interface carries no more than the rate. The relay listens
there, and hands on what it gets from the server after half the round trip, and back the same way. It keeps no
more than the link can have under way, so that the server notices how slow it is. ``netem``, which does both,
is in few kernels of containers. Needs root.
"""

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from bench.glass.helper import Helper

CLONE_NEWNET: Final = 0x40000000
MTU: Final = 1500
BURST: Final = 8192
QUEUE: Final = "100ms"
"""What a router would keep before it drops."""

_UNITS: Final = {"kbit": 1_000, "mbit": 1_000_000, "gbit": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Link:
    """``5mbit,80ms``."""

    #: bits per second
    rate: int
    #: seconds there and back
    round_trip: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """ValueError if it is none."""
        found = re.fullmatch(r"(\d+)(kbit|mbit|gbit),(\d+)ms", text)
        if found is None:
            raise ValueError(f"{text!r}, e.g. 5mbit,80ms")
        return cls(int(found[1]) * _UNITS[found[2]], int(found[3]) / 1000)

    @property
    def under_way(self) -> int:
        """Bytes in one direction at once, and a packet."""
        return int(self.rate / 8 * self.round_trip / 2) + MTU


def enter_namespace(name: str) -> None:
    """The calling thread; sockets keep where they were made."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/run/netns/{name}").open("rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, stdin=subprocess.DEVNULL)


@contextmanager
def slowed(link: Link, port: int) -> Iterator[tuple[int, list[str]]]:
    """Where to connect to instead, and what to put before the command that does."""
    name = f"glass-{os.getpid()}"
    inside = ["netns", "exec", name]
    _ip("netns", "add", name)
    try:
        _ip(*inside, "ip", "link", "set", "lo", "mtu", str(MTU), "up")
        shape = ["tbf", "rate", f"{link.rate}bit", "burst", str(BURST), "latency", QUEUE]
        _ip(*inside, "tc", "qdisc", "add", "dev", "lo", "root", *shape)
        arguments = (name, str(port), str(link.round_trip / 2), str(link.under_way))
        with Helper(Path(os.devnull), "bench.glass.delaying_relay", *arguments) as relay:
            slow_port = int(relay.hear(20))
            yield slow_port, ["ip", *inside]
    finally:
        _ip("netns", "del", name)


def why_not() -> str:
    """Why there can be no slow link here; empty if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a network namespace needs root"
    try:
        with slowed(Link(1_000_000, 0.0), 1):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespace with tbf: {error}"
