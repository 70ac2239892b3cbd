"""The command: ``python -m bench.glass [--server NAME ...] [--workload NAME ...] [--mode MODE ...]``."""

import argparse
import asyncio
import os
import platform
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.glass import link, measurement, report, svg
from bench.glass.client import MODES, find_client
from bench.glass.idle import measure_idle
from bench.glass.measurement import Setup
from bench.glass.measures import Cell, Failure, Outcome, Result
from bench.glass.profiler import hottest
from bench.glass.server import Server
from bench.glass.servers import all_servers
from bench.glass.workloads import USUAL, WORKLOADS
from tests.mux.qemu.bus_daemon import bus_daemon

HOTTEST: Final = 15
"""Lines of a profile that are printed."""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.glass", description="Remote display, glass to glass."
    )
    add = parser.add_argument
    add("--server", action="append", choices=list(all_servers()), help="default: all")
    add("--workload", action="append", choices=list(WORKLOADS), help=f"default: {', '.join(USUAL)}")
    add(
        "--mode",
        action="append",
        choices=list(MODES),
        help="what the client can do: EGFX with H.264, without it, no EGFX (default: each)",
    )
    add("--client", default="xfreerdp", metavar="BINARY", help="FreeRDP 2 or 3 (default: %(default)s)")
    add("--client-option", action="append", default=[], metavar="WORD", help="one more for it, e.g. /rfx")
    add("--size", default="1920x1080", metavar="WIDTHxHEIGHT", help="default: %(default)s")
    add("--seconds", type=float, default=10.0, help="of each workload (default: %(default)g)")
    add("--out", type=Path, default=Path("glass"), help="folder of the results (default: %(default)s)")
    add("--link", type=link.Link.parse, metavar="RATE,RTT", help="a slow one, e.g. 5mbit,80ms; needs root")
    add("--viewers", type=int, default=1, metavar="N", help="so many at once; one more run with one")
    add("--idle", action="store_true", help="what our VMs cost that nobody looks at, instead")
    add("--profile", action="store_true", help="where our daemon spends its time: .folded, for a flame graph")
    return parser.parse_args()


def measured(setup: Setup, server: Server, cell: Cell) -> Outcome:
    """A result, or why there is none: one cell's trouble is not the next one's."""
    if server.missing:
        return Failure(f"not installed: {', '.join(server.missing)}", is_skipped=True)
    with tempfile.TemporaryDirectory(prefix="glass-") as name:
        try:
            return measurement.measure(setup, server, cell, Path(name))
        except Exception as error:
            measurement.keep_logs(Path(name), setup.file(cell, "-logs"))
            return Failure(f"{type(error).__name__}: {error}")


def cells_of(options: argparse.Namespace, servers: dict[str, Server]) -> list[Cell]:
    """What to measure, workload by workload, so that servers are compared in the same minutes."""
    names = options.server or list(servers)
    modes = options.mode or list(MODES)
    return [
        Cell(name, workload, mode)
        for mode in modes
        for workload in options.workload or USUAL
        for name in names
    ]


def facts_of(setup: Setup) -> dict[str, str]:
    facts = {
        "screen": f"{setup.width}x{setup.height}",
        "client": f"xfreerdp {setup.client.version} {' '.join(setup.client.options)}".strip(),
        "seconds of each": f"{setup.seconds:g}",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}",
        "load before": f"{os.getloadavg()[0]:.1f} (what else runs here shows in all figures)",
    }
    if setup.link is not None:
        facts["link"] = f"{setup.link.rate / 1e6:g} Mbit/s, {1000 * setup.link.round_trip:g} ms"
    if setup.viewers > 1:
        facts["viewers"] = str(setup.viewers)
    return facts


def write(setup: Setup, outcomes: dict[Cell, Outcome], facts: dict[str, str]) -> None:
    """After each cell, so that what is interrupted is not lost."""
    (setup.out / "glass.md").write_text(report.markdown(outcomes, facts), encoding="utf-8")
    (setup.out / "glass.json").write_text(report.as_json(outcomes, facts), encoding="utf-8")
    subtitle = f"{facts['screen']}, {facts['client']}, {facts['machine']}"
    for mode in {cell.mode for cell in outcomes}:
        (setup.out / f"glass-{mode}.svg").write_text(svg.picture(outcomes, mode, subtitle), encoding="utf-8")


def run(options: argparse.Namespace) -> int:
    width, height = (int(part) for part in options.size.split("x"))
    try:
        client = find_client(options.client, options.client_option)
    except ValueError as error:
        print(f"--client: {error}")
        return 3
    options.out.mkdir(parents=True, exist_ok=True)
    setup = Setup(
        client, width, height, options.seconds, options.out, options.viewers, options.link, options.profile
    )
    servers, facts = all_servers(), facts_of(setup)
    outcomes: dict[Cell, Outcome] = {}
    for cell in cells_of(options, servers):
        outcome = measured(setup, servers[cell.server], cell)
        outcomes[cell] = outcome
        told = outcome.reason if isinstance(outcome, Failure) else report.summary(outcome)
        print(f"{cell.mode:5} {cell.workload:8} {cell.server:20} {told}", flush=True)
        tell_profile(setup, cell)
        if isinstance(outcome, Result) and setup.viewers > 1:
            compare_with_one(setup, servers[cell.server], cell, outcome)
        write(setup, outcomes, facts)
    print(f"\n{(options.out / 'glass.md').read_text(encoding='utf-8')}")
    return int(any(isinstance(outcome, Failure) and not outcome.is_skipped for outcome in outcomes.values()))


def tell_profile(setup: Setup, cell: Cell) -> None:
    """What our daemon did most, where that was asked for."""
    path = setup.file(cell, measurement.PROFILE)
    if setup.profile and path.exists():
        for percent, name in hottest(path.read_text(encoding="utf-8"), HOTTEST):
            print(f"  {percent:5.1f} %  {name}")


def compare_with_one(setup: Setup, server: Server, cell: Cell, many: Result) -> None:
    one = measured(replace(setup, viewers=1), server, cell)
    if isinstance(one, Failure):
        print(f"  with one viewer: {one.reason}")
        return
    costs = [1000 * result.cpu_per_frame for result in (many, one)]
    print(
        f"  CPU for a frame that is seen: {costs[0]:.1f} ms with {setup.viewers} viewers, "
        f"{costs[1]:.1f} ms with one: {costs[0] / max(costs[1], 0.001):.2f} times"
    )


def run_idle() -> int:
    with tempfile.TemporaryDirectory(prefix="glass-idle-") as name, bus_daemon(Path(name)) as bus:
        for figures in asyncio.run(measure_idle(Path(name), bus)):
            print(figures)
    return 0


def main() -> int:
    options = parse_arguments()
    # What runs is ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if options.idle:
        return run_idle()
    if options.link is not None and (reason := link.why_not()):
        print(f"--link: {reason}")
        return 3
    return run(options)


if __name__ == "__main__":
    raise SystemExit(main())
