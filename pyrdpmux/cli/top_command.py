"""`pyrdpmux top`: what the daemon does for whom, as it does it."""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from pyrdpmux.cli.options import EXIT_OK, add_common, make_config
from pyrdpmux.cli.top_rates import Rates, Snapshot, rates_between
from pyrdpmux.cli.top_table import MIN_WIDTH, Line, Style, table
from pyrdpmux.mux.control import client

if TYPE_CHECKING:
    from pyrdpmux.cli.options import Commands

INTERVAL: Final = 2.0
MIN_INTERVAL: Final = 0.2
MAX_INTERVAL: Final = 3600.0
"""Seconds between two looks."""

DIGITS: Final = 3
"""Behind the decimal point, in JSON."""

CSI: Final = "\x1b["
BEGIN: Final = f"{CSI}?1049h{CSI}?25l"
"""The terminal's other page, and no cursor: what was on it before is there again afterwards."""
END: Final = f"{CSI}?25h{CSI}?1049l"
HOME: Final = f"{CSI}H"
CLEAR_LINE: Final = f"{CSI}K"
CLEAR_BELOW: Final = f"{CSI}J"


def add_top(commands: "Commands") -> None:
    top = commands.add_parser("top", help="watch what VMs and viewers get, and what that costs")
    top.set_defaults(command=run_top)
    top.add_argument("--once", action="store_true", help="look for one interval, print that, and end")
    top.add_argument("--json", action="store_true", help="a line of JSON for each interval")
    top.add_argument(
        "--interval",
        type=interval,
        default=INTERVAL,
        metavar="SECONDS",
        help=f"seconds between two looks (default: {INTERVAL:g})",
    )
    add_common(top, has_config=True)


def interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not MIN_INTERVAL <= seconds <= MAX_INTERVAL:
        raise argparse.ArgumentTypeError(f"{text!r}, {MIN_INTERVAL:g} to {MAX_INTERVAL:g} allowed")
    return seconds


def run_top(options: argparse.Namespace) -> int:
    """Until Ctrl+C; a daemon that goes away ends it too."""
    path = make_config(options).control_path
    if options.json:
        show: Show = JsonLines(sys.stdout)
    elif is_terminal(sys.stdout) and not options.once:
        show = Page(sys.stdout)
    else:
        show = Tables(sys.stdout)
    try:
        watch(path, show, options.interval, once=options.once)
    except KeyboardInterrupt:
        pass
    finally:
        show.close()
    return EXIT_OK


class Show(Protocol):
    """Where the figures go."""

    #: what there is at once, although nothing can be said of any time yet, is worth to be shown
    is_live: bool

    def show(self, rates: Rates) -> None: ...

    def close(self) -> None: ...


def watch(path: Path, show: Show, seconds: float, *, once: bool = False) -> None:
    """Ask, show, wait; for ever, or until there are figures of one interval. Raises MuxError."""
    before: Snapshot = client.ask(path, "snapshot")
    if show.is_live:
        show.show(rates_between(None, before))
    while True:
        time.sleep(seconds)
        after = client.ask(path, "snapshot")
        show.show(rates_between(before, after))
        before = after
        if once:
            return


class JsonLines:
    """For programs."""

    is_live = False

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, rates: Rates) -> None:
        print(json.dumps(rounded(asdict(rates))), file=self._out, flush=True)

    def close(self) -> None:
        """There is nothing to tidy up."""


class Tables:
    """One below the other: for a file, a pipe, or one look."""

    is_live = False

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_first = True

    def show(self, rates: Rates) -> None:
        columns = shutil.get_terminal_size().columns if is_terminal(self._out) else MIN_WIDTH
        if not self._is_first:
            print(file=self._out)
        self._is_first = False
        for line in table(rates, columns):
            print(painted(line, has_colors=has_colors(self._out)).rstrip(), file=self._out)
        self._out.flush()

    def close(self) -> None:
        """There is nothing to tidy up."""


class Page:
    """A terminal's page, one table in the place of the other; :meth:`close` gives it back as it was."""

    is_live = True

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._has_begun = False
        self._terminated = signal.signal(signal.SIGTERM, _interrupt)

    def show(self, rates: Rates) -> None:
        size = shutil.get_terminal_size()
        lines = [
            painted(line, has_colors=has_colors(self._out)) + CLEAR_LINE
            for line in table(rates, size.columns, size.lines)
        ]
        begin = "" if self._has_begun else BEGIN
        self._has_begun = True
        self._out.write(begin + HOME + "\r\n".join(lines) + CLEAR_BELOW)
        self._out.flush()

    def close(self) -> None:
        if self._has_begun:
            self._out.write(END)
            self._out.flush()
        signal.signal(signal.SIGTERM, self._terminated)


def rounded(value: Any) -> Any:
    """The same with numbers that can be read."""
    match value:
        case float():
            return round(value, DIGITS)
        case dict():
            return {key: rounded(each) for key, each in value.items()}
        case list() | tuple():
            return [rounded(each) for each in value]
    return value


def painted(line: Line, *, has_colors: bool) -> str:
    if not has_colors or line.style is Style.PLAIN:
        return line.text
    return f"{CSI}{line.style.value}m{line.text}{CSI}m"


def is_terminal(out: TextIO) -> bool:
    """One that can be written to at any place."""
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def has_colors(out: TextIO) -> bool:
    """See no-color.org."""
    return is_terminal(out) and not os.environ.get("NO_COLOR")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
