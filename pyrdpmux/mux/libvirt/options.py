"""The helper's command line, as libvirt writes it."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux import __version__
from pyrdpmux.errors import ConfigError

FEATURES: Final = ("dbus-address",)
"""Of the two words that libvirt knows; the other one is remotefx, a codec that we do not send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to do: tell the capabilities, or serve."""

    wants_capabilities: bool = False
    dbus_address: str = ""
    host: str = ""
    port: int = 0
    certificate: Path = Path()
    key: Path = Path()
    verbosity: int = 0


def capabilities() -> str:
    """The answer to --print-capabilities."""
    return json.dumps({"features": list(FEATURES)})


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """SystemExit for what argparse finds wrong, ConfigError for the rest."""
    given = _make_parser().parse_args(arguments)
    if given.print_capabilities:
        return Options(wants_capabilities=True)
    if given.command != "serve":
        raise ConfigError("nothing to do: --print-capabilities or serve expected")
    for name in ("dbus_address", "bind_address", "cert", "key"):
        if not getattr(given, name):
            raise ConfigError(f"--{name.replace('_', '-')} is missing")
    host, port = parse_bind_address(given.bind_address)
    return Options(
        dbus_address=given.dbus_address,
        host=host,
        port=port,
        certificate=given.cert,
        key=given.key,
        verbosity=given.verbose,
    )


def parse_bind_address(text: str) -> tuple[str, int]:
    """``127.0.0.1:3389``, ``[::1]:3389``, or ``:3389`` for every address of this machine."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ConfigError(f"--bind-address: {text!r}, an IPv6 address stands in brackets")
    if not (colon and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise ConfigError(f"--bind-address: {text!r}, expected ADDRESS:PORT")
    return host, int(port)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pyrdpmux-libvirt",
        description="RDP server that libvirt starts for a VM with graphics type='rdp'.",
    )
    parser.add_argument("--version", action="version", version=f"pyrdpmux-libvirt {__version__}")
    parser.add_argument("--print-capabilities", action="store_true", help="tell libvirt what this helper can")
    parser.add_argument("--dbus-address", metavar="ADDRESS", help="the VM's private D-Bus")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="log more")
    commands = parser.add_subparsers(dest="command", metavar="serve")
    serve = commands.add_parser("serve", help="serve the VM on that bus")
    serve.add_argument("--bind-address", metavar="ADDRESS:PORT", help="where to listen")
    serve.add_argument("--cert", type=Path, metavar="FILE.pem", help="TLS certificate")
    serve.add_argument("--key", type=Path, metavar="FILE.pem", help="its private key")
    return parser
