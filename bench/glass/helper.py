"""A process of ours that is told one line and answers one line."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pyrdpmux.harness.programs import ProgramError

ROOT: Final = Path(__file__).parents[2]
END_SECONDS: Final = 25.0


class Helper:
    """``python -m MODULE ARGUMENTS``, ended with the block."""

    def __init__(self, log: Path, module: str, *arguments: str) -> None:
        self.log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                start_new_session=True,
            )
        self._module = module
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._process.communicate(timeout=END_SECONDS)
        except (subprocess.TimeoutExpired, OSError):
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, line: str, seconds: float) -> str:
        """Its answer. ProgramError if there is none in time."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure("has ended") from None
        return self.hear(seconds)

    def hear(self, seconds: float) -> str:
        """The next line that it says, without its end."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise self._failure(f"says nothing within {seconds:g} s")
            more = os.read(output, 1 << 16)
            if not more:
                raise self._failure("has ended")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def _failure(self, what: str) -> ProgramError:
        tail = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-20:])
        return ProgramError(f"{self._module} {what}\n{tail}")
