"""pyrdpmux with a VM that registers itself: the guest API, librdpmux's protocol 5, from Python."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.glass.pyrdpmux_daemon import daemon
from bench.glass.server import Place, Running, Server
from tests.mux.qemu.bus_daemon import bus_daemon


@contextmanager
def start(place: Place) -> Iterator[Running]:
    with bus_daemon(place.folder) as bus, daemon(place, "--bus", bus) as (program, port):
        yield Running(("guest", bus), port, (program.pid,))


SERVER = Server("pyrdpmux, guest API", ("dbus-daemon",), start)
