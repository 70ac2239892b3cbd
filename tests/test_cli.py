"""The command: in process where it returns, as a process of its own where signals are the point."""

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux import __version__
from pyrdpmux.cli import main
from pyrdpmux.cli.daemon_commands import demo_announcement
from pyrdpmux.files.sam_file import load_accounts
from pyrdpmux.mux.control.control_socket import ControlServer
from pyrdpmux.rdp.nla.accounts import Accounts

SECONDS = 20


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code and the one line on stderr."""
    try:
        code = main(arguments)
    except SystemExit as exit:
        code = int(exit.code or 0)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    return code, err.strip()


# -- usage -------------------------------------------------------------------------------------------


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"pyrdpmux {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "pyrdpmux: the following arguments are required: COMMAND (see pyrdpmux --help)"),
        (["serve", "--port", "0"], "argument --port: '0', 1 to 65535 allowed (see pyrdpmux serve --help)"),
        (["serve", "--port", "many"], "'many', 1 to 65535 allowed"),
        (
            ["serve", "--bus", "sysstem"],
            "--bus: 'sysstem', expected system, session, none or a D-Bus address",
        ),
        (
            ["serve", "--config", "/no/such/file.toml"],
            "pyrdpmux: /no/such/file.toml: No such file or directory",
        ),
        (["serve", "--vnc", "noaddress"], "--vnc: 'noaddress', expected NAME=ADDRESS"),
        (["serve", "--source", "vm=vnc"], "--source: 'vm=vnc', expected NAME=KIND:ADDRESS"),
        (["demo", "--security", "none"], "argument --security: invalid choice: 'none'"),
        (["demo", "--no-auth", "--security", "nla"], "--no-auth: not possible with --security nla"),
        (["passwd"], "the following arguments are required: [DOMAIN\\]USER"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    code, line = fails(capsys, *arguments)
    assert code == 2
    assert message in line


def test_a_broken_configuration_names_the_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("bind = '::1'\nprot = 1\n")
    code, line = fails(capsys, "serve", "--config", str(path))
    assert (code, line) == (2, f"pyrdpmux: {path}, line 2: prot: unknown key, did you mean 'port'?")


# -- passwd ------------------------------------------------------------------------------------------


def passwd(monkeypatch: pytest.MonkeyPatch, state: Path, user: str, typed: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return main(["passwd", user, "--stdin", "--state-dir", str(state)])


def test_passwd_adds_and_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    state, path = tmp_path / "state", tmp_path / "state" / "accounts.sam"
    assert passwd(monkeypatch, state, "alice", "secret\n") == 0
    assert capsys.readouterr().out == f"{path}: added alice\n"
    assert passwd(monkeypatch, state, "CORP\\bob", "one\n") == 0
    assert passwd(monkeypatch, state, "alice", "another secret") == 0
    assert capsys.readouterr().out.endswith(f"{path}: changed alice\n")
    accounts = load_accounts(path)
    expected = Accounts().with_password("alice", "", "another secret").with_password("bob", "CORP", "one")
    assert set(accounts.accounts) == set(expected.accounts)
    assert path.stat().st_mode & 0o777 == 0o600


def test_passwd_asks_twice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.sam"
    answers = iter(["one", "two", "three", "three"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    code, line = fails(capsys, "passwd", "alice", "--file", str(path))
    assert (code, line) == (1, "pyrdpmux: the two passwords differ, nothing was changed")
    assert not path.exists()
    assert main(["passwd", "alice", "--file", str(path)]) == 0
    assert load_accounts(path) == Accounts().with_password("alice", "", "three")


@pytest.mark.parametrize(
    ("user", "typed", "code", "message"),
    [
        ("alice", "\n", 1, "an empty password is not allowed"),
        ("al:ice", "x\n", 2, "a user name cannot contain that"),
    ],
)
def test_passwd_refuses(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    user: str,
    typed: str,
    code: int,
    message: str,
) -> None:
    assert passwd(monkeypatch, tmp_path, user, typed) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "accounts.sam").exists()


def test_passwd_of_a_vm_goes_to_its_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[vms.build7]\naccounts = "build7.sam"\n')
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    assert main(["passwd", "alice", "--stdin", "--vm", "build7", "--config", str(config)]) == 0
    assert (tmp_path / "build7.sam").exists()
    assert capsys.readouterr().out == f"{tmp_path}/build7.sam: added alice\n"


# -- the daemon --------------------------------------------------------------------------------------


@contextmanager
def running(*arguments: str, state: Path, port: int = 24950) -> Iterator[subprocess.Popen[str]]:
    """The daemon as a process; it must have ended, or is killed, when the block ends."""
    command = [sys.executable, "-m", "pyrdpmux", *arguments, "--state-dir", str(state), "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(SECONDS, process.kill)
        watchdog.start()
        try:
            yield process
        finally:
            watchdog.cancel()
            process.kill()


def lines_until(stream: object, pattern: str) -> list[str]:
    assert isinstance(stream, io.TextIOBase)
    lines = []
    for line in stream:
        lines.append(line.rstrip("\n"))
        if re.search(pattern, line):
            return lines
    raise AssertionError(f"{pattern} did not come, but {lines}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running("serve", "--bus", "none", state=tmp_path) as process:
        lines_until(process.stderr, "Ready")
        os.kill(process.pid, number)
        assert process.wait(SECONDS) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_serve_warns_when_nobody_or_everybody_can_get_in(tmp_path: Path) -> None:
    with running("serve", "--bus", "none", state=tmp_path) as process:
        assert any("no accounts yet" in line for line in lines_until(process.stderr, "Ready"))
    with running("serve", "--bus", "none", "--no-auth", state=tmp_path) as process:
        assert any("NLA is off" in line for line in lines_until(process.stderr, "Ready"))


def test_serve_without_its_bus(tmp_path: Path) -> None:
    with running("serve", "--bus", f"unix:path={tmp_path}/nothing", state=tmp_path) as process:
        assert process.wait(SECONDS) == 1
        assert process.stderr is not None
        assert process.stderr.read().splitlines()[-1].startswith("pyrdpmux: D-Bus unix:path=")


def test_reload_by_signal_and_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.toml"
    path.write_text("bus = 'none'\n")
    with running("serve", "--config", str(path), state=tmp_path) as process:
        lines_until(process.stderr, "Ready")
        os.kill(process.pid, signal.SIGHUP)
        lines_until(process.stderr, "Configuration reloaded")
        path.write_text("bus = 'none'\n[limits]\nviewers = 3")
        os.kill(process.pid, signal.SIGHUP)
        [line] = lines_until(process.stderr, "Not reloaded")
        assert f"{path}, line 3: limits.viewers: unknown key" in line
        code, line = fails(capsys, "reload", "--state-dir", str(tmp_path))
        assert code == 1
        assert "line 3: limits.viewers" in line
        path.write_text("bus = 'none'")
        assert main(["reload", "--state-dir", str(tmp_path)]) == 0
        assert capsys.readouterr().out == "reloaded\n"


def test_vms_without_a_daemon(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, line = fails(capsys, "vms", "--state-dir", str(tmp_path))
    assert (code, line) == (1, f"pyrdpmux: {tmp_path}/control.sock: no pyrdpmux daemon is running there")


def listed_as_running(state: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What `pyrdpmux vms` prints as soon as the demo VM has shown its first picture."""
    deadline = time.monotonic() + SECONDS
    while True:
        assert main(["vms", "--state-dir", str(state)]) == 0
        lines = capsys.readouterr().out.splitlines()
        if " running " in lines[1] or time.monotonic() > deadline:
            return lines
        time.sleep(0.05)


def test_demo_says_how_to_connect_and_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running("demo", state=tmp_path) as process:
        lines = lines_until(process.stdout, "^stop")
        facts = dict(line.split(maxsplit=1) for line in lines)
        assert facts["user"] == "demo"
        assert len(facts["password"]) >= 12
        assert facts["connect"].startswith(f"xfreerdp /v:{facts['address']} ")
        assert facts["connect"].endswith(f" /u:demo /p:{facts['password']}")
        heading, vm = listed_as_running(tmp_path, capsys)
        assert main(["rdp-file", "demo", "--user", "demo", "--state-dir", str(tmp_path)]) == 0
        assert capsys.readouterr().out.startswith(
            f"full address:s:{facts['address']}\r\nusername:s:demo\r\ndesktopwidth"
        )
        code, line = fails(capsys, "rdp-file", "dmeo", "--state-dir", str(tmp_path))
        assert (code, line) == (1, "pyrdpmux: dmeo: the daemon has no such VM, see `pyrdpmux vms`")
        assert heading.split() == ["NAME", "PORT", "STATE", "SIZE", "VIEWERS"]
        assert vm.split()[1:3] == [facts["address"].rpartition(":")[2], "running"]
        process.terminate()
        assert process.wait(SECONDS) == 0


def asked(tmp_path: Path, answers: dict[str, Any], *arguments: str) -> int:
    """A command's exit code, with a daemon that answers so."""

    async def scenario() -> int:
        async def answer(request: dict[str, Any]) -> dict[str, Any]:
            told: dict[str, Any] = answers[request["command"]]
            return told

        server = ControlServer(tmp_path / "control.sock", dict.fromkeys(answers, answer))
        await server.start()
        code = await asyncio.to_thread(main, [*arguments, "--state-dir", str(tmp_path)])
        await server.stop()
        return code

    return asyncio.run(scenario())


VIEWER = {"user": "eve\x1b]0;pwned\x07\nroot", "address": "127.0.0.1:1"}
HOSTILE_VM = {
    "name": "x\x1b[2J\u202e" + 1000 * "y",
    "port": 3901,
    "status": "running",
    "width": 8,
    "height": 8,
    "viewers": [VIEWER],
}


def test_a_table_of_vms_is_safe_to_look_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(tmp_path, {"vms": {"vms": [HOSTILE_VM]}}, "vms") == 0
    lines = capsys.readouterr().out.split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
    assert "x\\x1b[2J\\u202eyyy" in lines[1]
    assert "eve\\x1b]0;pwned\\x07\\nroot" in lines[1]
    assert len(lines[1]) < 1000


def test_the_table_says_how_many_displays_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vm = {**HOSTILE_VM, "name": "web", "viewers": [], "width": 1440, "height": 600}
    heads = [[0, 0, 800, 600], [800, 0, 640, 480]]
    vms = [{**vm, "heads": heads}, {**vm, "heads": heads[:1]}]
    assert asked(tmp_path, {"vms": {"vms": vms}}, "vms") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("  ")[-2:] == ["1440x600, 2 heads", "-"]
    assert "heads" not in lines[2]


def test_vms_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All that the daemon tells, as it tells it."""
    snapshot = {"vms": [HOSTILE_VM], "shares": [{"kind": "guest", "name": "x", "worked": 0.5}]}
    assert asked(tmp_path, {"snapshot": snapshot}, "vms", "--json") == 0
    text = capsys.readouterr().out
    assert json.loads(text) == snapshot
    assert text.isascii()
    assert "\x1b" not in text


def test_an_error_of_the_daemon_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(tmp_path, {"vms": {"error": "x\n\x1b[2Jy"}}, "vms") == 1
    assert capsys.readouterr().err == "pyrdpmux: x\\n\\x1b[2Jy\n"


def test_rdp_file_of_a_vm_behind_the_gateway(tmp_path: Path) -> None:
    async def answer(_request: dict[str, Any]) -> dict[str, Any]:
        vm = {"name": "büro", "port": 3902, "width": 800, "height": 600}
        gateway = {"bind": "0.0.0.0", "port": 3389}
        return {"vms": [vm, vm | {"name": "mail"}], "bind": "127.0.0.1", "nla": True, "gateway": gateway}

    async def scenario() -> list[bytes]:
        server = ControlServer(tmp_path / "control.sock", {"vms": answer})
        await server.start()
        files = []
        for arguments in (["mail"], ["büro"], ["mail", "--direct"]):
            command = [
                "rdp-file",
                *arguments,
                "--output",
                str(tmp_path / "x.rdp"),
                "--state-dir",
                str(tmp_path),
            ]
            assert await asyncio.to_thread(main, command) == 0
            files.append((tmp_path / "x.rdp").read_bytes())
        await server.stop()
        return files

    by_name, by_port, direct = asyncio.run(scenario())
    assert b"full address:s:127.0.0.1:3389\r\n" in by_name
    assert b"loadbalanceinfo:s:vm=mail\r\npcb:s:mail\r\n" in by_name
    assert b"loadbalanceinfo:s:vm=3902\r\n" in by_port
    assert b"full address:s:127.0.0.1:3902\r\n" in direct
    assert b"loadbalanceinfo" not in direct


@pytest.mark.parametrize(
    ("bind", "mode", "address", "client"),
    [
        ("127.0.0.1", "nla", "127.0.0.1:3901", "xfreerdp /v:127.0.0.1:3901 /cert:ignore /u:demo /p:pw"),
        ("0.0.0.0", "tls", "127.0.0.1:3901", "xfreerdp /v:127.0.0.1:3901 /cert:ignore /sec:tls /u:demo /p:"),
        ("::", "rdp", "[::1]:3901", "xfreerdp /v:[::1]:3901 /cert:ignore /sec:rdp /u:demo /p:"),
    ],
)
def test_the_demo_announcement(bind: str, mode: str, address: str, client: str) -> None:
    text = demo_announcement(bind, 3901, mode, "pw")
    assert f"address   {address}\n" in text
    assert f"connect   {client}\n" in text
