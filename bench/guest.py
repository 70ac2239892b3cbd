"""What a guest's frames cost before anybody is served: ``python -m bench.guest [WORKLOAD ...]``.

A guest of ``pyrdpmux.mux.guest`` draws the glass bench's workloads from a process of its own, over ZeroMQ,
into a server of guests whose VM somebody watches who takes note of each change and does no more.
Milliseconds of processors per frame: of the loop's thread, of the threads for pictures, and of ZeroMQ's;
then those of the guest, without what drawing takes. ``--profile FILE`` writes where the loop's thread is.
"""

import argparse
import asyncio
import cProfile
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from bench.glass.frames import Frame, Patch, apply
from bench.glass.workloads import WORKLOADS
from pyrdpmux.mux.guest import Guest, GuestInput, PixelCode, Rect, pixel_format
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.registration import Registration
from pyrdpmux.mux.librdpmux.server import LibrdpmuxServer
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.net.fair import FairSchedule, Kind
from pyrdpmux.net.workers import WorkerPool
from tests.mux.support.fake_host import FakeHost, FakeVm, until

T = TypeVar("T")

WIDTH, HEIGHT = 1920, 1080
SECONDS: Final = 4
VM_ID: Final = 5
UUID: Final = "6b8b4567-327b-23c6-643c-986966334873"
USUAL: Final = ("typing", "scroll", "drag")


class Onlooker:
    """Takes note."""

    def __init__(self) -> None:
        self.changes = 0
        self.event = asyncio.Event()

    def screen_changed(self) -> None:
        self.changes += 1
        self.event.set()

    def screen_resized(self, width: int, height: int) -> None: ...

    def cursor_changed(self) -> None: ...

    def cursor_moved(self, x: int, y: int) -> None: ...


class Vm(FakeVm):
    """With the daemon's threads."""

    pool: WorkerPool

    async def compute(self, job: Callable[[], T]) -> T:
        return await self.pool.run(self.name, job)


class Host(FakeHost):
    def __init__(self, pool: WorkerPool, schedule: FairSchedule) -> None:
        super().__init__()
        self.pool = pool
        self.schedule = schedule

    async def add_vm(
        self, name: str, *, input: object, uuid: str | None = None, preferred_port: int = 0
    ) -> Vm:
        share = self.schedule.share(Kind.GUEST, name)
        vm = Vm(name, GuestInput(), uuid, loop_share=share)
        vm.pool = self.pool
        self.vms[name] = vm
        return vm


async def draw(directory: Path, endpoint: str, name: str, count: int, rate: int) -> dict[str, float]:
    """The guest's process: what it used for ``count`` frames, without what was drawing."""
    scene = WORKLOADS[name].scene(WIDTH, HEIGHT)
    loop = asyncio.get_running_loop()
    guest = Guest(GuestInput(), vm_id=VM_ID, uuid=UUID, shared_memory=directory)
    guest.connect(endpoint, PROTOCOLS[5])
    guest.switch(pixel_format(PixelCode.X8R8G8B8), WIDTH, HEIGHT)
    apply(Frame((), (Patch(0, 0, scene.first),)), guest.pixels)
    guest.update(Rect(0, 0, WIDTH, HEIGHT))
    await until(lambda: guest.is_settled)
    await asyncio.sleep(0.1)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    drawing = 0.0
    process, thread, start = time.process_time(), time.thread_time(), loop.time()
    for number in range(1, count + 1):
        await asyncio.sleep(max(0.0, start + number / rate - loop.time()))
        began = time.thread_time()
        frame = scene.step(number)
        apply(frame, guest.pixels)
        drawing += time.thread_time() - began
        for move in frame.moves:
            guest.update(move.target)
        for patch in frame.patches:
            guest.update(patch.rect)
    await asyncio.sleep(0)
    used = time.thread_time() - thread - drawing
    others = time.process_time() - process - used - drawing
    await until(lambda: guest.is_settled)
    await guest.close()
    return {"guest": used, "others": others}


async def measure(name: str, count: int, rate: int, profile: cProfile.Profile | None) -> None:
    pool, schedule = WorkerPool(), FairSchedule()
    host = Host(pool, schedule)
    with tempfile.TemporaryDirectory(prefix="bench-", dir="/dev/shm") as folder:
        directory = Path(folder)
        server = LibrdpmuxServer(directory=directory, shared_memory=directory, schedule=schedule)
        await server.start(host)
        endpoint = await server.register(
            Registration(vm_id=VM_ID, version=5, uuid=UUID, owner=":1.1", uid=os.getuid())
        )
        onlooker = Onlooker()
        Display(host.vms[UUID].screen).subscribe(onlooker)
        presenter = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.guest", "--draw", folder, "--endpoint", endpoint, name),
            *("--frames", str(count), "--rate", str(rate)),
            stdin=-1,
            stdout=-1,
        )
        assert presenter.stdin is not None
        assert presenter.stdout is not None
        assert await presenter.stdout.readline() == b"ready\n"
        onlooker.changes = 0
        before = pool.seconds, time.thread_time(), time.process_time()
        if profile is not None:
            profile.enable()
        presenter.stdin.write(b"go\n")
        used = json.loads(await presenter.stdout.readline())
        if profile is not None:
            profile.disable()
        loop, process, workers = (
            time.thread_time() - before[1],
            time.process_time() - before[2],
            pool.seconds - before[0],
        )
        await presenter.wait()
        await server.stop()
        pool.close()
    parts = [loop, workers, process - loop - workers, used["guest"], used["others"]]
    columns = " ".join(f"{1000 * part / count:8.3f}" for part in parts)
    print(f"{name:10}{columns}   {onlooker.changes / count:5.2f} changes a frame", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workloads", nargs="*", default=USUAL)
    parser.add_argument("--frames", type=int)
    parser.add_argument(
        "--rate", type=int, help="frames per second, where not all of them would be announced"
    )
    parser.add_argument("--profile", type=Path)
    parser.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--endpoint", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.draw is not None:
        print(
            json.dumps(
                asyncio.run(
                    draw(options.draw, options.endpoint, options.workloads[0], options.frames, options.rate)
                )
            )
        )
        return
    profile = cProfile.Profile(time.thread_time) if options.profile is not None else None
    print(f"ms/frame  {'loop':>8} {'pictures':>8} {'ZeroMQ':>8} {'guest':>8} {'its rest':>8}")
    for name in options.workloads:
        rate = options.rate or WORKLOADS[name].rate
        asyncio.run(measure(name, options.frames or SECONDS * rate, rate, profile))
    if profile is not None:
        profile.dump_stats(options.profile)


if __name__ == "__main__":
    main()
