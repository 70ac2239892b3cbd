"""Tables and JSON of what was measured."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from bench.glass.client import TITLES
from bench.glass.measures import Cell, Failure, Outcome, Result

Outcomes = Mapping[Cell, Outcome]

DETAILS: Final = (
    "workload", "server", "frames", "seen", "fps", "p50 ms", "p95 ms", "behind ms", "first ms", "MB",
    "of it first", "MB after", "still B", "CPU s", "display CPU s", "client CPU s", "drawing CPU s", "RSS MB",
    "PSNR",
)  # fmt: skip


def _number(value: float | None, digits: int = 0) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def megabytes(value: float) -> str:
    """Two digits that count."""
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def summary(outcome: Outcome) -> str:
    """A cell of the small table."""
    if isinstance(outcome, Failure):
        return "" if outcome.is_skipped else "**failed**"
    refined = f"+{megabytes(outcome.megabytes_after)}" if outcome.megabytes_after >= 0.005 else ""
    return (
        f"{outcome.fps:.1f} fps, {_number(outcome.p50)}/{_number(outcome.p95)} ms, "
        f"{megabytes(outcome.megabytes)}{refined} MB, {outcome.server_cpu:.1f} s, {outcome.psnr:.0f} dB"
    )


def row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ordered(outcomes: Outcomes, attribute: str) -> list[str]:
    return list(dict.fromkeys(getattr(cell, attribute) for cell in outcomes))


def small_table(outcomes: Outcomes, mode: str) -> list[str]:
    """Servers downwards, workloads across."""
    workloads = _ordered(outcomes, "workload")
    lines = [row(["server", *workloads]), row(["---"] * (len(workloads) + 1))]
    for server in _ordered(outcomes, "server"):
        found = [outcomes.get(Cell(server, workload, mode)) for workload in workloads]
        if any(found):
            lines.append(row([server, *("" if outcome is None else summary(outcome) for outcome in found)]))
    return lines


def _details(cell: Cell, result: Result) -> list[str]:
    return [
        cell.workload,
        cell.server,
        str(result.frames),
        str(result.seen),
        _number(result.fps, 1),
        _number(result.p50),
        _number(result.p95),
        _number(result.behind),
        _number(result.first_picture),
        megabytes(result.megabytes),
        megabytes(result.sent_before / 1e6),
        megabytes(result.megabytes_after),
        str(result.sent_still),
        _number(result.server_cpu, 2),
        _number(result.display_cpu, 2),
        _number(result.client_cpu, 2),
        _number(result.presenter_cpu, 2),
        _number(result.server_memory / 1e6),
        _number(result.psnr, 1),
    ]


def detailed_table(outcomes: Outcomes, mode: str) -> list[str]:
    lines = [row(DETAILS), row(["---"] * len(DETAILS))]
    for workload in _ordered(outcomes, "workload"):
        for cell, outcome in outcomes.items():
            if (cell.workload, cell.mode) == (workload, mode) and isinstance(outcome, Result):
                lines.append(row(_details(cell, outcome)))
    return lines


def markdown(outcomes: Outcomes, facts: Mapping[str, str]) -> str:
    """The whole report."""
    lines = ["# Glass to glass", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [
        "Each cell: distinct frames per second in the client's window, delay from drawing to window (median/"
        "95th percentile), what the server sent until the last frame + in the two seconds after it, its CPU "
        "time, and the PSNR of the client's picture then (99: identical).",
    ]
    modes = _ordered(outcomes, "mode")
    for mode in modes:
        lines += ["", f"## Client {TITLES.get(mode, mode)}", "", *small_table(outcomes, mode)]
    for mode in modes:
        lines += ["", f"## Details, client {TITLES.get(mode, mode)}", "", *detailed_table(outcomes, mode)]
    failures = [(cell, outcome) for cell, outcome in outcomes.items() if isinstance(outcome, Failure)]
    if failures:
        lines += ["", "## Not measured", ""]
        lines += [
            f"- {cell}: {'skipped, ' if failure.is_skipped else ''}{failure.reason.splitlines()[0]}"
            for cell, failure in failures
        ]
    return "\n".join([*lines, ""])


def as_json(outcomes: Outcomes, facts: Mapping[str, str]) -> str:
    measured: list[dict[str, Any]] = [
        {**asdict(cell), **({"failure": o.reason} if isinstance(o, Failure) else o.as_json())}
        for cell, o in outcomes.items()
    ]
    return json.dumps({"facts": dict(facts), "measured": measured}, indent=1) + "\n"
