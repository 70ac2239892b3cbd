"""What an enemy does to everybody else: ``python -m bench.hostile [ATTACK ...] [--json FILE]``.

For each attack: the load that it held, the worst answer of a polite stranger, how long a viewer of another
VM waited from a key to its pixel, and the daemon's memory at most and ten seconds afterwards; beside the same
of a quiet daemon, from the same run. Attackers are processes of their own, nicer than the daemon. `--list`
names them. HOSTILE_BASE=1 leaves out settings that an old daemon does not know.
"""

import argparse
import asyncio
import dataclasses
import json
import sys
from pathlib import Path
from typing import Final

from bench.hostile_cases import CASES, QUIET, Case
from bench.hostile_measures import Measured, measure

GOALS: Final = "goals: stranger 100 ms, viewer p95 25 ms and worst 150 ms, memory +50 MB, back within 10 s"
COLUMNS: Final = (
    ("attack", 14),
    ("strangers", 9),
    ("worst ms", 9),
    ("p95 ms", 9),
    ("worst ms", 9),
    ("loop %", 6),
    ("+MB", 6),
    ("after", 6),
    ("load held", 0),
)
"""Strangers: how many of how many got in, the worst answer to a first request; then the viewer's times."""


def milliseconds(seconds: float | None, is_open: bool = False) -> str:
    """``>``: it was still waiting when the attack was over. None: not everybody was answered."""
    if seconds is None:
        return "none"
    return f"{'>' if is_open else ''}{seconds * 1000:.0f}"


def row(measured: Measured) -> str:
    cells = (
        measured.attack,
        f"{measured.welcomed}/{measured.strangers}",
        milliseconds(measured.worst_answer if measured.welcomed == measured.strangers else None),
        milliseconds(measured.viewer_p95, measured.is_viewer_open),
        milliseconds(measured.viewer_worst, measured.is_viewer_open),
        f"{measured.loop_percent:.0f}",
        f"{measured.memory_most:+.0f}",
        f"{measured.memory_after:+.0f}",
        ", ".join([f"{name} {number:g}" for name, number in measured.load.items()]),
    )
    return "  ".join([cell.ljust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True)])


async def run(cases: list[Case], output: Path | None) -> None:
    print(GOALS)
    print("  ".join([title.ljust(width) for title, width in COLUMNS]), flush=True)
    found = []
    for case in cases:
        try:
            measured = await measure(case)
        except Exception as error:  # the daemon may be beyond answering: that is a result, too
            print(f"{case.name:14}  failed: {type(error).__name__}: {str(error)[:200]}", flush=True)
            continue
        found.append(measured)
        print(row(measured), flush=True)
    if output is not None:
        text = json.dumps([dataclasses.asdict(measured) for measured in found], indent=2)
        await asyncio.to_thread(output.write_text, text + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.hostile")
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help="default: all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--list", action="store_true", help="name the attacks")
    options = parser.parse_args()
    known = {case.name: case for case in CASES}
    if options.list:
        for case in CASES:
            print(f"{case.name:14}  {case.what}")
        return 0
    if unknown := [name for name in options.attacks if name not in known]:
        parser.error(f"{', '.join(unknown)}: see --list")
    chosen = [known[name] for name in options.attacks] or [case for case in CASES if case is not QUIET]
    asyncio.run(run([QUIET, *[case for case in chosen if case is not QUIET]], options.json))
    return 0


if __name__ == "__main__":
    sys.exit(main())
