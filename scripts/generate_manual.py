"""Write packaging/man/ from the command's own parser: scripts/generate-manual."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux.cli.app import make_parser
from pyrdpmux.mux.opener.server import make_parser as make_opener_parser
from scripts import config_manual
from scripts.roff import entry, escape, heading

PACKAGING: Final = Path(__file__).resolve().parent.parent / "packaging"

SECTIONS: Final = {"serve": 8, "install-service": 8}
"""Of the manual; commands that are not here are in section 1."""

DETAILS: Final = {
    "serve": [
        (
            "SIGNALS",
            [
                (
                    "SIGTERM",
                    "Close all connections and stop. VMs, and clients that reconnect by themselves, come "
                    "back to the next daemon: there is no telling a stop from a restart.",
                ),
                ("SIGINT", "Tell all viewers that the server stops, so that they stay away, and stop."),
                (
                    "SIGHUP",
                    "Read configuration, accounts and certificates again. With an error in them, the old "
                    "ones stay in force.",
                ),
            ],
        ),
        (
            "ENVIRONMENT",
            [
                ("PYRDPMUX_CONFIG", "The configuration file where \\-\\-config is absent."),
                ("STATE_DIRECTORY, RUNTIME_DIRECTORY", "Directories that systemd has made for the daemon."),
                ("NOTIFY_SOCKET, WATCHDOG_USEC", "Where systemd wants to be told that the daemon is well."),
                ("JOURNAL_STREAM", "Set by systemd: log entries go to the journal, with fields."),
            ],
        ),
        (
            "FILES",
            [
                ("/etc/pyrdpmux/pyrdpmux.toml", "The configuration; see pyrdpmux.toml(5)."),
                ("accounts.sam", "Who may log on, in the state directory; see pyrdpmux\\-passwd(1)."),
                ("server.crt, server.key", "The administrator's certificate, in the certificate directory."),
                ("pyrdpmux.crt, pyrdpmux.key", "The one that is made where there is no other."),
                ("librdpmux.json", "VMs that registered, for the next daemon, in the state directory."),
            ],
        ),
        (
            "JOURNAL FIELDS",
            [
                ("PYRDPMUX_VM, PYRDPMUX_CONNECTION, PYRDPMUX_USER", "What an entry is about."),
                ("PYRDPMUX_ADDRESS", "Where the connection comes from."),
                ("PYRDPMUX_EVENT", "connect, logon, failure, refusal or end; each once for a connection."),
                ("PYRDPMUX_REASON", "Why it was refused, or has ended."),
                (
                    "PYRDPMUX_SECONDS, PYRDPMUX_BYTES_RECEIVED, PYRDPMUX_BYTES_SENT",
                    "At its end: how long it was, and what it took on the wire.",
                ),
            ],
        ),
    ]
}

OPENER: Final = "pyrdpmux-opener"
OPENER_SECTION: Final = 8

OPENER_DETAILS: Final = [
    (
        "WHAT IT OPENS",
        [
            ("/dev/shm/NUMBER.rdpmux", "A VM's framebuffer that belongs to the user of the VM."),
            (
                "SAM files",
                "That belong to the user of the VM or root, contain accounts and nothing else, and take no "
                "more than 1 MiB. No part of the path may be a symbolic link.",
            ),
        ],
    ),
    (
        "WHAT IT REMOVES",
        [("/dev/shm/NUMBER.rdpmux", "What a dead VM has left, if it belongs to the user of the VM.")],
    ),
    (
        "FILES",
        [
            (
                "/run/pyrdpmux-opener/socket",
                "Where it is asked, one message a connection; see pyrdpmux\\-opener.socket. It ends when "
                "nobody has asked for five minutes, and is started again with the next request.",
            )
        ],
    ),
]

EXIT_STATUS: Final = [
    ("0", "Done."),
    ("1", "It failed while running."),
    ("2", "It was asked for something that makes no sense."),
]


@dataclass(frozen=True)
class Command:
    """One of the subcommands."""

    name: str
    summary: str
    parser: argparse.ArgumentParser

    @property
    def section(self) -> int:
        return SECTIONS.get(self.name, 1)

    @property
    def options(self) -> list[argparse.Action]:
        return [action for action in self.parser._actions if action.option_strings]

    @property
    def arguments(self) -> list[argparse.Action]:
        return [action for action in self.parser._actions if not action.option_strings]


def commands() -> list[Command]:
    """In the order of `pyrdpmux --help`."""
    for action in make_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return [
                Command(choice.dest, choice.help or "", action.choices[choice.dest])
                for choice in action._choices_actions
            ]
    raise AssertionError("the command has no subcommands any more")


# -- manual ------------------------------------------------------------------------------------------


def value_of(action: argparse.Action) -> str:
    if action.choices is not None and action.option_strings:
        return "|".join(map(str, action.choices))
    metavar = action.metavar if isinstance(action.metavar, str) else action.dest
    return "" if action.nargs == 0 else metavar


def option_entry(action: argparse.Action) -> Iterator[str]:
    value = value_of(action)
    names = ", ".join([f"\\fB{escape(name)}\\fR" for name in action.option_strings])
    term = f"{names} \\fI{escape(value)}\\fR" if value else names
    text = (action.help or "").replace("%%", "%")
    yield from entry(term, escape(text[:1].upper() + text[1:] + "."))


def synopsis(command: Command) -> str:
    arguments = "".join([f" \\fI{escape(value_of(action))}\\fR" for action in command.arguments])
    return f"\\fBpyrdpmux {escape(command.name)}\\fR [\\fIOPTION\\fR]...{arguments}"


def command_page(command: Command) -> str:
    title = f"pyrdpmux-{command.name}"
    lines = [heading(title, command.section), ".SH NAME", f"{escape(title)} \\- {escape(command.summary)}"]
    lines += [".SH SYNOPSIS", synopsis(command), ".SH OPTIONS"]
    for action in command.options:
        lines += option_entry(action)
    for name, entries in [*DETAILS.get(command.name, []), ("EXIT STATUS", EXIT_STATUS)]:
        lines.append(f'.SH "{name}"')
        for term, text in entries:
            lines += entry(f"\\fB{term}\\fR", text)
    lines += [".SH SEE ALSO", "\\fBpyrdpmux\\fR(1)"]
    return "\n".join(lines) + "\n"


def opener_page() -> str:
    """The other command that a daemon needs."""
    parser = make_opener_parser()
    lines = [
        heading(OPENER, OPENER_SECTION),
        ".SH NAME",
        f"{escape(OPENER)} \\- open guests' files for pyrdpmux",
    ]
    lines += [".SH SYNOPSIS", f"\\fB{escape(OPENER)}\\fR \\fB\\-\\-user\\fR \\fIUSER\\fR"]
    lines += [".SH DESCRIPTION", escape(parser.description or ""), ".SH OPTIONS"]
    for action in parser._actions:
        lines += option_entry(action)
    for name, entries in [*OPENER_DETAILS, ("EXIT STATUS", [EXIT_STATUS[0], EXIT_STATUS[2]])]:
        lines.append(f'.SH "{name}"')
        for term, text in entries:
            lines += entry(f"\\fB{term}\\fR", text)
    lines += [".SH SEE ALSO", "\\fBpyrdpmux\\-serve\\fR(8)"]
    return "\n".join(lines) + "\n"


def main_page() -> str:
    lines = [heading("pyrdpmux", 1), ".SH NAME", "pyrdpmux \\- RDP consoles for virtual machines"]
    lines += [".SH SYNOPSIS", "\\fBpyrdpmux\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...", ".SH COMMANDS"]
    for command in commands():
        lines += entry(f"\\fB{escape(command.name)}\\fR", escape(command.summary) + ".")
    pages = [f"\\fBpyrdpmux\\-{escape(command.name)}\\fR({command.section})" for command in commands()]
    pages.append(f"\\fB{config_manual.NAME}\\fR({config_manual.SECTION})")
    lines += [".SH SEE ALSO", ", ".join(pages)]
    return "\n".join(lines) + "\n"


def render() -> dict[str, str]:
    """All pages, by their path in packaging/."""
    pages = {
        f"man/pyrdpmux-{command.name}.{command.section}": command_page(command) for command in commands()
    }
    pages[f"man/{OPENER}.{OPENER_SECTION}"] = opener_page()
    pages[f"man/{config_manual.NAME}.{config_manual.SECTION}"] = config_manual.page()
    return {"man/pyrdpmux.1": main_page(), **pages}


def main(arguments: list[str]) -> int:
    files = render()
    if "--check" in arguments:
        there = {str(path.relative_to(PACKAGING)) for path in PACKAGING.glob("man/*")}
        is_current = there == files.keys() and all(
            (PACKAGING / name).read_text(encoding="utf-8") == text for name, text in files.items()
        )
        return 0 if is_current else 1
    (PACKAGING / "man").mkdir(exist_ok=True)
    for path in PACKAGING.glob("man/*"):
        path.unlink()
    for name, text in files.items():
        (PACKAGING / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
