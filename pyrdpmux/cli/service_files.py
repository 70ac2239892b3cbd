"""What the service consists of beside the package: which file goes where, and what is made of it there.

The files are those of ``packaging/``, which the wheel carries, and completion, which the wheel alone has.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyrdpmux.cli.completion import COMPLETIONS, MakeParser
from pyrdpmux.errors import MuxError
from pyrdpmux.mux.settings.config import EXAMPLE

CONFIGURATION: Final = Path("etc/pyrdpmux/pyrdpmux.toml")
COMMANDS: Final = Path("/usr/bin")
"""Where the units of ``packaging/`` have the commands."""

SERVICE_GROUP: Final = "pyrdpmux"
CONFIGURATION_MODE: Final = 0o640

_FIRST_SAMPLE: Final = "[groups]"
"""From here on, the example shows what a configuration might say, not what holds without it."""


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """``path`` is relative to the root."""

    path: Path
    data: bytes
    mode: int = 0o644


def files_directory() -> Path:
    """In the wheel they are in the package, in a checkout beside it. Raises MuxError if they are nowhere."""
    package = Path(__file__).resolve().parents[1]
    for directory in (package / "packaging", package.parent / "packaging"):
        if (directory / "pyrdpmux.service").is_file():
            return directory
    raise MuxError(f"{package / 'packaging'}: the service's files are missing")


def service_files(prefix: Path, commands: Path) -> Iterator[ServiceFile]:
    """All but completion and configuration. ``prefix`` is absolute; units start what is in ``commands``."""
    source, target = files_directory(), prefix.relative_to("/")
    for name in ("pyrdpmux.service", "pyrdpmux-opener.service", "pyrdpmux-opener.socket"):
        text = (source / name).read_text(encoding="utf-8")
        yield ServiceFile(target / "lib/systemd/system" / name, _at(commands, text).encode())
    yield ServiceFile(target / "lib/sysusers.d/pyrdpmux.conf", (source / "pyrdpmux.sysusers").read_bytes())
    # The bus looks at no other prefix than /usr.
    bus = target / "share/dbus-1/system.d" if prefix == Path("/usr") else Path("etc/dbus-1/system.d")
    policy = "org.RDPMux.RDPMux.conf"
    yield ServiceFile(bus / policy, (source / policy).read_bytes())
    yield ServiceFile(
        Path("etc/fail2ban/filter.d/pyrdpmux.conf"), (source / "fail2ban/pyrdpmux.conf").read_bytes()
    )
    for page in sorted((source / "man").iterdir()):
        yield ServiceFile(target / "share/man" / f"man{page.suffix[1:]}" / page.name, page.read_bytes())


def completion_files(prefix: Path, make_parser: MakeParser) -> Iterator[ServiceFile]:
    """The wheel's; in a checkout they are made here. Raises ShtabMissingError where they cannot be."""
    source, target = files_directory(), prefix.relative_to("/")
    for completion in COMPLETIONS:
        path = source / completion.name
        data = path.read_bytes() if path.is_file() else completion.text(make_parser).encode()
        yield ServiceFile(target / completion.place, data)


def _at(commands: Path, unit: str) -> str:
    return re.sub(rf"^(ExecStart=){COMMANDS}/", rf"\g<1>{commands}/", unit, flags=re.MULTILINE)


def first_configuration() -> bytes:
    """The example with its samples as comments: it says what holds without it."""
    head, mark, samples = EXAMPLE.read_text(encoding="utf-8").partition(_FIRST_SAMPLE)
    lines = (mark + samples).splitlines()
    commented = [line if line == "" or line.startswith("#") else f"# {line}" for line in lines]
    return (head + "\n".join(commented) + "\n").encode()
