"""freerdp-shadow-cli, which watches an Xvfb."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.glass.server import PATIENCE, Place, Running, Server
from pyrdpmux.harness.display import Display
from pyrdpmux.harness.programs import free_port


@contextmanager
def start(place: Place) -> Iterator[Running]:
    port = free_port()
    home = {"HOME": str(place.folder), "XDG_CONFIG_HOME": str(place.folder / ".config")}
    argv = ["freerdp-shadow-cli", f"/port:{port}", "/bind-address:127.0.0.1", "-auth", "/sec:tls"]
    with (
        Display(place.folder, f"{place.geometry}x24", "server-display") as display,
        display.start(argv, place.folder / "shadow.log", **home) as program,
    ):
        program.wait_for_port(port, PATIENCE)
        yield Running(("x", display.name), port, (program.pid,), (display.server.pid,))


SERVER = Server("freerdp-shadow", ("freerdp-shadow-cli", "Xvfb"), start)
