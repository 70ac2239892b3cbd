"""`pyrdpmux serve --check`: what is wrong, each with file and line, and nothing started or made."""

import os
import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyrdpmux.cli import main
from pyrdpmux.files import certificate_file
from pyrdpmux.files.sam_file import set_password
from pyrdpmux.harness.programs import free_port
from tests.cli.serve_program import serving


class Host:
    """A configuration and a state directory."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = directory / "c.toml"
        self.state = directory / "state"
        self.state.mkdir(mode=0o700)
        set_password(self.state / "accounts.sam", "alice", "", "secret")
        self._capsys = capsys

    def check(self, text: str, *arguments: str) -> tuple[int, list[str]]:
        self.config.write_text(f'state-dir = "{self.state}"\nbus = "none"\n{text}')
        code = main(["serve", "--check", "--config", str(self.config), *arguments])
        out, err = self._capsys.readouterr()
        assert err == ""
        *findings, summary = out.splitlines()
        assert summary.startswith(f"{self.config}: ") or not summary.endswith("warnings")
        return code, findings if summary.endswith("warnings") else [*findings, summary]


@pytest.fixture
def host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Host:
    return Host(tmp_path, capsys)


def test_all_is_well_and_nothing_is_made(host: Host) -> None:
    assert host.check("", "--demo", "x") == (0, [])
    assert [path.name for path in host.state.iterdir()] == ["accounts.sam"]


def test_a_configuration_that_cannot_be_read(host: Host) -> None:
    code, findings = host.check("[vms.x]\nprot = 1\n")
    assert code == 1
    [finding] = findings
    assert finding.startswith(f"error: {host.config}, line 4: vms.x.prot: unknown key")


def test_all_of_what_cannot_be_read(host: Host) -> None:
    code, findings = host.check(
        'port = 0\nbind = 7\n[limits]\ntake-over = "yes"\nviewers = 3\n[input]\ntypists = "nobody"\n'
        "[vms.x]\nusers = 4\ncertificate-dir = 5\n[vms]\ny = 1\n[groups]\ng = ['x', 2]\n"
    )
    assert code == 1
    assert {finding.split(": ")[2] for finding in findings} == {
        "port",
        "bind",
        "limits.take-over",
        "limits.viewers",
        "input.typists",
        "vms.x.users",
        "vms.x.certificate-dir",
        "vms.y",
        "groups.g",
    }
    assert len(findings) == 9


def test_everything_that_is_wrong_is_said_at_once(host: Host, tmp_path: Path) -> None:
    (tmp_path / "bad.sam").write_text("nonsense\n")
    (tmp_path / "bad.sam").chmod(0o600)
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "server.crt").write_text("nonsense\n")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        code, findings = host.check(
            f'[vms.a]\naccounts = "bad.sam"\n[vms.b]\ncertificate-dir = "tls"\n'
            f'[vms.c]\nsource = "vnc:nothing"\n[vms.d]\nsource = "nonsense:x"\n[vms.e]\nport = {port}\n'
        )
    assert code == 1
    places = [
        (4, "vms.a.accounts", "bad.sam:1: expected user"),
        (6, "vms.b.certificate-dir", "not a PEM certificate"),
        (8, "vms.c.source", "'nothing'"),
        (10, "vms.d.source", "'nonsense', known kinds are"),
        (12, "vms.e.port", f"{port}: cannot listen there: Address already in use"),
    ]
    for finding, (line, key, reason) in zip(findings, places, strict=True):
        assert finding.startswith(f"error: {host.config}, line {line}: {key}: ")
        assert reason in finding


def test_what_a_pattern_says_is_looked_at_too(host: Host, tmp_path: Path) -> None:
    (tmp_path / "bad.sam").write_text("nonsense\n")
    (tmp_path / "bad.sam").chmod(0o600)
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "server.crt").write_text("nonsense")
    code, findings = host.check('[vms."web-*"]\naccounts = "bad.sam"\ncertificate-dir = "tls"\n')
    assert code == 1
    accounts, certificate = findings
    assert accounts.startswith(f"error: {host.config}, line 4: vms.web-*.accounts: {tmp_path}/bad.sam:1: ")
    assert certificate.startswith(f"error: {host.config}, line 5: vms.web-*.certificate-dir: ")


def test_an_address_that_is_not_ours(host: Host) -> None:
    code, [finding] = host.check('bind = "192.0.2.1"\n')
    assert (code, finding) == (
        1,
        f"error: {host.config}, line 3: bind: 192.0.2.1: Cannot assign requested address",
    )


def test_a_gateway_whose_port_is_busy(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        code, [finding] = host.check(f"[gateway]\nport = {busy.getsockname()[1]}\n")
    assert code == 1
    assert f"{host.config}, line 4: gateway.port: " in finding


@pytest.mark.parametrize(("days", "says"), [(10, "expires in 10 days"), (-1, "has expired"), (400, None)])
def test_how_long_a_certificate_is_good(host: Host, days: int, says: str | None) -> None:
    left = timedelta(days=days, minutes=5)
    certificate_file.load_or_create(host.state, "x", datetime.now(UTC) - certificate_file.VALIDITY + left)
    code, findings = host.check("")
    assert code == 0
    assert [f"pyrdpmux.crt {says}" in finding for finding in findings] == ([True] if says else [])


def test_nobody_or_everybody_can_get_in(host: Host) -> None:
    (host.state / "accounts.sam").unlink()
    code, [finding] = host.check("")
    assert code == 0
    assert finding.startswith("warning: ")
    assert "no accounts yet" in finding
    code, [finding] = host.check("", "--no-auth")
    assert (code, finding) == (0, "warning: NLA is off: everybody who reaches a console's port gets in")


def test_while_the_daemon_runs_its_ports_are_its_own(host: Host) -> None:
    port = free_port()
    with serving(host.state, "--bus", "none", "--demo", "x", port=port):
        code, [finding] = host.check(f"[vms.x]\nport = {port}\n")
    assert code == 0
    assert "a daemon runs, ports were not tried" in finding


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_root_looks_as_the_daemons_user(host: Host, tmp_path: Path) -> None:
    """A file of root's that only root may read is none that the daemon can read."""
    for path in (*tmp_path.parents, tmp_path):
        if path.is_relative_to("/tmp") and path != Path("/tmp"):
            path.chmod(0o755)
    shutil.chown(host.state, 2)
    code, [finding] = host.check(f'accounts = "{host.state}/accounts.sam"\n')
    assert code == 1
    assert "accounts.sam: cannot read: Permission denied" in finding
    shutil.chown(host.state / "accounts.sam", 2)
    assert host.check("") == (0, [])
    assert os.geteuid() == 0
