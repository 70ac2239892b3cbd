"""The README's first commands on a host whose system bus is not there, or knows nothing of us."""

import shutil
from pathlib import Path

import pytest

from tests.cli.serve_program import pyrdpmux, serving
from tests.mux.support.private_bus import private_bus

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")

POLICY = "/usr/share/dbus-1/system.d/org.RDPMux.RDPMux.conf"
VNC = ("--vnc", "build7=127.0.0.1:5999")


def assert_served_with_one_warning(tmp_path: Path, system_bus: str) -> None:
    assert pyrdpmux("passwd", "alice", "--stdin", "--state-dir", tmp_path, input="secret\n").returncode == 0
    with serving(tmp_path, *VNC, system_bus=system_bus) as daemon:
        assert [vm["name"] for vm in daemon.ask("vms")["vms"]] == ["build7"]
    assert not any("VMs register at bus" in line for line in daemon.lines)
    warnings = [line for line in daemon.lines if "WARNING" in line and "build7: " not in line]
    assert len(warnings) == 1, warnings
    [warning] = warnings
    assert "No VMs can register: D-Bus system: " in warning
    assert daemon.process.returncode == 0


def test_a_host_without_a_bus(tmp_path: Path) -> None:
    assert_served_with_one_warning(tmp_path, "unix:path=/nowhere")


def test_a_bus_without_our_policy(tmp_path: Path) -> None:
    with private_bus(tmp_path, may_own=False) as bus:
        assert_served_with_one_warning(tmp_path, bus)


def test_a_bus_with_our_policy_is_used_unasked(tmp_path: Path) -> None:
    with private_bus(tmp_path, may_own=True) as bus, serving(tmp_path, *VNC, system_bus=bus) as daemon:
        assert "VMs register at bus system" in daemon.lines[-1]


@pytest.mark.parametrize("arguments", [(*VNC, "--bus", "system"), ()], ids=["asked for", "nothing else"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_bus_that_is_needed_is_an_error_that_says_what_to_do(
    tmp_path: Path, arguments: tuple[str, ...], is_there: bool
) -> None:
    with private_bus(tmp_path, may_own=False) as bus:
        given = bus if is_there else "unix:path=/nowhere"
        ran = pyrdpmux("serve", "--state-dir", tmp_path / "state", *arguments, system_bus=given)
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert last.startswith("pyrdpmux: D-Bus system: ")
    assert POLICY in last
    assert "`--bus none`" in last


def test_a_configuration_may_ask_for_it_too(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('bus = "system"\n[vms.build7]\nsource = "vnc:127.0.0.1:5999"\n')
    ran = pyrdpmux("serve", "--state-dir", tmp_path, "--config", path)
    assert ran.returncode == 1
    assert POLICY in ran.stderr
