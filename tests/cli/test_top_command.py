"""`pyrdpmux top`, from the daemon's answers to a terminal."""

import argparse
import asyncio
import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux import cli
from pyrdpmux.cli.top_command import BEGIN, END, HOME, Page, interval
from pyrdpmux.cli.top_rates import rates_between
from pyrdpmux.mux.control.control_socket import ControlServer
from tests.cli.snapshots import AFTER, BEFORE, snapshot

SECONDS = 60


@contextmanager
def daemon(path: Path, *answers: dict[str, Any]) -> Iterator[None]:
    """Answers these one after the other, and the last one again and again; on a loop of its own."""
    loop = asyncio.new_event_loop()
    left = list(answers)

    async def tell(_request: dict[str, Any]) -> dict[str, Any]:
        return left.pop(0) if len(left) > 1 else left[0]

    server = ControlServer(path / "control.sock", {"snapshot": tell})
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those that were asked for, none of which is waited for."""
    found: list[float] = []
    monkeypatch.setattr("time.sleep", found.append)
    return found


def test_a_look_at_one_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], waits: list[float]
) -> None:
    with daemon(tmp_path, BEFORE, AFTER):
        assert cli.main(["top", "--once", "--interval", "0.5", "--state-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert waits == [0.5]
    assert "\x1b" not in out
    assert [line.split()[0] for line in out.splitlines()] == [
        "pyrdpmux:",
        "VM,",
        "build7",
        "alice",
        "ms",
        "mail",
    ]
    assert max(map(len, out.splitlines())) < 80


def test_json_is_a_line_for_each_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([None, None, KeyboardInterrupt()])

    def sleep(_seconds: float) -> None:
        if (error := next(left)) is not None:
            raise error

    monkeypatch.setattr("time.sleep", sleep)
    with daemon(tmp_path, BEFORE, AFTER):
        assert cli.main(["top", "--json", "--state-dir", str(tmp_path)]) == 0
    first, second = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert first["cpu_percent"] == 30.0
    assert first["vms"][0]["viewers"][0]["codecs"] == ["AVC420", "ClearCodec", "planar"]
    assert first["vms"][0]["steps"]["find"]["ms_per_frame"] == 2.0
    assert second["seconds"] == 0.0


def test_no_daemon_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["top", "--state-dir", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert "no pyrdpmux daemon is running" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("text", ["0", "0.1", "3601", "nan", "inf", "-1", "x", ""])
def test_intervals_that_make_no_sense(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        interval(text)
    assert interval("0.2") == 0.2


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "has_colors"), [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)]
)
def test_colors_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], has_colors: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in ({"TERM": "xterm", "COLUMNS": "80", "LINES": "24"} | environment).items():
        monkeypatch.setenv(name, value)
    out, before = Terminal(), signal.getsignal(signal.SIGTERM)
    page = Page(out)
    page.show(rates_between(BEFORE, AFTER))
    page.show(rates_between(BEFORE, AFTER))
    page.close()
    text = out.getvalue()
    assert ("\x1b[1mbuild7" in text) is has_colors
    assert (text.count(BEGIN), text.count(HOME), text.count(END)) == (1, 2, 1)
    assert text.endswith(END)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_page_that_has_shown_nothing_leaves_the_terminal_alone() -> None:
    out = Terminal()
    Page(out).close()
    assert out.getvalue() == ""


@pytest.mark.parametrize("ends_by", ["Ctrl+C", "SIGTERM"])
def test_the_terminal_is_given_back(tmp_path: Path, ends_by: str) -> None:
    """A real one, of a process of its own."""
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "pyrdpmux", "top", "--state-dir", str(tmp_path)]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    with daemon(tmp_path, BEFORE, snapshot(103.0)):
        process = subprocess.Popen(
            command,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=environment,
            start_new_session=True,
            # A shell that runs the tests in the background lets its children ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(terminal)
        try:
            seen = b""
            while b"build7" not in seen:
                seen += os.read(controller, 4096)
            process.send_signal(signal.SIGINT if ends_by == "Ctrl+C" else signal.SIGTERM)
            while not seen.endswith(END.encode()):
                seen += os.read(controller, 4096)
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
            process.wait()
            os.close(controller)
    assert seen.startswith(BEGIN.encode())
    assert b"Traceback" not in seen
