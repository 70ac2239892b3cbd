"""A daemon that is restarted as systemd does it: a client that reconnects by itself sees its VM again."""

import signal
from pathlib import Path
from typing import Final

import pytest

from pyrdpmux.files.sam_file import set_password
from pyrdpmux.harness.programs import free_port, wait_until
from tests.cli.serve_program import Serving, serving
from tests.interop.client import Client, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import PASSWORD, USER

PATIENCE: Final = 180.0
"""xfreerdp tries again every five seconds."""

NOBODY_THERE: Final = "vm=127.0.0.1:5999"
"""The VM's console shows a card that says so, which is a picture as well."""


def wait_for_viewer(daemon: Serving) -> None:
    def is_there() -> bool:
        [vm] = daemon.ask("vms")["vms"]
        return [(viewer["user"], viewer["is_active"]) for viewer in vm["viewers"]] == [(USER, True)]

    wait_until(is_there, PATIENCE, "the viewer")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    set_password(tmp_path / "accounts.sam", USER, "", PASSWORD)
    return tmp_path


def start_client(start: Start, port: int) -> Client:
    return start(xfreerdp(port, "nla", 32, "+auto-reconnect", "/auto-reconnect-max-retries:20"))


def test_a_viewer_comes_back_after_a_restart(state: Path, start: Start) -> None:
    port = free_port()
    with serving(state, "--bus", "none", "--vnc", NOBODY_THERE, port=port) as daemon:
        client = start_client(start, port)
        wait_for_viewer(daemon)
    with serving(state, "--bus", "none", "--vnc", NOBODY_THERE, port=port) as daemon:
        wait_for_viewer(daemon)
        assert client.program.is_running
        wait_until(lambda: bool(client.picture().any()), PATIENCE, "its picture")


def test_a_viewer_stays_away_when_somebody_ends_the_daemon(state: Path, start: Start) -> None:
    port = free_port()
    with serving(state, "--bus", "none", "--vnc", NOBODY_THERE, port=port) as daemon:
        client = start_client(start, port)
        wait_for_viewer(daemon)
        daemon.process.send_signal(signal.SIGINT)
        assert client.program.wait(PATIENCE) != 0
    assert "ERRINFO_RPC_INITIATED_DISCONNECT" in client.program.output
