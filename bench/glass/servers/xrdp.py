"""xrdp in front of an Xtigervnc, without its login dialog and its session manager."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from bench.glass.server import PATIENCE, Place, Running, Server
from pyrdpmux.harness.programs import Program, free_port
from tests.interop.servers import XRDP_INI, VncDisplay


@contextmanager
def start(place: Place) -> Iterator[Running]:
    folder, port = place.folder, free_port()
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=xrdp",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    with VncDisplay(folder, place.geometry) as display:
        config = XRDP_INI.format(
            port=port, security="tls", level="high", folder=folder, vnc_port=display.port
        )
        (folder / "xrdp.ini").write_text(config.replace("=DEBUG", "=WARNING"), encoding="ascii")
        argv = ["xrdp", "--nodaemon", "--config", str(folder / "xrdp.ini")]
        with Program(argv, folder / "xrdp.out") as program:
            program.wait_for_port(port, PATIENCE)
            yield Running(("x", display.name), port, (program.pid,), (display.server.pid,))


SERVER = Server("xrdp", ("xrdp", "Xtigervnc", "openssl"), start)
