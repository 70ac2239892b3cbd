"""pyrdpmux in front of the Xtigervnc that xrdp has, too."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.glass.pyrdpmux_daemon import daemon
from bench.glass.server import Place, Running, Server
from tests.interop.servers import VncDisplay


@contextmanager
def start(place: Place) -> Iterator[Running]:
    with VncDisplay(place.folder, place.geometry) as display:
        source = f"glass=vnc:127.0.0.1:{display.port}"
        with daemon(place, "--bus", "none", "--source", source) as (program, port):
            yield Running(("x", display.name), port, (program.pid,), (display.server.pid,))


SERVER = Server("pyrdpmux, VNC", ("Xtigervnc",), start)
