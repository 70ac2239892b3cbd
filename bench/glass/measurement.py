"""One measurement: everything is started for it, and ended after it."""

import functools
import json
import shutil
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from bench.glass import measures
from bench.glass.client import Client
from bench.glass.frames import Pixels
from bench.glass.helper import Helper
from bench.glass.link import Link, slowed
from bench.glass.measures import Cell, Result
from bench.glass.meter import Meter, memory_of
from bench.glass.server import PATIENCE, Place, Running, Server
from bench.glass.workloads import WORKLOADS
from pyrdpmux.harness.display import Display
from pyrdpmux.harness.png import write_png
from pyrdpmux.harness.programs import Program, is_listening, wait_until

JOIN_SECONDS: Final = 5.0
"""In which a server may find out that viewers can share something."""

SETTLE_SECONDS: Final = 0.5
"""From the first picture to the first frame."""

LATE_SECONDS: Final = 0.5
"""The last frame is waited for so long, before what is sent counts as refinement."""

REST_SECONDS: Final = 2.0
"""From the last frame to the comparison."""

STILL_SECONDS: Final = 1.0
PROFILE: Final = ".folded"
"""Behind the name of a cell."""

PREPARE_SECONDS: Final = 90.0
"""A workload is made before it is drawn."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What all measurements of a run have in common."""

    client: Client
    width: int
    height: int
    seconds: float
    #: a picture of each client's screen and the logs of what fails go there
    out: Path
    viewers: int = 1
    link: Link | None = None
    profile: bool = False
    #: seconds after which a client that shows nothing has failed
    patience: float = field(default=PATIENCE)

    def frames(self, workload: str) -> int:
        return max(1, round(self.seconds * WORKLOADS[workload].rate))

    def file(self, cell: Cell, suffix: str) -> Path:
        words = f"{cell.workload}-{cell.mode}-{cell.server}".replace(",", "").replace(" ", "-")
        return self.out / f"{words}{suffix}"


@functools.lru_cache(maxsize=2)
def expected_picture(workload: str, width: int, height: int, frames: int) -> Pixels:
    """What the client is to show in the end."""
    return WORKLOADS[workload].last_picture(width, height, frames)


class _Viewer:
    """A client with a display of its own, and somebody who looks at it."""

    def __init__(self, stack: ExitStack, setup: Setup, folder: Path, running: Running) -> None:
        self._stack, self._setup, self._folder = stack, setup, folder
        folder.mkdir()
        self.display = running.canvas[1]
        self.programs: tuple[int, ...] = ()
        self.started = time.monotonic()
        if running.port is not None:
            geometry = f"{setup.width}x{setup.height}x24"
            display = stack.enter_context(Display(folder, geometry, "client-display"))
            self.display = display.name
            self.programs = (display.server.pid,)
        log = folder / "sampler.log"
        self._sampler = stack.enter_context(Helper(log, "bench.glass.sampler", self.display))

    def connect(self, port: int, mode: str, prefix: Sequence[str]) -> None:
        home = {"HOME": str(self._folder), "XDG_CONFIG_HOME": str(self._folder), "DISPLAY": self.display}
        argv = [*prefix, *self._setup.client.argv(port, mode)]
        self.started = time.monotonic()
        program = self._stack.enter_context(Program(argv, self._folder / "client.log", home))
        self.programs = (*self.programs, program.pid)

    def waits_for(self, number: int, seconds: float) -> bool:
        command = json.dumps(["await", number, seconds])
        return bool(json.loads(self._sampler.ask(command, seconds + PATIENCE)))

    def grab(self) -> Pixels:
        path = self._folder / "picture.npy"
        self._sampler.ask(json.dumps(["grab", str(path)]), PATIENCE)
        picture: Pixels = np.load(path)
        return picture

    @property
    def seen(self) -> dict[int, float]:
        return dict(json.loads(self._sampler.ask('["seen"]', PATIENCE)))


class NothingSeen(Exception):
    """The client never showed the first picture."""


def measure(setup: Setup, server: Server, cell: Cell, folder: Path) -> Result:
    """Raises whatever goes wrong; logs are left in ``folder``."""
    frames = setup.frames(cell.workload)
    profile = setup.file(cell, PROFILE) if setup.profile else None
    with ExitStack() as stack:
        running = stack.enter_context(server.start(Place(folder, setup.width, setup.height, profile)))
        size = f"{setup.width}x{setup.height}"
        presenter = stack.enter_context(
            Helper(
                folder / "presenter.log", "bench.glass.presenter",
                *running.canvas, cell.workload, size, str(frames),
            )
        )  # fmt: skip
        presenter.hear(PREPARE_SECONDS)
        viewer = _Viewer(stack, setup, folder / "viewer", running)
        if running.port is not None:
            _connect(stack, setup, cell, running.port, viewer)
        if not viewer.waits_for(0, setup.patience):
            write_png(setup.file(cell, ".png"), viewer.grab())
            raise NothingSeen(f"no picture within {setup.patience:g} s")
        if running.port is not None and setup.viewers > 1:
            _let_others_look(stack, setup, cell, running.port, folder)
        time.sleep(SETTLE_SECONDS)
        return _play(setup, cell, running, presenter, viewer)


def _connect(stack: ExitStack, setup: Setup, cell: Cell, port: int, viewer: _Viewer) -> None:
    wait_until(lambda: is_listening(port), PATIENCE, f"somebody who listens on port {port}")
    prefix: list[str] = []
    if setup.link is not None:
        port, prefix = stack.enter_context(slowed(setup.link, port))
    viewer.connect(port, cell.mode, prefix)


def _let_others_look(stack: ExitStack, setup: Setup, cell: Cell, port: int, folder: Path) -> None:
    """All but the first draw nothing: ten X servers and clients would leave the server no processor."""
    size, others = f"{setup.width}x{setup.height}", str(setup.viewers - 1)
    others_log = folder / "onlookers.log"
    helper = Helper(others_log, "bench.glass.onlookers", "127.0.0.1", str(port), size, cell.mode, others)
    stack.enter_context(helper).hear(setup.patience)
    time.sleep(JOIN_SECONDS)


def _play(setup: Setup, cell: Cell, running: Running, presenter: Helper, first: _Viewer) -> Result:
    """The workload itself, and what comes after it."""
    frames = setup.frames(cell.workload)
    meter = Meter(running.port, running.processes, running.display_processes, first.programs)
    before = meter.read()
    drawn = json.loads(presenter.ask("go", 3 * setup.seconds + PATIENCE))
    first.waits_for(frames, LATE_SECONDS)
    after = meter.read()
    memory = memory_of(running.processes)
    time.sleep(max(0.0, drawn["times"][-1] + REST_SECONDS - time.monotonic()))
    picture = first.grab()
    rested = meter.read()
    time.sleep(STILL_SECONDS)
    still = meter.read()
    seen = first.seen
    write_png(setup.file(cell, ".png"), picture)
    late = measures.delays(drawn["times"], seen)
    lags = measures.lags(drawn["times"], seen, drawn["times"][-1] + REST_SECONDS)
    expected = expected_picture(cell.workload, setup.width, setup.height, frames)
    return Result(
        frames=frames,
        seen=len(late),
        fps=len(late) / frames * WORKLOADS[cell.workload].rate,
        p50=measures.percentile(late, 50),
        p95=measures.percentile(late, 95),
        behind=measures.percentile(lags, 95) or 0.0,
        first_picture=1000 * (seen[0] - first.started),
        sent_before=before.sent,
        sent=after.sent - before.sent,
        sent_after=rested.sent - after.sent,
        sent_still=still.sent - rested.sent,
        server_cpu=after.server_cpu - before.server_cpu,
        display_cpu=after.display_cpu - before.display_cpu,
        client_cpu=after.client_cpu - before.client_cpu,
        presenter_cpu=drawn["cpu"],
        server_memory=memory,
        psnr=measures.psnr(picture, expected),
    )


def keep_logs(folder: Path, to: Path) -> None:
    """Of a measurement that has failed."""
    to.mkdir(parents=True, exist_ok=True)
    for log in folder.rglob("*"):
        if log.suffix in (".log", ".out") and log.is_file():
            shutil.copy(log, to / f"{log.parent.name}-{log.name}")
