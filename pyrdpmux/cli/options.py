"""What several commands have in common: how they are parsed, and the configuration that comes of it."""

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.settings.config import Config, VmSettings, is_bus
from pyrdpmux.mux.settings.config_file import load_config
from pyrdpmux.mux.settings.ports import check_ports
from pyrdpmux.mux.settings.vm_names import vm_name

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2

SYSTEM_CONFIG: Final = "/etc/pyrdpmux/pyrdpmux.toml"
"""What is read without --config, where it is there."""

CONFIG_VARIABLE: Final = "PYRDPMUX_CONFIG"
"""Of the environment: another path instead; one that is not there for none."""

if TYPE_CHECKING:
    Commands: TypeAlias = "argparse._SubParsersAction[Parser]"

Command = Callable[[argparse.Namespace], int]
"""Does what was asked for; the exit code."""


CONFIG_HELP: Final = f"configuration file (default: {SYSTEM_CONFIG}, where there is one)"


class Parser(argparse.ArgumentParser):
    """One line instead of the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def add_common(parser: argparse.ArgumentParser, *, has_config: bool = False) -> None:
    """Where the daemon is, and how much to log."""
    if has_config:
        parser.add_argument("--config", type=Path, metavar="FILE.toml", help=CONFIG_HELP)
    parser.add_argument("--state-dir", type=Path, metavar="DIR", help="the daemon's own directory")
    add_verbosity(parser)


def add_verbosity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-v", "--verbose", action="count", default=0, help="log more (-vv: libraries too)")


def add_listening(parser: argparse.ArgumentParser) -> None:
    """Where to listen."""
    parser.add_argument("--port", type=port, metavar="N", help="port of the first VM (default: 3901)")
    parser.add_argument("--bind", metavar="ADDRESS", help="address to listen at (default: 127.0.0.1)")
    parser.add_argument("--no-auth", action="store_true", help="TLS without NLA: everybody may connect")
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        help="a line of text or a JSON object for each record (default: to the journal where there is one)",
    )
    add_common(parser)


def port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r}, 1 to 65535 allowed")
    return int(text)


def source_of(text: str, kind: str = "") -> tuple[str, str]:
    name, _, address = text.partition("=")
    source = f"{kind}:{address}" if kind else address
    if not (name and (address or not kind) and all(source.partition(":")[:2])):
        raise argparse.ArgumentTypeError(f"{text!r}, expected NAME={'' if kind else 'KIND:'}ADDRESS")
    return name, source


def demo_source(name: str) -> tuple[str, str]:
    return source_of(f"{name}=demo:")


def config_path(options: argparse.Namespace) -> Path | None:
    """The file that was given; else the machine's, where there is one that this user may read."""
    if not hasattr(options, "config") or options.config is not None:
        return getattr(options, "config", None)
    path = Path(os.environ.get(CONFIG_VARIABLE, SYSTEM_CONFIG))
    return path if path.is_file() and os.access(path, os.R_OK) else None


def make_config(options: argparse.Namespace) -> Config:
    """The configuration file, or the defaults, with the options on top."""
    path = config_path(options)
    config = load_config(path) if path is not None else Config()
    given = {
        name: value
        for name in ("port", "bind", "bus", "certificate_dir", "state_dir")
        if (value := getattr(options, name, None)) is not None
    }
    vms = dict(config.vms)
    for name, source in getattr(options, "source", ()):
        vms[vm_name(name)] = replace(config.vms.get(vm_name(name), VmSettings()), source=source)
    config = replace(config, **given, vms=vms)
    if (port := getattr(options, "gateway_port", None)) is not None:
        config = replace(config, gateway=replace(config.gateway, port=port))
        check_ports(config)
    if (sockets := getattr(options, "qmp_sockets", None)) is not None:
        config = replace(config, qmp_sockets=tuple(sockets))
    if config.bus is not None and not is_bus(config.bus):
        raise ConfigError(f"--bus: {config.bus!r}, expected system, session, none or a D-Bus address")
    if getattr(options, "no_auth", False):
        config = replace(config, security=replace(config.security, nla=False, tls=True))
    return config
