"""``pyrdpmux dissect``: what a captured RDP connection says, one line a message."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pyrdpmux.cli.options import EXIT_OK, port
from pyrdpmux.errors import MuxError
from pyrdpmux.mux.log.door import escaped

if TYPE_CHECKING:
    from pyrdpmux.cli.options import Commands
    from pyrdpmux.harness.capture import Capture, Connection, Dissected, Stop

#: Characters of a message in one line; --json has all of it.
MAX_LINE: Final = 2000


def add_dissect(commands: "Commands") -> None:
    dissect = commands.add_parser("dissect", help="print what a captured RDP connection says")
    dissect.set_defaults(command=run_dissect, verbose=0)
    dissect.add_argument("file", type=Path, metavar="FILE", help="pcap or pcapng, of any program")
    dissect.add_argument(
        "--keys",
        type=Path,
        metavar="FILE",
        help="TLS key log in NSS format, or the server's RSA key (default: secrets in the file itself)",
    )
    which = dissect.add_mutually_exclusive_group()
    which.add_argument("--connection", type=int, metavar="N", help="this one (default: all that speak RDP)")
    which.add_argument("--port", type=port, metavar="P", help="all to this port of their server")
    dissect.add_argument("--json", action="store_true", help="one JSON object a line, with every field")


def run_dissect(options: argparse.Namespace) -> int:
    """Prints to standard output; a file that cannot be opened is a MuxError."""
    from pyrdpmux.harness.capture import CaptureError, open_capture

    try:
        capture = open_capture(options.file, options.keys)
        chosen = _chosen(capture, options)
    except CaptureError as error:
        raise MuxError(str(error)) from None
    lines = _json_lines(capture, chosen) if options.json else map(escaped, _text_lines(capture, chosen))
    try:
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_OK


def _chosen(capture: "Capture", options: argparse.Namespace) -> "tuple[Connection, ...]":
    if options.connection is not None:
        return (capture.connection(options.connection),)
    return capture.rdp if options.port is None else capture.at_port(options.port)


def _in_order(connection: "Connection") -> "Iterator[Dissected | Stop]":
    """Units and stops by packet; a stop follows what was read of its packet."""
    items: list[tuple[int, int, Dissected | Stop]] = [
        (unit.unit.number, 0, unit) for unit in connection.units
    ]
    items += [(stop.number, 1, stop) for stop in connection.stops]
    return (item for _, _, item in sorted(items, key=lambda item: item[:2]))


# -- text ------------------------------------------------------------------------------------------


def _text_lines(capture: "Capture", chosen: "tuple[Connection, ...]") -> Iterator[str]:
    from pyrdpmux.harness.capture import Stop

    for stop in capture.stops:
        yield _stop_line(stop, 0.0)
    if not chosen:
        yield f"no such connection; {len(capture.connections)} in {capture.path}:"
        yield from map(str, capture.connections)
    for connection in chosen:
        protocol = connection.protocol
        name = "unknown security" if protocol is None else protocol.name or "RDP"
        yield f"{connection}: {name}, {len(connection.units)} messages, {len(connection.stops)} stops"
        start = connection.conversation.time
        for item in _in_order(connection):
            yield _stop_line(item, start) if isinstance(item, Stop) else _unit_line(item, start)


def _unit_line(dissected: "Dissected", start: float) -> str:
    from pyrdpmux.harness.capture import UnitKind, describe

    unit = dissected.unit
    text = "; ".join(map(describe, dissected.values)) or f"{len(unit.data)} bytes, not decoded"
    if unit.kind is UnitKind.GAP:
        text = "bytes are missing"
    text = text if len(text) <= MAX_LINE else f"{text[:MAX_LINE]}... ({len(text)} characters)"
    return f"{unit.number:6} {unit.time - start:12.6f} {unit.direction.value} {unit.kind.value:6} {text}"


def _stop_line(stop: "Stop", start: float) -> str:
    side = stop.direction.value if stop.direction else " "
    time = f"{stop.time - start:12.6f}" if stop.time else " " * 12
    return f"{stop.number or '':6} {time} {side} STOP   {stop.layer.value}: {stop.reason}"


# -- JSON ------------------------------------------------------------------------------------------


def _json_lines(capture: "Capture", chosen: "tuple[Connection, ...]") -> Iterator[str]:
    from pyrdpmux.harness.capture import Stop

    for stop in capture.stops:
        yield json.dumps(_stop_object(0, stop))
    for connection in chosen:
        for item in _in_order(connection):
            make = _stop_object if isinstance(item, Stop) else _unit_object
            yield json.dumps(make(connection.number, item))  # type: ignore[arg-type]  # just told apart


def _unit_object(number: int, dissected: "Dissected") -> dict[str, Any]:
    from pyrdpmux.harness.capture import as_json

    unit = dissected.unit
    return {
        "connection": number,
        "packet": unit.number,
        "time": unit.time,
        "direction": unit.direction.value,
        "kind": unit.kind.value,
        "layers": [as_json(layer.value) for layer in dissected.layers],
    }


def _stop_object(number: int, stop: "Stop") -> dict[str, Any]:
    return {
        "connection": number,
        "packet": stop.number,
        "time": stop.time,
        "direction": stop.direction.value if stop.direction else None,
        "kind": "stop",
        "layer": stop.layer.value,
        "reason": stop.reason,
    }
