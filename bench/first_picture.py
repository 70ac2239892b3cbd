"""From TCP connect to the first full picture: pyrdpmux against freerdp-shadow-cli, same xfreerdp.

    .venv/bin/python -m bench.first_picture
    .venv/bin/python -m bench.first_picture --client /opt/freerdp3/bin/xfreerdp --screen desktop --rounds 9

Both servers show the same: a text console of 720x400, or a desktop of 1920x1080. The client runs on an Xvfb
whose framebuffer is a mapped file, so that looking at it costs the measured programs nothing; time starts
when its TCP connection is accepted by a relay that both servers are behind, and ends when the whole screen
shows the picture (as far as lossy codecs go). It is told, too, by when our server was through with what. Most
of it is the client's work, and whoever else works on the machine lengthens it: compare the two of one run.
"""

import argparse
import asyncio
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.glass.client import Client, find_client
from bench.screens import console, desktop
from pyrdpmux.codec.color import Pixels
from pyrdpmux.harness.programs import Program, free_port

GIVE_UP: Final = 30.0
POLL: Final = 0.002
TOLERANCE: Final = 12
BLOCK: Final = 8
LOOKED_AT: Final = 400
"""Blocks of the picture: a look takes less than a millisecond."""

PAUSE: Final = 0.3

SCREENS: Final[dict[str, tuple[Callable[[int, int], Pixels], int, int]]] = {
    "console": (console, 720, 400),
    "desktop": (desktop, 1920, 1080),
}

MODES: Final[dict[str, dict[int, tuple[str, ...]]]] = {
    "client's choice": {2: (), 3: ()},
    "EGFX with H.264": {2: ("/gfx:AVC444",), 3: ("/gfx:AVC444:on,AVC420:on",)},
    "plain bitmaps": {2: ("/bpp:32", "-nsc"), 3: ("/network:lan", "/bpp:32")},
}
"""Options of the client, by its major version."""


class Framebuffer:
    """An Xvfb screen as an array: the last width * height * 4 bytes of its XWD file."""

    def __init__(self, folder: Path, name: str, width: int, height: int) -> None:
        directory = folder / name
        directory.mkdir()
        geometry = f"{width}x{height}x24"
        # Once a client has set any cursor, X draws them into the framebuffer, the root's too.
        options = ["-nolisten", "tcp", "-noreset", "-nocursor"]
        argv = ["Xvfb", "-displayfd", "1", "-screen", "0", geometry, *options]
        self.server = Program([*argv, "-fbdir", str(directory)], folder / f"{name}.log")
        self.server.wait_until(lambda: bool(self._number()), 20.0, "waiting for Xvfb")
        self.display = f":{self._number()}"
        path = directory / "Xvfb_screen0"
        offset = path.stat().st_size - width * height * 4
        self.pixels: NDArray[np.uint8] = np.memmap(
            path, np.uint8, "r", offset=offset, shape=(height, width, 4)
        )

    def _number(self) -> str:
        found = re.search(r"^(\d+)\n", self.server.output, re.MULTILINE)
        return found[1] if found else ""

    def blank(self, log: Path) -> None:
        """Nothing of what was shown may be left."""
        with Program(["xsetroot", "-solid", "#204060"], log, {"DISPLAY": self.display}) as program:
            program.wait(10)
        time.sleep(PAUSE)


class Look:
    """Whether a picture is shown: by the means of blocks that are spread over it and are not black.

    H.264 is lossy, so equality is not asked for.
    """

    def __init__(self, picture: Pixels) -> None:
        height, width = (size // BLOCK for size in picture.shape[:2])
        parts = picture[: height * BLOCK, : width * BLOCK, :3].reshape(height, BLOCK, width, BLOCK, 3)
        means = parts.mean(axis=(1, 3))
        rows, columns = np.nonzero(means.max(axis=2) > 2 * TOLERANCE)
        picked = np.linspace(0, len(rows) - 1, LOOKED_AT).astype(int)
        rows, columns = rows[picked], columns[picked]
        self._means = means[rows, columns]
        inside = np.arange(BLOCK)
        self._rows = (rows * BLOCK)[:, None, None] + inside[None, :, None]
        self._columns = (columns * BLOCK)[:, None, None] + inside[None, None, :]

    def wrong(self, pixels: NDArray[np.uint8]) -> int:
        """Blocks that are not there yet."""
        seen = pixels[self._rows, self._columns, :3].mean(axis=(1, 2))
        return int((np.abs(seen - self._means) > TOLERANCE).any(axis=1).sum())


class Relay:
    """Passes bytes on and notes when a connection was accepted."""

    def __init__(self, target: int) -> None:
        #: seconds of the performance counter
        self.accepted_at = 0.0
        self.port = free_port()
        self.bytes_down = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self._started.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        self._started.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted_at = time.perf_counter()
        upstream, upwards = await asyncio.open_connection("127.0.0.1", self._target)
        await asyncio.gather(self._pump(reader, upwards, False), self._pump(upstream, writer, True))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, down: bool) -> None:
        try:
            while data := await source.read(1 << 18):
                self.bytes_down += len(data) if down else 0
                sink.write(data)
                await sink.drain()
        except OSError:
            pass
        finally:
            sink.close()


@dataclass
class Peer:
    """A server, and what was measured of it."""

    name: str
    relay: Relay
    server: Program
    times: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Setup:
    """What all measurements have in common."""

    client: Client
    screen: Framebuffer
    look: Look
    folder: Path

    def measure(self, peer: Peer, options: tuple[str, ...]) -> float:
        """Seconds from accept to a complete picture, of one connection."""
        relay, look, log = peer.relay, self.look, self.folder / f"{peer.name}-client.log"
        who = ("/cert:ignore", "/u:bench", "/p:bench", "/sec:tls")
        argv = [self.client.binary, f"/v:127.0.0.1:{relay.port}", *who, "/f", *options]
        relay.accepted_at, relay.bytes_down = 0.0, 0
        home = {"DISPLAY": self.screen.display, "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        with Program(argv, log, home) as client:
            deadline = time.perf_counter() + GIVE_UP
            while time.perf_counter() < deadline and client.is_running:
                if relay.accepted_at and not look.wrong(self.screen.pixels):
                    return time.perf_counter() - relay.accepted_at
                time.sleep(POLL)
            wrong = look.wrong(self.screen.pixels)
            raise SystemExit(f"{log.name}: {wrong} blocks are wrong; {client.output[-2000:]}")


PHASES: Final = (
    ("X.224", "ConnectionRequested"), ("TLS", "Security:"), ("GCC", "Client "), ("logon", "Logged on"),
    ("active", "Active at"), ("pipeline", "Graphics pipeline"),
)  # fmt: skip
"""What our server's log says when it is through with each."""


def phases(log: str, shown: float) -> str:
    """Of one connection: milliseconds until our server was through with each, and until all was shown."""
    lines = [line for line in log.splitlines() if "[c" in line]
    told = [
        f"{name} {1000 * (float(line.split()[0]) - float(lines[0].split()[0])):.0f}"
        for name, text in PHASES
        for line in [line for line in lines if text in line][:1]
    ]
    return ", ".join([*told, f"shown {1000 * shown:.0f}"])


def main(options: argparse.Namespace) -> None:
    client = find_client(options.client)
    draw, width, height = SCREENS[options.screen]
    picture = draw(height, width)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pyrdpmux-bench-")))
        np.save(folder / "picture.npy", picture)
        screens = [Framebuffer(folder, name, width, height) for name in ("client", "shadow")]
        for screen in screens:
            stack.callback(screen.server.stop)
        ppm = folder / "picture.ppm"
        ppm.write_bytes(b"P6 %d %d 255\n" % (width, height) + picture[..., 2::-1].tobytes())
        shadowed = {"DISPLAY": screens[1].display}
        with Program(["display", "-window", "root", str(ppm)], folder / "show.log", shadowed) as shown:
            shown.wait(20)
        ours, theirs = free_port(), free_port()
        server = [sys.executable, "-m", "bench.still_server", str(ours), str(folder / "picture.npy")]
        shadow = ["freerdp-shadow-cli", f"/port:{theirs}", "-auth", "/sec:tls", "/bind-address:127.0.0.1"]
        with (
            Program(server, folder / "ours.log") as first,
            Program(shadow, folder / "theirs.log", shadowed) as second,
        ):
            first.wait_for_port(ours, 20)
            second.wait_for_port(theirs, 20)
            peers = [
                Peer("pyrdpmux", Relay(ours), first),
                Peer("freerdp-shadow", Relay(theirs), second),
            ]
            report(options.rounds, peers, Setup(client, screens[0], Look(picture), folder))


def report(rounds: int, peers: list[Peer], setup: Setup) -> None:
    for label, options in MODES.items():
        for peer in peers:
            peer.times.clear()
        for _ in range(rounds):
            for peer in peers:
                setup.screen.blank(setup.folder / "blank.log")
                said = len(peer.server.output)
                peer.times.append(setup.measure(peer, options[setup.client.major]))
                if peer is peers[0]:
                    print(f"{label:18} {phases(peer.server.output[said:], peer.times[-1])}", flush=True)
        for peer in peers:
            median, least = 1000 * statistics.median(peer.times), 1000 * min(peer.times)
            size = peer.relay.bytes_down / 1e6
            print(f"{label:18} {peer.name:16} {median:5.0f} ms, at least {least:4.0f} ms, {size:5.2f} MB")
        ratio = statistics.median(peers[0].times) / statistics.median(peers[1].times)
        print(f"{label:18} ratio            {ratio:5.2f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.first_picture")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--client", default="xfreerdp", metavar="BINARY", help="FreeRDP 2 or 3")
    parser.add_argument("--screen", choices=list(SCREENS), default="console", help="default: %(default)s")
    main(parser.parse_args())
