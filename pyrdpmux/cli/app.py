"""The `pyrdpmux` command as a whole.

Exit codes: 0 done, 1 it failed while running, 2 it was asked for something that makes no sense. Every error
is one line.
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import Final

from pyrdpmux import __version__
from pyrdpmux.cli import client_commands, daemon_commands, install_command, user_command
from pyrdpmux.cli.dissect_command import add_dissect
from pyrdpmux.cli.options import EXIT_FAILED, EXIT_USAGE, Command, Parser
from pyrdpmux.cli.top_command import add_top
from pyrdpmux.errors import ConfigError, MuxError
from pyrdpmux.mux.log.door import escaped, set_up_logging
from pyrdpmux.mux.log.json_lines import JsonFormatter
from pyrdpmux.mux.systemd.journal import JournalHandler, is_journal

STDOUT: Final = 1
STDERR: Final = 2

LIBRARIES: Final = ("asyncio", "pynng", "dbus_fast")
"""Their debug messages are shown with -vv only."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script."""
    options = make_parser().parse_args(arguments)
    _set_up_logging(options.verbose, getattr(options, "log_format", None))
    command: Command = options.command
    try:
        code = command(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Who reads has seen enough. What is left must not be written when Python ends, either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
        return EXIT_FAILED
    except ConfigError as error:
        print(f"pyrdpmux: {escaped(str(error))}", file=sys.stderr)
        return EXIT_USAGE
    except (MuxError, OSError) as error:
        print(f"pyrdpmux: {escaped(str(error))}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_FAILED


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    parser = Parser(prog="pyrdpmux", description="RDP consoles for virtual machines.")
    parser.add_argument("--version", action="version", version=f"pyrdpmux {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    daemon_commands.add_serve(commands)
    daemon_commands.add_demo(commands)
    user_command.add_passwd(commands)
    user_command.add_user(commands)
    client_commands.add_vms(commands)
    add_top(commands)
    client_commands.add_type(commands)
    client_commands.add_rdp_file(commands)
    client_commands.add_diagnose(commands)
    client_commands.add_reload(commands)
    install_command.add_install_service(commands, make_parser)
    add_dissect(commands)
    return parser


def _set_up_logging(verbosity: int, log_format: str | None) -> None:
    level = logging.DEBUG if verbosity else logging.INFO
    if log_format == "json":
        set_up_logging(logging.StreamHandler(sys.stderr), level, formatter=JsonFormatter())
    elif log_format is None and is_journal(STDERR):
        set_up_logging(JournalHandler(), level)
    else:
        set_up_logging(logging.StreamHandler(sys.stderr), level, "%(asctime)s %(levelname)-7s %(message)s")
    if verbosity < 2:
        for library in LIBRARIES:
            logging.getLogger(library).setLevel(logging.WARNING)
