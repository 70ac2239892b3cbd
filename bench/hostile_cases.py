"""The attacks that :mod:`bench.hostile` measures: what each is told, and the daemon's configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.hostile.attack import ATTACKERS
from tests.hostile.floods import FLOODS
from tests.hostile.target import ALICE, MALLORY, B, Settings, Target

FIRST: Final = B + 1
"""The attackers' first VM."""

VNC: Final = "evil"
TWO: Final = ATTACKERS[:2]
SAM_SIZE: Final = 2 << 30

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """What an attack must know of the daemon."""

    target: Target
    folder: Path
    port_a: int
    port_b: int


@dataclass(frozen=True, kw_only=True)
class Case:
    """One attack."""

    name: str
    what: str
    #: its name in tests/hostile; None: nobody attacks
    attack: str | None = None
    arguments: Callable[[Place], Arguments] = lambda place: {}
    settings: Settings = field(default_factory=Settings)
    #: a VNC server, which is there before the daemon, and only knows where its socket is
    is_vnc: bool = False


QUIET: Final = Case(name="quiet", what="nobody attacks")


def _stranger(attack: str, what: str, **more: Any) -> Case:
    def arguments(place: Place) -> Arguments:
        return {"port": place.target.gateway, **more}

    return Case(name=attack.replace("_", "-"), what=what, attack=attack, arguments=arguments)


def _flood(kind: str) -> Case:
    def arguments(place: Place) -> Arguments:
        return {"port": place.port_b, "kind": kind, "repeats": int(kind == "burst"), **MALLORY}

    what = "of a viewer with rights on VM B"
    return Case(name=kind, what=f"{kind} {what}", attack="flood", arguments=arguments)


def _pictures(name: str, count: int, width: int, height: int) -> Case:
    def arguments(place: Place) -> Arguments:
        size = {"count": count, "width": width, "height": height, "hertz": 60}
        return {"bus": place.target.bus, "first": FIRST, **size}

    what = f"{count} of {width}x{height} at 60 Hz, each time another picture"
    return Case(name=name, what=what, attack="pictures", arguments=arguments)


def _vnc(attack: str, what: str) -> Case:
    return Case(name=attack.replace("_", "-"), what=what, attack=attack, is_vnc=True)


def _guest(name: str, what: str, attack: str, settings: Settings | None = None, **more: Any) -> Case:
    def arguments(place: Place) -> Arguments:
        given = {"bus": place.target.bus, "first": FIRST, **more}
        if "path" in given:
            given["path"] = str(place.folder / given["path"])
        if "gateway" in given:
            given["gateway"] = place.target.gateway
        return given

    return Case(name=name, what=what, attack=attack, arguments=arguments, settings=settings or Settings())


CASES: Final = (
    QUIET,
    _stranger("silent", "16 silent sockets from two addresses", sources=TWO, count=8),
    _stranger("tls_silent", "16 that do TLS and nothing more", sources=TWO, count=8),
    _stranger("drip", "16 that send a byte now and then", sources=TWO, count=8),
    _stranger("half_open", "500 silent sockets from 60 addresses", count=500),
    _stranger("junk", "500 connections a second of 4 bytes", per_second=500),
    _stranger(
        "guesses",
        "wrong passwords from 20 addresses, 2 at a time each",
        sources=ATTACKERS[:20],
        at_once=2,
        user=ALICE["user"],
    ),
    *[_flood(kind) for kind in FLOODS],
    _guest("resizes", "a guest whose size changes 200 times a second", "resizes", hertz=200),
    _pictures("one-4k", 1, 3840, 2160),
    _pictures("four-4k", 4, 3840, 2160),
    _pictures("one-8k", 1, 7680, 4320),
    _pictures("four-8k", 4, 7680, 4320),
    _vnc("vnc_copies", "a VNC server with endless CopyRect of 8000x3999"),
    _vnc("vnc_updates", "a VNC server with endless noise of 2000x2000"),
    _vnc("vnc_closing", "a VNC server that sends 300 copies and closes, again and again"),
    _guest(
        "registrations",
        "400 VMs of one user at 1024 descriptors, again and again",
        "registrations",
        Settings(descriptors=1024),
        count=400,
        goes_on=True,
    ),
    _guest("sam-file", "a VM with a sparse SAM file of 2 GiB", "sam_file", path="huge.sam", size=SAM_SIZE),
    _guest("pipe", "a pipe where a VM's SAM file was", "pipe", path="own.sam", gateway=0),
)
