"""`pyrdpmux serve` with a built-in VM, as one more kind of source."""

from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.sources import installed_kinds
from tests.cli.serve_program import Serving, serving


def statuses(daemon: Serving) -> dict[str, str]:
    return {vm["name"]: vm["status"] for vm in daemon.ask("vms")["vms"]}


def test_by_options_and_by_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('bus = "none"\n[vms.two]\nsource = "demo:"\n')
    arguments = ("--config", path, "--demo", "one", "--source", "three=demo:")
    with serving(tmp_path / "state", *arguments) as daemon:
        while set(statuses(daemon).values()) != {"running"}:
            pass
        assert set(statuses(daemon)) == {"one", "two", "three"}
    assert daemon.process.returncode == 0


def test_it_has_no_address() -> None:
    with pytest.raises(ConfigError, match="'x', the demo VM has no address"):
        installed_kinds()["demo"]("vm", "x")
