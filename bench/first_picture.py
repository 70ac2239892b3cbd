"""From TCP connect to the first full 1920x1080 picture: pyrdpmux against freerdp-shadow-cli, same xfreerdp.

    .venv/bin/python -m bench.first_picture [rounds]

Both servers show the same desktop. The client runs on an Xvfb whose framebuffer is a mapped file, so that
looking at it costs the measured programs nothing; time starts when its TCP connection is accepted by a relay
that both servers are behind, and ends when the whole screen shows the picture (as far as lossy codecs go).
"""

import asyncio
import re
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.screens import desktop
from pyrdpmux.codec.color import Pixels
from pyrdpmux.harness.programs import Program, free_port

WIDTH, HEIGHT = 1920, 1080
GIVE_UP = 30.0
POLL = 0.002
TOLERANCE = 24


class Framebuffer:
    """An Xvfb screen as an array: the last width * height * 4 bytes of its XWD file."""

    def __init__(self, folder: Path, name: str) -> None:
        directory = folder / name
        directory.mkdir()
        geometry = f"{WIDTH}x{HEIGHT}x24"
        # Once a client has set any cursor, X draws them into the framebuffer, the root's too.
        options = ["-nolisten", "tcp", "-noreset", "-nocursor"]
        argv = ["Xvfb", "-displayfd", "1", "-screen", "0", geometry, *options]
        self.server = Program([*argv, "-fbdir", str(directory)], folder / f"{name}.log")
        self.server.wait_until(lambda: bool(self._number()), 20.0, "waiting for Xvfb")
        self.display = f":{self._number()}"
        path = directory / "Xvfb_screen0"
        offset = path.stat().st_size - WIDTH * HEIGHT * 4
        self.pixels: NDArray[np.uint8] = np.memmap(
            path, np.uint8, "r", offset=offset, shape=(HEIGHT, WIDTH, 4)
        )

    def _number(self) -> str:
        found = re.search(r"^(\d+)\n", self.server.output, re.MULTILINE)
        return found[1] if found else ""

    def shows(self, picture: Pixels) -> bool:
        """Every 8x8 block is there; the shadow server's H.264 is lossy, so equality is not asked for."""
        sample = np.s_[4::97, 4::89, :3]
        if np.abs(self.pixels[sample].astype(np.int16) - picture[sample]).mean() > TOLERANCE:
            return False
        return self.wrong_blocks(picture) == 0

    def wrong_blocks(self, picture: Pixels) -> int:
        """Blocks whose mean differs by more than a lossy codec would leave."""
        difference = self.pixels[..., :3].astype(np.int16) - picture[..., :3]
        blocks = difference.reshape(HEIGHT // 8, 8, WIDTH // 8, 8, 3).mean(axis=(1, 3))
        return int((np.abs(blocks) > TOLERANCE).any(axis=2).sum())


class Relay:
    """Passes bytes on and notes when a connection was accepted."""

    def __init__(self, target: int) -> None:
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


def measure(relay: Relay, screen: Framebuffer, picture: Pixels, options: list[str], log: Path) -> float:
    """Seconds from accept to a complete picture, of one connection."""
    argv = ["xfreerdp", f"/v:127.0.0.1:{relay.port}", "/cert:ignore", "/u:bench", "/p:bench", "/f"]
    relay.accepted_at, relay.bytes_down = 0.0, 0
    with Program([*argv, *options], log, {"DISPLAY": screen.display}) as client:
        deadline = time.perf_counter() + GIVE_UP
        while time.perf_counter() < deadline and client.is_running:
            if screen.shows(picture):
                return time.perf_counter() - relay.accepted_at
            time.sleep(POLL)
        wrong = screen.wrong_blocks(picture)
        raise SystemExit(f"{log.name}: {wrong} blocks are wrong; {client.output[-2000:]}")


def blank(screen: Framebuffer, log: Path) -> None:
    """Nothing of the last round may be left on the screen."""
    with Program(["xsetroot", "-solid", "#204060"], log, {"DISPLAY": screen.display}) as program:
        program.wait(10)
    time.sleep(0.3)


def main(rounds: int) -> None:
    picture = desktop(HEIGHT, WIDTH)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pyrdpmux-bench-")))
        np.save(folder / "picture.npy", picture)
        client_screen = Framebuffer(folder, "client")
        stack.callback(client_screen.server.stop)
        shadow_screen = Framebuffer(folder, "shadow")
        stack.callback(shadow_screen.server.stop)
        ppm = folder / "picture.ppm"
        ppm.write_bytes(b"P6 %d %d 255\n" % (WIDTH, HEIGHT) + picture[..., 2::-1].tobytes())
        show = ["display", "-window", "root", str(ppm)]
        with Program(show, folder / "show.log", {"DISPLAY": shadow_screen.display}) as shown:
            shown.wait(20)
        ours, theirs = free_port(), free_port()
        server = [sys.executable, "-m", "bench.still_server", str(ours), str(folder / "picture.npy")]
        shadow = ["freerdp-shadow-cli", f"/port:{theirs}", "-auth", "/sec:tls", "/bind-address:127.0.0.1"]
        with (
            Program(server, folder / "ours.log") as first,
            Program(shadow, folder / "theirs.log", {"DISPLAY": shadow_screen.display}) as second,
        ):
            first.wait_for_port(ours, 20)
            second.wait_for_port(theirs, 20)
            report(rounds, Relay(ours), Relay(theirs), client_screen, picture, folder)


def report(
    rounds: int, ours: Relay, theirs: Relay, screen: Framebuffer, picture: Pixels, folder: Path
) -> None:
    modes = {
        "client's choice": ["/sec:tls"],
        "plain bitmaps (32 bpp)": ["/sec:tls", "/bpp:32", "-nsc"],
    }
    for label, options in modes.items():
        times: dict[str, list[float]] = {"pyrdpmux": [], "freerdp-shadow": []}
        sizes: dict[str, int] = {}
        for _ in range(rounds):
            for peer, relay in (("pyrdpmux", ours), ("freerdp-shadow", theirs)):
                blank(screen, folder / "blank.log")
                times[peer].append(measure(relay, screen, picture, options, folder / f"{peer}.log"))
                sizes[peer] = relay.bytes_down
        medians = {peer: statistics.median(values) for peer, values in times.items()}
        for peer, median in medians.items():
            print(f"{label:24} {peer:16} {median * 1000:7.0f} ms  {sizes[peer] / 1e6:6.2f} MB")
        print(f"{label:24} ratio            {medians['pyrdpmux'] / medians['freerdp-shadow']:7.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
