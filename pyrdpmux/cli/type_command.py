"""`pyrdpmux type`: its options, and what it asks the daemon."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from pyrdpmux.errors import MuxError
from pyrdpmux.mux.control.client import ask, pieces_of
from pyrdpmux.mux.settings.config import Config


def set_up_type_command(
    parser: argparse.ArgumentParser, make_config: Callable[[argparse.Namespace], Config]
) -> None:
    """Options and action."""

    def run(options: argparse.Namespace) -> int:
        type_into(make_config(options).control_path, options.vm, text_of(options.text, options.file))
        return 0

    parser.set_defaults(command=run)
    parser.add_argument("vm", metavar="VM")
    parser.add_argument("text", metavar="TEXT", nargs="?", help="default: standard input")
    parser.add_argument("--file", type=Path, metavar="FILE", help="type what stands in this file (UTF-8)")


def text_of(text: str | None, file: Path | None) -> str:
    """From the one place that was given. Raises MuxError, OSError."""
    if text is not None and file is not None:
        raise MuxError("either a text or --file, not both")
    if text is not None:
        return text
    try:
        return file.read_text(encoding="utf-8") if file is not None else sys.stdin.read()
    except UnicodeDecodeError as error:
        raise MuxError(f"{file or 'standard input'}: not UTF-8") from error


def type_into(path: Path, vm: str, text: str) -> None:
    """Piece by piece. Raises MuxError, also for what the guest's keyboard has no keys for."""
    missing = ""
    for piece in pieces_of(text):
        missing += ask(path, "type", vm=vm, text=piece)["missing"]
    if missing:
        left_out = "".join(dict.fromkeys(missing))
        raise MuxError(f"{vm}: left out {left_out!r}, for which its keyboard has no keys")
