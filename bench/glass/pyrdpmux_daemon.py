"""Our own daemon, as anybody would start it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.glass.helper import ROOT
from bench.glass.server import PATIENCE, Place
from pyrdpmux.harness.programs import Program, free_port

PROFILER: Final = ROOT / "bench" / "glass" / "profiler.py"


@contextmanager
def daemon(place: Place, *options: str) -> Iterator[tuple[Program, int]]:
    """``pyrdpmux serve``, ready, and the port of its first VM."""
    port = free_port()
    state = place.folder / "state"
    (place.folder / "run").mkdir()
    runner: list[str | Path] = ["-m"] if place.profile is None else [PROFILER, place.profile]
    argv: list[str | Path] = [sys.executable, *runner, "pyrdpmux", "serve", *options]
    argv += ["--port", str(port), "--no-auth", "--state-dir", state]
    environment = {"PYTHONPATH": str(ROOT), "RUNTIME_DIRECTORY": str(place.folder / "run")}
    with Program(argv, place.folder / "daemon.log", environment) as program:
        program.wait_for_output("Ready", PATIENCE)
        yield program, port
