"""Twenty VMs and their viewers come, misbehave, attack, die and return; afterwards the daemon is as it was.

Fifteen seconds or so; two minutes where ``CI`` is true; ``PYRDPMUX_SOAK`` in seconds overrules both.
"""

import asyncio
import os
import shutil
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pytest

from pyrdpmux.harness.programs import is_listening
from pyrdpmux.mux.librdpmux.shared_memory import SHARED_MEMORY, object_name
from tests.interop.soak_guests import first_vm_id
from tests.interop.soak_host import DaemonProgram, House, serving
from tests.interop.soak_intruders import Intruders
from tests.interop.soak_viewers import Crowd, check_picture
from tests.mux.qemu.bus_daemon import bus_daemon

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

SEED: Final = 20
VMS: Final = 20
HOUSES: Final = 4
"""Processes that have five VMs each."""

AT_ONCE: Final = 12
"""Visitors at a time."""

WARM_UP: Final = 0.2
ALL_ROUNDS: Final = 0.5
"""Parts of the whole time; starting, checking and stopping take the rest."""

LONG: Final = 30.0
"""Seconds from which on there are two rounds."""

MAX_GROWTH: Final = 8 << 20
"""Resident bytes from the first checkup to the last, when all VMs have the same resolution again. Tables of
codecs for sizes that had not occurred take some; three pictures that are not let go would be too many."""

#: what must not be left once all viewers are gone
PER_VIEWER: Final = (
    "mux.console.viewer.Viewer",
    "net.peer.Peer",
    "rdp.connection.server.connection.ServerConnection",
    "rdp.tls.endpoint.TlsEndpoint",
)

WISH: Final = "mux.console.console.Wish"
RECTS_OF_WISH: Final = 2
"""The monitor that a viewer wants, and what it saw then."""

#: what has a bound of its own: cookies of those who may come back, tables for sizes that occurred, the last
#: wish of each VM; flags too
BOUNDED: Final = (
    "mux.admission.auto_reconnect._Cookie",
    "mux.admission.penalties._Record",
    "mux.log.rate_limited._Kind",
    "mux.settings.config.VmSettings",
    WISH,
    "mux.picture.heads.Monitor",
    "mux.admission.auto_reconnect.CookieStore",
    "codec.planar_encoder._Tables",
    "codec.planar_encoder._Layout",
    "codec.interleaved_encoder._Orders",
    "pipe:[*]",
)

PIPES_PER_VM: Final = 4
"""Descriptors: a nanomsg socket has a pipe to be read at, and one to be written at if its guest was slow."""


FLAGS: Final = ("Flags", "Options", "Method")
"""Types of which combinations that occurred are kept, see :class:`pyrdpmux.wire.OpenIntFlag`."""


def soak_seconds() -> float:
    default = 110.0 if os.environ.get("CI") == "true" else 8.0
    return float(os.environ.get("PYRDPMUX_SOAK", default))


class Soak:
    """The daemon, the VMs and what happens to them."""

    def __init__(self, folder: Path, bus: str, daemon: DaemonProgram, random: Random) -> None:
        self.daemon = daemon
        self.houses = [House(bus, folder, first, VMS // HOUSES) for first in range(0, VMS, VMS // HOUSES)]
        self.crowd = Crowd(random)
        self.intruders = Intruders(bus, random)
        self.fates: dict[str, int] = {}
        self._random = random

    # -- what happens ----------------------------------------------------------------------------

    async def churn(self, seconds: float) -> None:
        ports = await self.daemon.ports()
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._die_and_return(over))
            group.create_task(self.intruders.come_and_go(over))
            await self.crowd.churn(list(ports.values()), seconds, AT_ONCE)
            over.set()
        for house in self.houses:
            for vm_id in sorted(set(house.vm_ids) - house.running):
                await house.tell("start", vm_id)
                house.running.add(vm_id)

    async def _die_and_return(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(self._random.uniform(0.2, 1.0))
            await self._fate()

    async def _fate(self) -> None:
        house = self._random.choice(self.houses)
        vm_id = self._random.choice(house.vm_ids)
        [fate] = self._random.choices(("kill", "vanish", "leave"), (1, 4, 3))
        self.fates[fate] = self.fates.get(fate, 0) + 1
        if fate == "kill":
            await house.kill()
            await asyncio.sleep(self._random.uniform(0.0, 0.5))
            await house.start()
        elif vm_id in house.running:
            house.running.discard(vm_id)
            await house.tell(fate, vm_id)
        else:
            await house.tell("start", vm_id)
            house.running.add(vm_id)

    async def checkup(self) -> dict[str, Any]:
        """Everybody is gone; every VM shows the right picture to a fresh viewer. Returns what is held."""
        await self.until_without(*PER_VIEWER)
        await self._check_vms(is_small=False)
        await self._check_vms(is_small=True)
        held = await self.until_without(*PER_VIEWER)
        for house in self.houses:
            await house.tell("go")
        return held

    async def until_without(self, *kinds: str) -> dict[str, Any]:
        """Until the daemon holds nothing of these, and has written that down. Returns what it holds."""
        async with asyncio.timeout(20):
            while True:
                held: dict[str, Any] = await self.daemon.ask("diagnose")
                left = {kind: held["objects"][kind] for kind in kinds if kind in held["objects"]}
                if not left and "records" not in held["tasks"]:
                    return held
                await asyncio.sleep(0.2)

    async def _check_vms(self, *, is_small: bool) -> None:
        reports: dict[str, Any] = {}
        for house in self.houses:
            reports |= await house.tell("rest", int(is_small))
        ports = await self.daemon.ports()
        assert len(ports) == len(reports) == VMS
        for vm_id, report in reports.items():
            assert (report["down"], report["buttons"]) == ([], []), f"VM {vm_id}: still pressed"
        turns = asyncio.Semaphore(4)

        async def check(vm_id: str, report: dict[str, Any]) -> str:
            async with turns:
                difference = await check_picture(ports[int(vm_id)], np.load(report["picture"]))
                return f"VM {vm_id}: {difference}" if difference else ""

        checks = [check(vm_id, report) for vm_id, report in reports.items()]
        assert not [complaint for complaint in await asyncio.gather(*checks) if complaint]


def differences(before: dict[str, int], after: dict[str, int]) -> dict[str, tuple[int, int]]:
    """What there is more of."""
    allowed = {"geometry.Rect": RECTS_OF_WISH * max(0, after.get(WISH, 0) - before.get(WISH, 0))}
    return {
        name: (before.get(name, 0), count)
        for name, count in after.items()
        if count > before.get(name, 0) + allowed.get(name, 0)
        and not (name in BOUNDED or name.endswith(FLAGS))
    }


def report(title: str, held: dict[str, Any]) -> None:
    print(
        f"{title:14} {held['memory']['now'] / 2**20:6.1f} MiB (at most {held['memory']['most'] / 2**20:.1f}),"
        f" {sum(held['descriptors'].values())} descriptors,"
        f" {sum(held['tasks'].values())} tasks, {held['threads']} threads,"
        f" {sum(held['objects'].values())} objects"
    )


async def scenario(folder: Path, bus: str, seconds: float) -> None:
    async with serving(folder, bus) as daemon:
        soak = Soak(folder, bus, daemon, Random(SEED))
        empty = await daemon.ask("diagnose")
        report("no VMs", empty)
        try:
            await asyncio.gather(*[house.start() for house in soak.houses])
            await soak.churn(seconds * WARM_UP)
            first = last = settled = await soak.checkup()
            report("warmed up", first)
            rounds = 1 if seconds < LONG else 2
            for _ in range(rounds):
                await soak.churn(seconds * ALL_ROUNDS / rounds)
                settled, last = last, await soak.checkup()
                report("after a round", last)
        finally:
            await asyncio.gather(*[house.stop() for house in soak.houses], return_exceptions=True)
        end = await soak.until_without("mux.console.console.Console")
        report("VMs gone", end)
        print(soak.crowd.counts, soak.fates, soak.intruders.counts)
    log = daemon.log.read_text()
    problems = [line for line in log.splitlines() if " ERROR " in line or line.startswith("Traceback")]
    assert not problems, log
    assert not soak.crowd.complaints
    for kind in ("descriptors", "tasks", "objects"):
        assert not differences(first[kind], last[kind]), kind
    assert last["descriptors"].get("pipe:[*]", 0) <= PIPES_PER_VM * VMS
    # From the round before on: pictures are made in threads, whose heaps fill up to what they need at most.
    assert last["memory"]["now"] - settled["memory"]["now"] < MAX_GROWTH
    assert not differences(empty["tasks"], end["tasks"])
    assert not [
        vm_id
        for vm_id in range(first_vm_id(), first_vm_id() + VMS)
        if (SHARED_MEMORY / object_name(vm_id)).exists()
    ]
    assert not list(daemon.guests.glob("*"))
    assert not [port for port in range(daemon.port, daemon.port + VMS) if is_listening(port)]


def test_soak(tmp_path: Path) -> None:
    with bus_daemon(tmp_path) as bus:
        asyncio.run(scenario(tmp_path, bus, soak_seconds()))
