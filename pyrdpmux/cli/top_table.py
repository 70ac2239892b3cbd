"""The table of `pyrdpmux top`, as lines of text: VMs with their viewers, and what frames take."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pyrdpmux.cli.top_rates import Rates, StepRates, ViewerRates, VmRates
from pyrdpmux.mux.log.door import escaped

MIN_WIDTH: Final = 80
"""Columns that are there in any case; a narrower terminal gets the left part of them."""

MAX_TEXT: Final = 200
"""Characters of a name, before it is cut to its column."""

NAME: Final = 21
"""Columns of the first one; a wider terminal has more."""

NUMBERS: Final = (("FPS", 6), ("KBIT/S", 7), ("MS", 6), ("RTT", 5), ("QUEUE", 6), ("CPU", 6))
"""The columns of figures with their widths, the space in front of each included."""

CODEC: Final = 21
"""The last one."""

UNKNOWN: Final = "-"

LEAST_MS: Final = 0.05
"""What takes less is not worth its room."""


class Style(Enum):
    """What a line is, and how a terminal shows it: parameters of SGR (ECMA-48 8.3.117)."""

    PLAIN = ""
    HEAD = "7"
    VM = "1"
    STEPS = "2"
    LATE = "33"
    """A viewer that waits for what it is to see."""


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    style: Style = Style.PLAIN


def table(rates: Rates, columns: int, rows: int | None = None) -> list[Line]:
    """``rows``: lines that there is room for; what there is no room for is counted in the last one."""
    width = max(columns, MIN_WIDTH) - 1
    lines = [Line(_summary(rates)), Line(_row("VM, VIEWER", [name for name, _ in NUMBERS], "CODEC", width))]
    lines[1] = Line(lines[1].text.ljust(width), Style.HEAD)
    for vm in rates.vms:
        lines += _vm_lines(vm, width)
    if not rates.vms:
        lines.append(Line("no VMs"))
    if rows is not None and len(lines) > rows:
        hidden = len(lines) - rows + 1
        lines = [*lines[: rows - 1], Line(f"... {hidden} more lines")]
    return [Line(_cut(line.text, columns), line.style) for line in lines]


def _summary(rates: Rates) -> str:
    viewers = sum(len(vm.viewers) for vm in rates.vms)
    count = f"{_counted(len(rates.vms), 'VM')}, {_counted(viewers, 'viewer')}"
    parts = f"loop {_percent(rates.loop_percent)}, {rates.threads} threads {_percent(rates.thread_percent)}"
    return f"pyrdpmux: {count}; CPU {_percent(rates.cpu_percent)}: {parts}"


def _vm_lines(vm: VmRates, width: int) -> list[Line]:
    numbers = [
        _rate(vm.frames_per_second),
        f"{vm.kbits_per_second:.0f}",
        _ms(vm.ms_per_frame),
        "",
        "",
        _percent(vm.cpu_percent),
    ]
    state = _counted(vm.streams, "stream") if vm.streams else "not watched" if not vm.viewers else ""
    state = state if vm.status == "running" else vm.status
    name = f"{escaped(vm.name, MAX_TEXT)} {vm.width}x{vm.height}"
    lines = [Line(_row(name, numbers, state, width), Style.VM)]
    lines += [_viewer_line(viewer, width) for viewer in vm.viewers]
    if any(step.ms_per_frame >= LEAST_MS for step in vm.steps.values()):
        lines.append(Line(_steps(vm.steps, width), Style.STEPS))
    return lines


def _viewer_line(viewer: ViewerRates, width: int) -> Line:
    numbers = [
        _rate(viewer.frames_per_second),
        f"{viewer.kbits_per_second:.0f}",
        "",
        _ms(viewer.round_trip_ms),
        _ms(viewer.queue_ms),
        _percent(viewer.cpu_percent),
    ]
    host = viewer.address.rpartition(":")[0] or viewer.address
    name = f"  {escaped(viewer.user or UNKNOWN, MAX_TEXT)} {escaped(host, MAX_TEXT)}"
    style = Style.LATE if viewer.is_late else Style.PLAIN
    return Line(_row(name, numbers, codec_label(viewer), width), style)


def codec_label(viewer: ViewerRates) -> str:
    """How a viewer is drawn to, in a few words: ``EGFX 10.7 AVC420``."""
    if viewer.is_minimized:
        return "minimized"
    if viewer.way is None:
        return "no picture yet" if viewer.is_active else "connecting"
    words = [viewer.way, viewer.version if viewer.way == "EGFX" else None, *viewer.codecs[:1]]
    return escaped(" ".join([word for word in words if word]), MAX_TEXT)


def _steps(steps: Mapping[str, StepRates], width: int) -> str:
    """What takes longest first, as much of it as there is room for."""
    text = "  ms a frame: "
    for name, step in steps.items():
        part = f"{name} {_ms(step.ms_per_frame)}, "
        if step.ms_per_frame < LEAST_MS or len(text) + len(part) > width + len(", "):
            break
        text += part
    return text.removesuffix(", ")


def _row(name: str, numbers: Sequence[str], codec: str, width: int) -> str:
    room = NAME + max(width - MIN_WIDTH + 1, 0)
    cells = [f" {number:>{size - 1}}" for number, (_, size) in zip(numbers, NUMBERS, strict=True)]
    return f"{_padded(_cut(name, room), room)}{''.join(cells)} {_cut(codec, CODEC)}".rstrip()


# -- cells -------------------------------------------------------------------------------------------


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' if count != 1 else ''}"


def _rate(value: float) -> str:
    return f"{value:.1f}" if value else "0"


def _ms(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _percent(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.0f}%"


def _columns(char: str) -> int:
    """That a terminal gives to a character."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _cut(text: str, columns: int) -> str:
    used = 0
    for at, char in enumerate(text):
        used += _columns(char)
        if used > columns:
            return text[:at]
    return text


def _padded(text: str, columns: int) -> str:
    return text + " " * (columns - sum(_columns(char) for char in text))
