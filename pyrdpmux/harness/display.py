"""An X display of our own (Xvfb), what a person does at it (xdotool), and what is to be seen on it (xwd)."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pyrdpmux.harness.programs import Program, ProgramError, wait_until
from pyrdpmux.harness.screenshot import Picture, XwdImage
from pyrdpmux.wire import decode

COMMAND_SECONDS: Final = 60.0


class Display:
    """A running Xvfb; Xvfb itself picks a free display number."""

    def __init__(self, folder: Path, geometry: str = "1280x1024x24", name: str = "xvfb") -> None:
        # -noreset: a display whose last client has left keeps its root picture. -r: a key that is down for
        # long, because something else computes, is pressed once all the same.
        argv = ["Xvfb", "-displayfd", "1", "-screen", "0", geometry, "-nolisten", "tcp", "-noreset", "-r"]
        self.server = Program(argv, folder / f"{name}.log")
        numbers: list[str] = []

        def ready() -> bool:
            numbers[:] = re.findall(r"^(\d+)\n", self.server.output, re.MULTILINE)
            return bool(numbers)

        self.server.wait_until(ready, 20.0, "waiting for the display")
        self.name = f":{numbers[0]}"
        self.environment = {"DISPLAY": self.name}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.server.stop()

    # -- programs on it --------------------------------------------------------------------------

    def start(self, argv: Sequence[str | Path], log: Path, stdin: str = "", **environment: str) -> Program:
        """A program that keeps running on this display."""
        return Program(argv, log, {**self.environment, **environment}, stdin)

    def command(self, *argv: str) -> bytes:
        """The output of a command that ends by itself."""
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=True,
                timeout=COMMAND_SECONDS,
                env={**os.environ, **self.environment},
            )
        except subprocess.CalledProcessError as error:
            complaint = error.stderr.decode("utf-8", "replace").strip()
            raise ProgramError(f"{' '.join(argv)}: exit code {error.returncode}: {complaint}") from None
        except subprocess.TimeoutExpired:
            raise ProgramError(f"{' '.join(argv)}: still runs after {COMMAND_SECONDS:g} s") from None
        return done.stdout

    # -- what a person does ----------------------------------------------------------------------

    def xdotool(self, *words: str) -> str:
        return self.command("xdotool", *words).decode("utf-8", "replace").strip()

    def windows(self, title: str) -> list[int]:
        """The visible windows whose title matches the regular expression ``title``."""
        try:
            return [int(line) for line in self.xdotool("search", "--onlyvisible", "--name", title).split()]
        except ProgramError:  # xdotool's way to say that there is none
            return []

    def wait_for_window(self, title: str, timeout: float = 20.0) -> int:
        found: list[int] = []

        def appeared() -> bool:
            found[:] = self.windows(title)
            return bool(found)

        wait_until(appeared, timeout, f"window {title!r} on {self.name}")
        return found[0]

    def focus(self, window: int) -> None:
        """Without a window manager nobody else gives a window the keyboard."""
        self.xdotool("windowfocus", "--sync", str(window))

    def move(self, window: int, x: int, y: int) -> None:
        self.xdotool("mousemove", "--window", str(window), str(x), str(y))

    def button(self, number: int, action: str = "click") -> None:
        """``action``: click, mousedown or mouseup."""
        self.xdotool(action, str(number))

    def key(self, *names: str, action: str = "key") -> None:
        """``action``: key, keydown or keyup; names are X keysyms, joined by + for chords."""
        self.xdotool(action, *names)

    def type(self, text: str) -> None:
        self.xdotool("type", "--delay", "10", text)

    # -- what is to be seen ----------------------------------------------------------------------

    def picture(self, window: int | None = None) -> Picture:
        """The pixels of one window, or of the whole display."""
        which = ["-root"] if window is None else ["-id", str(window)]
        return decode(XwdImage, self.command("xwd", "-silent", *which)).picture
