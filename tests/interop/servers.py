"""Foreign RDP servers on a loopback port, each showing a display of its own that a test can paint."""

import contextlib
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.harness.display import Display
from pyrdpmux.harness.peers.client import Client
from pyrdpmux.harness.programs import Program, ProgramError, free_port, wait_until
from pyrdpmux.harness.screenshot import Picture, XwdImage
from pyrdpmux.wire import encode
from tests.interop.console import PATIENCE, USER, Bgrx

#: NT hash of console.PASSWORD.
NT_HASH: Final = "cfc43211ba8dc470832267827cac1407"
PAINTING: Final = "painting"


class VncDisplay(Display):
    """An Xtigervnc, which a VNC viewer on ``port`` sees: what xrdp's session servers are."""

    def __init__(self, folder: Path, geometry: str) -> None:
        self.port = free_port()
        argv = ["Xtigervnc", "-displayfd", "1", "-geometry", geometry, "-depth", "24", "-nolisten", "tcp"]
        argv += ["-rfbport", str(self.port), "-localhost", "-SecurityTypes", "None", "-AlwaysShared"]
        self.server = Program(argv, folder / "xtigervnc.log")
        numbers: list[str] = []

        def ready() -> bool:
            numbers[:] = re.findall(r"^(\d+)\n", self.server.output, re.MULTILINE)
            return bool(numbers)

        self.server.wait_until(ready, PATIENCE, "waiting for the display")
        self.name = f":{numbers[0]}"
        self.environment = {"DISPLAY": self.name}


@dataclass(frozen=True)
class ForeignServer:
    """A running server, and the display that it shows."""

    port: int
    display: Display
    says: Callable[[], str]


def write_xwd(path: Path, picture: Bgrx) -> None:
    """For xwud."""
    height, width = picture.shape[:2]
    path.write_bytes(encode(XwdImage(width, height, 4 * width, picture.tobytes(), PAINTING.encode())))


@contextlib.contextmanager
def painted(display: Display, folder: Path, picture: Bgrx) -> Iterator[None]:
    """A window with ``picture`` in the display's top left corner."""
    file = folder / "painting.xwd"
    write_xwd(file, picture)
    with display.start(["xwud", "-in", file, "-geometry", "+0+0", "-noclick"], folder / "xwud.log") as xwud:
        xwud.wait_until(
            lambda: bool(
                (display.picture()[: len(picture), : picture.shape[1]] == picture[..., 2::-1]).all()
            ),
            PATIENCE,
            "waiting for its picture",
        )
        yield


def shown_on(display: Display) -> Bgrx:
    """The display's picture as a client's framebuffer has it."""
    rgb: Picture = display.picture()
    return np.concatenate([rgb[..., ::-1], np.zeros((*rgb.shape[:2], 1), np.uint8)], axis=2)


def matches(client: Client, display: Display, bits_per_pixel: int = 32) -> bool:
    """Whether the client shows the display, pixel for pixel.

    Below 24 bits after the reduction that TigerVNC makes for xrdp, which rounds where others cut off, and
    after our expansion.
    """
    expected: NDArray[np.int64] = shown_on(display)[..., :3].astype(np.int64)
    if bits_per_pixel < 24:
        bits = np.array((5, 6 if bits_per_pixel == 16 else 5, 5))
        most = (1 << bits) - 1
        reduced = (expected * most + 128) // 255
        high = 8 - bits
        expected = np.minimum(255, (reduced << high) + (reduced >> np.where(bits == 6, 3, 2)))
    return np.array_equal(client.picture[..., :3], expected)


@contextlib.contextmanager
def shadow(folder: Path, geometry: str, *options: str, nla: bool = False) -> Iterator[ForeignServer]:
    """freerdp-shadow-cli on an Xvfb."""
    sam = folder / "sam"
    sam.write_text(f"{USER}:::{NT_HASH}:::\n", encoding="ascii")
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config")}
    port = free_port()
    with Display(folder, f"{geometry}x24", "server-display") as display:
        display.command("xsetroot", "-solid", "#336699")
        argv = ["freerdp-shadow-cli", f"/port:{port}", "/bind-address:127.0.0.1", f"/sam-file:{sam}"]
        argv += ["+auth", "/sec:nla"] if nla else ["-auth"]
        with display.start([*argv, *options], folder / "shadow.log", **home) as program:
            program.wait_for_port(port)
            yield ForeignServer(port, display, lambda: program.output)


XRDP_INI: Final = """\
[Globals]
ini_version=1
fork=false
port=tcp://127.0.0.1:{port}
security_layer={security}
crypt_level={level}
certificate={folder}/cert.pem
key_file={folder}/key.pem
ssl_protocols=TLSv1.2, TLSv1.3
autorun=desktop
allow_channels=true
bitmap_cache=true
bitmap_compression=true
bulk_compression=true
max_bpp=32
new_cursors=true
use_fastpath=both
[Logging]
LogFile={folder}/xrdp.log
LogLevel=DEBUG
EnableSyslog=false
[Channels]
rdpdr=false
rdpsnd=false
drdynvc=false
cliprdr=false
[desktop]
name=desktop
lib=libvnc.so
username=na
password=
ip=127.0.0.1
port={vnc_port}
"""


@contextlib.contextmanager
def xrdp(folder: Path, geometry: str, security: str = "tls", level: str = "high") -> Iterator[ForeignServer]:
    """xrdp in front of an Xtigervnc, without its login dialog and without its session manager.

    ``security``: tls or rdp; rdp needs the key in /etc/xrdp, which root may read.
    """
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=xrdp",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    port = free_port()
    with VncDisplay(folder, geometry) as display:
        display.command("xsetroot", "-solid", "#663399")
        config = XRDP_INI.format(
            port=port, security=security, level=level, folder=folder, vnc_port=display.port
        )
        (folder / "xrdp.ini").write_text(config, encoding="ascii")
        argv = ["xrdp", "--nodaemon", "--config", str(folder / "xrdp.ini")]
        log = folder / "xrdp.log"

        def says() -> str:
            return program.output + (log.read_text("utf-8", "replace") if log.exists() else "")

        with Program(argv, folder / "xrdp.out") as program:
            try:
                program.wait_for_port(port)
            except ProgramError as error:
                raise ProgramError(f"{error}\n{says()}") from None
            yield ForeignServer(port, display, says)


__all__ = ["ForeignServer", "matches", "painted", "shadow", "shown_on", "wait_until", "xrdp"]
