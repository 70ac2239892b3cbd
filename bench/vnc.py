"""VNC as the source: what of an X client's frames reaches a VM's surface, how late, and what that costs.

    .venv/bin/python -m bench.vnc [workload ...] [encoding=zrle] [seconds=5] [tcp]

A workload of ``bench.glass`` is drawn into a real Xtigervnc of 1920x1080, which a ``VncBackend`` shows.
Frames are told apart by their marker, which is read whenever the screen's listeners are woken. Printed are
frames that were seen, frames a second, the delay from the beginning of their drawing (50th and 95th
percentile), and what was used of a processor by our process, the thread of the event loop, the VM's share of
it (FairSchedule), and Xtigervnc: seconds a second, and milliseconds a frame.
"""

import asyncio
import json
import os
import re
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench.glass import marker
from bench.glass.helper import Helper
from bench.glass.workloads import WORKLOADS
from pyrdpmux.harness.programs import Program, free_port
from pyrdpmux.mux.vnc.backend import VncBackend
from pyrdpmux.mux.vnc.target import parse_target
from tests.mux.support.fake_host import FakeHost, FakeVm, until

WIDTH, HEIGHT = 1920, 1080
PATIENCE: Final = 90.0
TICKS: Final = os.sysconf("SC_CLK_TCK")


class Notes:
    """A listener that writes down which frame it saw when."""

    def __init__(self, vm: FakeVm) -> None:
        self._vm = vm
        self.wakes = 0
        self.seen: dict[int, float] = {}

    def screen_changed(self) -> None:
        self.wakes += 1
        number = marker.read(self._vm.screen.pixels[4, 4 : marker.WIDTH : 8, 0].tobytes())
        if number is not None:
            self.seen.setdefault(number, time.monotonic())

    def screen_resized(self, width: int, height: int) -> None: ...
    def cursor_changed(self) -> None: ...
    def cursor_moved(self, x: int, y: int) -> None: ...


class VncServer:
    """An Xtigervnc on a Unix socket, or on a port of the loopback."""

    def __init__(self, folder: Path, *, is_tcp: bool) -> None:
        argv = ["Xtigervnc", "-displayfd", "1", "-geometry", f"{WIDTH}x{HEIGHT}", "-depth", "24"]
        argv += ["-nolisten", "tcp", "-SecurityTypes", "None", "-AlwaysShared"]
        if is_tcp:
            port = free_port()
            argv += ["-rfbport", str(port), "-localhost"]
            self.address = f"127.0.0.1:{port}"
        else:
            argv += ["-rfbunixpath", str(folder / "vnc"), "-rfbport", "-1"]
            self.address = f"unix:{folder / 'vnc'}"
        self.program = Program(argv, folder / "xtigervnc.log")
        self.program.wait_until(lambda: bool(self._number()), PATIENCE, "waiting for the display")
        self.display = f":{self._number()}"

    def _number(self) -> str:
        found = re.search(r"^(\d+)\n", self.program.output, re.MULTILINE)
        return found[1] if found else ""

    @property
    def cpu(self) -> float:
        fields = Path(f"/proc/{self.program.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


async def measure(folder: Path, name: str, options: str, seconds: float, *, is_tcp: bool) -> str:
    server = VncServer(folder, is_tcp=is_tcp)
    workload = WORKLOADS[name]
    count = int(workload.rate * seconds)
    loop = asyncio.get_running_loop()
    host = FakeHost()
    backend = VncBackend("vm", parse_target(server.address + options))
    with Helper(folder / "presenter.log", "bench.glass.presenter", "x", server.display, name,
                f"{WIDTH}x{HEIGHT}", str(count)) as presenter:  # fmt: skip
        await loop.run_in_executor(None, presenter.hear, PATIENCE)
        await backend.start(host)
        vm = host.vms["vm"]
        notes = Notes(vm)
        vm.screen.subscribe(notes)
        await until(lambda: 0 in notes.seen, PATIENCE)
        await asyncio.sleep(0.5)
        share = vm.loop_share
        notes.wakes = 0
        before = time.process_time(), time.thread_time(), share.worked, server.cpu, time.monotonic()
        line = await loop.run_in_executor(None, presenter.ask, "go", seconds + PATIENCE)
        with suppress(TimeoutError, AssertionError):
            await until(lambda: count in notes.seen, 1.0)
        after = time.process_time(), time.thread_time(), share.worked, server.cpu, time.monotonic()
    drawn = json.loads(line)["times"]
    process, thread, worked, theirs, took = (b - a for a, b in zip(before, after, strict=True))
    await backend.stop()
    server.program.stop()
    delays = sorted(notes.seen[number] - drawn[number - 1] for number in notes.seen if number)
    p50, p95 = (statistics.quantiles(delays, n=20)[at] * 1e3 for at in (9, 18)) if len(delays) > 1 else (0, 0)
    per_frame = 1e3 / max(len(delays), 1)
    return (
        f"{name:8} {len(delays):4} of {count:4} {len(delays) / seconds:5.1f}/s {p50:6.1f} {p95:6.1f} ms"
        f"   process {process / took:.3f} {per_frame * process:5.1f} ms  loop {thread / took:.3f}"
        f"  share {worked / took:.3f}  Xtigervnc {theirs / took:.3f} {per_frame * theirs:5.1f} ms"
        f"  woken {notes.wakes / took:.1f}/s"
    )


def main(arguments: list[str]) -> None:
    options = dict(word.split("=", 1) for word in arguments if "=" in word)
    names = [word for word in arguments if word in WORKLOADS] or ["typing", "scroll", "drag", "video"]
    encoding = f",encoding={options['encoding']}" if "encoding" in options else ""
    seconds = float(options.get("seconds", "5"))
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            print(asyncio.run(measure(Path(folder), name, encoding, seconds, is_tcp="tcp" in arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
