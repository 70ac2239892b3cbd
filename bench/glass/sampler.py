"""Watches the marker on an X display, in a process of its own, and says when each number first appeared.

    python -m bench.glass.sampler :7

Commands on standard input, each answered by one line of JSON: ``["await", NUMBER, SECONDS]`` (true as soon as
that number is there or has been), ``["grab", "picture.npy"]`` (the whole display), ``["seen"]`` (numbers and
times).
"""

import json
import queue
import sys
import threading
import time
from typing import Any, Final

import numpy as np

from bench.glass import marker
from bench.glass.xlib import SharedImage, XDisplay

POLL_SECONDS: Final = 0.001
ROW: Final = 4 * marker.WIDTH
STEP: Final = 4 * marker.BLOCK
FIRST: Final = ROW * (marker.HEIGHT // 2) + STEP // 2 + 1
"""Of the marker's image, the green byte in the middle of the first block."""


class Sampler:
    """Looks once in a millisecond; what has not changed costs no more than the looking."""

    def __init__(self, display: XDisplay) -> None:
        self.seen: dict[int, float] = {}
        self._display = display
        self._image = SharedImage(display, marker.WIDTH, marker.HEIGHT)
        self._bytes = self._image.pixels.data.cast("B")
        self._last = b""

    def look(self) -> None:
        self._image.grab(marker.RECT.x, marker.RECT.y)
        now = time.monotonic()
        samples = bytes(self._bytes[FIRST : FIRST + STEP * marker.BLOCKS : STEP])
        if samples == self._last:
            return
        self._last = samples
        number = marker.read(samples)
        if number is not None:
            self.seen.setdefault(number, now)

    def grab(self, path: str) -> None:
        image = SharedImage(self._display, *self._display.size)
        image.grab(0, 0)
        np.save(path, image.pixels)


def _commands() -> "queue.SimpleQueue[list[Any] | None]":
    """What comes on standard input, and None at its end."""
    commands: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            commands.put(json.loads(line))
        commands.put(None)

    threading.Thread(target=read, daemon=True).start()
    return commands


def _answer(value: object) -> None:
    print(json.dumps(value), flush=True)


def run(sampler: Sampler) -> None:
    commands = _commands()
    awaited: tuple[int, float] | None = None
    while True:
        time.sleep(POLL_SECONDS)
        sampler.look()
        if awaited is not None:
            number, deadline = awaited
            if number in sampler.seen or time.monotonic() > deadline:
                awaited = None
                _answer(number in sampler.seen)
            continue
        if commands.empty():
            continue
        match commands.get():
            case None:
                return
            case ["await", number, seconds]:
                awaited = number, time.monotonic() + seconds
            case ["grab", path]:
                sampler.grab(path)
                _answer(True)
            case ["seen"]:
                _answer(sorted(sampler.seen.items()))
            case command:
                raise ValueError(f"{command!r} is no command")


if __name__ == "__main__":
    with XDisplay(sys.argv[1]) as display:
        run(Sampler(display))
