"""`pyrdpmux serve` as its user runs it: a process, with a state directory and a system bus of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.control.client import ask

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 60.0


def environment(system_bus: str) -> dict[str, str]:
    """Of a process whose system bus is at this address."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "DBUS_SYSTEM_BUS_ADDRESS": system_bus}


def pyrdpmux(*arguments: str | Path, system_bus: str = "unix:path=/nowhere", **options: Any) -> Any:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pyrdpmux", *map(str, arguments)],
        env=environment(system_bus),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        **options,
    )


@dataclass
class Serving:
    """The daemon; its log grows as it is read."""

    process: "subprocess.Popen[str]"
    state: Path
    lines: list[str] = field(default_factory=list)

    def until(self, text: str) -> str:
        """Read the log as far as a line with this text. Fails if the daemon ends before."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"ended without {text!r}: {''.join(self.lines)}")

    def ask(self, command: str, **arguments: Any) -> Any:
        return ask(self.state / "control.sock", command, **arguments)

    def reload(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """As systemd does, and read the log to its end."""
        self.process.terminate()
        _, rest = self.process.communicate(timeout=SECONDS)
        self.lines += rest.splitlines(keepends=True)


@contextmanager
def serving(
    state: Path, *arguments: str | Path, system_bus: str = "unix:path=/nowhere", port: int = 0
) -> Iterator[Serving]:
    """As long as the block lasts; it is ready at its beginning, unless it has ended."""
    listening = ("--state-dir", state, "--port", port or free_port())
    process = subprocess.Popen(
        [sys.executable, "-m", "pyrdpmux", "serve", *map(str, (*listening, *arguments))],
        env=environment(system_bus),
        stderr=subprocess.PIPE,
        text=True,
    )
    daemon = Serving(process, state)
    try:
        daemon.until("Ready")
        yield daemon
    finally:
        daemon.stop()
