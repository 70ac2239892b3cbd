"""A picture of what was measured: rows of workloads, columns of figures, a bar for each server."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from bench.glass.client import TITLES
from bench.glass.measures import Cell, Outcome, Result
from bench.glass.report import megabytes

LEFT: Final = 215
TOP: Final = 62
PANEL: Final = 190
GAP: Final = 28
BAR: Final = 13
PITCH: Final = 17
NUMBERS: Final = 50
"""Pixels for the number behind the longest bar."""

COLORS: Final = ("#8c8c8c", "#c98a3a", "#6d8fb8", "#2a7f62", "#1f5f99", "#8b5fa8", "#b5533c", "#7a7a2e")
FONT: Final = "font-family='system-ui, sans-serif' fill='#222'"


@dataclass(frozen=True, slots=True)
class Column:
    """A figure, and what is better."""

    title: str
    value: Callable[[Result], float | None]
    text: Callable[[float], str]


COLUMNS: Final = (
    Column("frames per second", lambda r: r.fps, lambda v: f"{v:.1f}"),
    Column("delay, 95th percentile, ms", lambda r: r.p95, lambda v: f"{v:.0f}"),
    Column("sent, MB", lambda r: r.megabytes + r.megabytes_after, megabytes),
    Column("server's CPU, s", lambda r: r.server_cpu, lambda v: f"{v:.1f}"),
    Column("PSNR at rest, dB (99: exact)", lambda r: r.psnr, lambda v: f"{v:.0f}"),
)


def _text(x: float, y: float, text: str, *, size: int = 11, anchor: str = "start", bold: bool = False) -> str:
    weight = " font-weight='bold'" if bold else ""
    return (
        f"<text x='{x:.0f}' y='{y:.0f}' font-size='{size}' text-anchor='{anchor}' {FONT}{weight}>"
        f"{escape(text)}</text>"
    )


def _panel(
    x: float, y: float, column: Column, results: Mapping[str, Outcome], colors: list[str]
) -> list[str]:
    """One figure of one workload: bars from zero, each with its number."""
    values = {
        server: column.value(result) if isinstance(result, Result) else None
        for server, result in results.items()
    }
    longest = max((value for value in values.values() if value is not None), default=0.0) or 1.0
    drawn = []
    for at, value in enumerate(values.values()):
        top = y + at * PITCH
        if value is None:
            drawn.append(_text(x, top + BAR - 3, "-"))
            continue
        length = max(1.0, value / longest * (PANEL - NUMBERS))
        drawn.append(
            f"<rect x='{x:.0f}' y='{top:.0f}' width='{length:.1f}' height='{BAR}' fill='{colors[at]}'/>"
        )
        drawn.append(_text(x + length + 4, top + BAR - 3, column.text(value)))
    return drawn


def picture(outcomes: Mapping[Cell, Outcome], mode: str, subtitle: str) -> str:
    """An SVG of all workloads and servers with this kind of client."""
    cells = [cell for cell in outcomes if cell.mode == mode]
    servers = list(dict.fromkeys(cell.server for cell in cells))
    workloads = list(dict.fromkeys(cell.workload for cell in cells))
    colors = [COLORS[at % len(COLORS)] for at in range(len(servers))]
    row = len(servers) * PITCH + 18
    width = LEFT + len(COLUMNS) * (PANEL + GAP)
    height = TOP + len(workloads) * row + 8
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' "
        f"viewBox='0 0 {width} {height}'>",
        f"<rect width='{width}' height='{height}' fill='white'/>",
        _text(
            12,
            20,
            f"From the guest's drawing to the client's window: {TITLES.get(mode, mode)}",
            size=15,
            bold=True,
        ),
        _text(12, 37, subtitle),
    ]
    lines += [
        _text(LEFT + at * (PANEL + GAP), TOP - 8, column.title, bold=True)
        for at, column in enumerate(COLUMNS)
    ]
    for line, workload in enumerate(workloads):
        top = TOP + line * row
        lines.append(f"<line x1='12' y1='{top - 3}' x2='{width - 12}' y2='{top - 3}' stroke='#ddd'/>")
        lines.append(_text(12, top + 11, workload, size=12, bold=True))
        results = {
            server: outcomes[Cell(server, workload, mode)]
            for server in servers
            if Cell(server, workload, mode) in outcomes
        }
        lines += [
            _text(LEFT - 8, top + 2 + at * PITCH + BAR - 3, server, anchor="end")
            for at, server in enumerate(results)
        ]
        for at, column in enumerate(COLUMNS):
            lines += _panel(LEFT + at * (PANEL + GAP), top + 2, column, results, colors)
    return "\n".join([*lines, "</svg>", ""])
