"""`pyrdpmux install-service`: units, bus policy, manual, completions and a first configuration."""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrdpmux.cli.completion import MakeParser, ShtabMissingError
from pyrdpmux.cli.options import EXIT_OK, add_verbosity
from pyrdpmux.cli.service_files import (
    CONFIGURATION,
    CONFIGURATION_MODE,
    SERVICE_GROUP,
    ServiceFile,
    completion_files,
    first_configuration,
    service_files,
)
from pyrdpmux.errors import ConfigError, MuxError

if TYPE_CHECKING:
    from pyrdpmux.cli.options import Commands

BEHIND_PROTECT_HOME: Final = (Path("/home"), Path("/root"), Path("/run/user"))
"""What the units hide from the commands that they start."""

UNITS: Final = ("pyrdpmux.service", "pyrdpmux-opener.socket", "pyrdpmux-opener.service")

SYSTEMD: Final = Path("/run/systemd/system")
"""There where systemd runs."""

NEXT: Final = """\
Next:
  pyrdpmux passwd USER                                   who may log on
  pyrdpmux serve --check                                 what is wrong with the configuration, if anything
  systemctl enable --now pyrdpmux-opener.socket pyrdpmux
  adduser USER pyrdpmux-vms                              whoever runs VMs that register themselves"""


def add_install_service(commands: "Commands", make_parser: MakeParser) -> None:
    """``make_parser`` is for completion, of the whole command."""
    install = commands.add_parser(
        "install-service",
        help="put units, bus policy, manual, completion and a configuration in their places",
    )
    install.set_defaults(command=run_install_service, make_parser=make_parser)
    install.add_argument(
        "--root", type=Path, default=Path("/"), metavar="DIR", help="install below DIR, as packages are built"
    )
    install.add_argument(
        "--prefix", type=Path, default=Path("/usr/local"), metavar="DIR", help="default: /usr/local"
    )
    install.add_argument(
        "--bin",
        type=Path,
        metavar="DIR",
        help="where the units find the commands (default: where this one is)",
    )
    install.add_argument(
        "--remove", action="store_true", help="take away what was put there; the configuration stays"
    )
    add_verbosity(install)


def run_install_service(options: argparse.Namespace) -> int:
    """`pyrdpmux install-service`. Raises MuxError, OSError."""
    if not options.prefix.is_absolute():
        raise ConfigError(f"--prefix: {options.prefix} does not start with /")
    root = options.root.resolve()
    is_staging = root != Path("/")
    commands = options.bin or commands_directory()
    files = _files(options.prefix, commands, options.make_parser)
    if options.remove:
        if not is_staging:
            _stop_units()
        for file in files:
            print(remove(file, root))
        if not is_staging:
            _tell_the_system()
        return EXIT_OK
    if not is_staging:
        _check_commands(commands)
    for file in files:
        print(install(file, root))
    print(install_configuration(root))
    if not is_staging:
        sysusers = root / options.prefix.relative_to("/") / "lib/sysusers.d/pyrdpmux.conf"
        _make_users(sysusers)
        _share_configuration(root / CONFIGURATION)
        _tell_the_system()
        print(NEXT)
    return EXIT_OK


def _files(prefix: Path, commands: Path, make_parser: MakeParser) -> list[ServiceFile]:
    """All but the configuration. Without completion, which nothing depends on, where it cannot be had."""
    files = list(service_files(prefix, commands))
    try:
        files += completion_files(prefix, make_parser)
    except ShtabMissingError as error:
        print(f"left out  {error}")
    return files


def commands_directory() -> Path:
    """Of the environment that this runs in. Raises MuxError where the commands are not beside the Python."""
    directory = Path(sys.executable).parent
    if not (directory / "pyrdpmux-opener").exists():
        raise MuxError(f"{directory}: there is no pyrdpmux-opener, say --bin DIR")
    return directory


def _check_commands(directory: Path) -> None:
    """A unit that starts what it cannot see ends with a riddle of systemd's."""
    for hidden in BEHIND_PROTECT_HOME:
        if directory.resolve().is_relative_to(hidden):
            raise MuxError(
                f"{directory}: the service sees nothing of {hidden} (ProtectHome=); "
                "install pyrdpmux elsewhere, such as in /opt/pyrdpmux"
            )
    for name in ("pyrdpmux", "pyrdpmux-opener"):
        if not os.access(directory / name, os.X_OK):
            raise MuxError(f"{directory / name}: not there, or not executable")


def install(file: ServiceFile, root: Path) -> str:
    """What was done, as a line."""
    path = root / file.path
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == file.data and path.stat().st_mode & 0o777 == file.mode:
            return f"unchanged {path}"
    is_new = not path.exists()
    _write(path, file.data, file.mode)
    return f"{'installed' if is_new else 'replaced '} {path}"


def install_configuration(root: Path) -> str:
    """The administrator's is never touched."""
    path = root / CONFIGURATION
    if path.exists():
        return f"kept      {path}"
    _write(path, first_configuration(), CONFIGURATION_MODE)
    return f"installed {path}"


def remove(file: ServiceFile, root: Path) -> str:
    """What somebody else has put there, or changed, stays."""
    path = root / file.path
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return f"absent    {path}"
    if data != file.data:
        return f"kept      {path} (changed since)"
    path.unlink()
    return f"removed   {path}"


def _write(path: Path, data: bytes, mode: int) -> None:
    """As a whole or not at all, whatever the umask."""
    _make_directories(path.parent)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
    new.replace(path)


def _make_directories(path: Path) -> None:
    if not path.is_dir():
        _make_directories(path.parent)
        path.mkdir()
        path.chmod(0o755)


# -- the running system -------------------------------------------------------------------------------


def _make_users(sysusers: Path) -> None:
    if not _run("systemd-sysusers", str(sysusers)):
        print(f"Make the users and groups of {sysusers}: systemd-sysusers could not", file=sys.stderr)


def _share_configuration(path: Path) -> None:
    """The daemon may read it, and nobody but root may write it."""
    with contextlib.suppress(LookupError):  # no such group: it was said already
        shutil.chown(path, group=SERVICE_GROUP)


def _stop_units() -> None:
    if SYSTEMD.is_dir():
        _run("systemctl", "disable", "--now", *UNITS)


def _tell_the_system() -> None:
    """systemd and the bus read new files when they are told to."""
    if SYSTEMD.is_dir():
        _run("systemctl", "daemon-reload")
        _run("systemctl", "reload", "dbus.service")


def _run(*command: str) -> bool:
    """Whether it is there and succeeds; what it says itself is seen."""
    if shutil.which(command[0]) is None:
        return False
    print(f"running   {' '.join(command)}", flush=True)
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        print(f"failed    {' '.join(command)}: exit code {code}", flush=True)
    return code == 0
