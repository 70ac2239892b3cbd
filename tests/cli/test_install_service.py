"""`pyrdpmux install-service`: below a staging root, and what it refuses in front of a real one."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pyrdpmux.cli import install_command, main
from pyrdpmux.cli import service_files as service_files_module
from pyrdpmux.cli.app import make_parser
from pyrdpmux.cli.completion import COMPLETIONS, MISSING
from pyrdpmux.cli.install_command import _check_commands
from pyrdpmux.cli.service_files import first_configuration, service_files
from pyrdpmux.errors import MuxError
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.mux.settings.config_file import load_config

UNITS = ("pyrdpmux.service", "pyrdpmux-opener.service", "pyrdpmux-opener.socket")
CONFIGURATION = "etc/pyrdpmux/pyrdpmux.toml"
COMPLETION_PATHS = (
    "usr/share/bash-completion/completions/pyrdpmux",
    "usr/share/zsh/site-functions/_pyrdpmux",
    "usr/share/fish/vendor_completions.d/pyrdpmux.fish",
)


needs_shtab = pytest.mark.skipif(find_spec("shtab") is None, reason="needs shtab, of the extra dev")


def install(root: Path, *arguments: str, prefix: str = "/usr", directory: str = "/usr/bin") -> int:
    options = ("--root", str(root), "--prefix", prefix, "--bin", directory, *arguments)
    return main(["install-service", *options])


def files_below(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in root.rglob("*")
        if path.is_file()
    }


@needs_shtab
def test_everything_has_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(tmp_path) == 0
    found = files_below(tmp_path)
    assert found.keys() >= {
        *[f"usr/lib/systemd/system/{name}" for name in UNITS],
        "usr/lib/sysusers.d/pyrdpmux.conf",
        "usr/share/dbus-1/system.d/org.RDPMux.RDPMux.conf",
        "usr/share/man/man1/pyrdpmux.1",
        "usr/share/man/man8/pyrdpmux-serve.8",
        "usr/share/man/man8/pyrdpmux-opener.8",
        "etc/fail2ban/filter.d/pyrdpmux.conf",
        *COMPLETION_PATHS,
        CONFIGURATION,
    }
    assert {name: mode for name, (_, mode) in found.items() if mode != 0o644} == {CONFIGURATION: 0o640}
    files = [str(file.path) for file in service_files(Path("/usr"), Path("/usr/bin"))]
    assert capsys.readouterr().out.splitlines() == [
        *[f"installed {tmp_path / path}" for path in (*files, *COMPLETION_PATHS)],
        f"installed {tmp_path / CONFIGURATION}",
    ]


def test_a_second_time_nothing_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(tmp_path)
    before = files_below(tmp_path)
    capsys.readouterr()
    assert install(tmp_path) == 0
    assert files_below(tmp_path) == before
    words = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert words - {"left"} == {"unchanged", "kept"}


def test_another_version_replaces_files_but_not_the_configuration(tmp_path: Path) -> None:
    install(tmp_path)
    unit, configuration = tmp_path / "usr/lib/systemd/system" / UNITS[0], tmp_path / CONFIGURATION
    text = unit.read_text()
    unit.write_text("an older one")
    unit.chmod(0o600)
    configuration.write_text("port = 4000\n")
    assert install(tmp_path) == 0
    assert (unit.read_text(), unit.stat().st_mode & 0o777) == (text, 0o644)
    assert configuration.read_text() == "port = 4000\n"


def test_remove_takes_away_what_is_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(tmp_path)
    changed = tmp_path / "usr/share/dbus-1/system.d/org.RDPMux.RDPMux.conf"
    changed.write_text("mine\n")
    assert install(tmp_path, "--remove") == 0
    assert files_below(tmp_path).keys() == {CONFIGURATION, str(changed.relative_to(tmp_path))}
    assert f"kept      {changed} (changed since)" in capsys.readouterr().out
    assert install(tmp_path, "--remove") == 0


def test_units_start_the_commands_where_they_are(tmp_path: Path) -> None:
    install(tmp_path, prefix="/usr/local", directory="/opt/pyrdpmux/bin")
    units = tmp_path / "usr/local/lib/systemd/system"
    lines = [line for name in UNITS for line in (units / name).read_text().splitlines()]
    started = [line.split()[0] for line in lines if line.startswith("ExecStart=")]
    assert started == [
        "ExecStart=/opt/pyrdpmux/bin/pyrdpmux",
        "ExecStart=/opt/pyrdpmux/bin/pyrdpmux-opener",
    ]
    assert (tmp_path / "etc/dbus-1/system.d/org.RDPMux.RDPMux.conf").is_file(), "where the bus looks"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_what_was_installed(tmp_path: Path) -> None:
    directory = tmp_path / "bin"
    directory.mkdir()
    for name in ("pyrdpmux", "pyrdpmux-opener"):
        (directory / name).write_text("#!/bin/sh\n")
        (directory / name).chmod(0o755)
    install(tmp_path, directory=str(directory))
    units = [tmp_path / "usr/lib/systemd/system" / name for name in UNITS]
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert [line for line in verified.stderr.splitlines() if "pyrdpmux" in line] == []


def test_the_first_configuration_says_what_holds_without_it(tmp_path: Path) -> None:
    path = tmp_path / "pyrdpmux.toml"
    path.write_bytes(first_configuration())
    assert load_config(path) == Config()


@pytest.mark.parametrize(
    ("directory", "complaint"),
    [
        ("/root/venv/bin", "sees nothing of /root"),
        ("/home/x/bin", "sees nothing of /home"),
        ("/etc", "not there"),
    ],
)
def test_commands_that_the_service_cannot_start(directory: str, complaint: str) -> None:
    with pytest.raises(MuxError, match=complaint):
        _check_commands(Path(directory))


def test_a_prefix_is_absolute(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(tmp_path, prefix="usr") == 2
    assert "does not start with /" in capsys.readouterr().err


@needs_shtab
def test_completion_of_a_checkout_is_made_on_the_spot(tmp_path: Path) -> None:
    install(tmp_path)
    found = {path: (tmp_path / path).read_text() for path in COMPLETION_PATHS}
    texts = [completion.text(make_parser) for completion in COMPLETIONS]
    assert found == dict(zip(COMPLETION_PATHS, texts, strict=True))
    install(tmp_path, "--remove")
    assert files_below(tmp_path).keys() == {CONFIGURATION}


def test_completion_that_the_wheel_carries_needs_no_shtab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    wheel = tmp_path / "packaging"
    shutil.copytree(service_files_module.files_directory(), wheel)
    for completion in COMPLETIONS:
        (wheel / completion.name).write_text(completion.shell)
    monkeypatch.setattr(service_files_module, "files_directory", lambda: wheel)
    assert install(tmp_path / "root") == 0
    found = [(tmp_path / "root" / path).read_text() for path in COMPLETION_PATHS]
    assert found == ["bash", "zsh", "fish"]


def test_without_shtab_completion_is_left_out_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert install(tmp_path) == 0
    files = {str(file.path) for file in service_files(Path("/usr"), Path("/usr/bin"))}
    assert files_below(tmp_path).keys() == {*files, CONFIGURATION}
    [line] = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("installed ")]
    assert line == f"left out  {MISSING}"
    assert install(tmp_path, "--remove") == 0
    assert files_below(tmp_path).keys() == {CONFIGURATION}


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that notes what it is told, in the file that is returned, and knows no bus."""
    notes, directory = tmp_path / "notes", tmp_path / "programs"
    directory.mkdir()
    program = directory / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >>{notes}\n[ "$1" != reload ]\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
    monkeypatch.setattr(install_command, "SYSTEMD", directory)
    return notes


def test_a_running_systemd_is_told(systemctl: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install_command._tell_the_system()
    install_command._stop_units()
    assert systemctl.read_text().splitlines() == [
        "daemon-reload",
        "reload dbus.service",
        "disable --now pyrdpmux.service pyrdpmux-opener.socket pyrdpmux-opener.service",
    ]
    assert "failed    systemctl reload dbus.service: exit code 1" in capsys.readouterr().out
