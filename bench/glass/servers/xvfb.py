"""No server at all: how soon the X server itself shows what is drawn into it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.glass.server import Place, Running, Server
from pyrdpmux.harness.display import Display


@contextmanager
def start(place: Place) -> Iterator[Running]:
    with Display(place.folder, f"{place.geometry}x24", "xvfb") as display:
        yield Running(("x", display.name), None, display_processes=(display.server.pid,))


SERVER = Server("xvfb", ("Xvfb",), start)
