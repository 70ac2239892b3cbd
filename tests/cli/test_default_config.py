"""/etc/pyrdpmux/pyrdpmux.toml is read where --config is absent."""

from argparse import Namespace
from pathlib import Path

import pytest

from pyrdpmux.cli import main
from pyrdpmux.cli.app import make_parser
from pyrdpmux.cli.options import CONFIG_VARIABLE, SYSTEM_CONFIG, config_path, make_config
from pyrdpmux.errors import ConfigError

COMMANDS = ["serve", "vms", "type vm text", "rdp-file vm", "diagnose", "reload", "passwd alice", "user list"]


@pytest.fixture
def system_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "pyrdpmux.toml"
    path.write_text(f'port = 4567\nstate-dir = "{tmp_path}/state"\n')
    monkeypatch.setenv(CONFIG_VARIABLE, str(path))
    return path


def parsed(text: str) -> Namespace:
    return make_parser().parse_args(text.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_it(system_config: Path, tmp_path: Path, command: str) -> None:
    assert make_config(parsed(command)).state_dir == tmp_path / "state"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_given_counts_instead(system_config: Path, tmp_path: Path, command: str) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 1234\n")
    assert make_config(parsed(f"{command} --config {other}")).port == 1234


def test_what_is_broken_is_said(system_config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    system_config.write_text("prot = 1\n")
    assert main(["vms"]) == 2
    assert f"{system_config}, line 1: prot: unknown key" in capsys.readouterr().err


def test_without_it_there_are_the_defaults(system_config: Path) -> None:
    system_config.unlink()
    assert make_config(parsed("serve")).port == 3901
    with pytest.raises(ConfigError, match="No such file"):
        make_config(parsed("serve --config /nowhere"))


def test_the_demo_is_not_the_machines_daemon(system_config: Path) -> None:
    assert make_config(parsed("demo")).port == 3901


def test_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONFIG_VARIABLE)
    monkeypatch.setattr(Path, "is_file", lambda path: str(path) == SYSTEM_CONFIG)
    monkeypatch.setattr("os.access", lambda path, mode: True)
    assert config_path(parsed("vms")) == Path("/etc/pyrdpmux/pyrdpmux.toml")
