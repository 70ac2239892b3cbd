"""Foreign clients on a display of their own, and what is to be seen in their windows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.harness.display import Display
from pyrdpmux.harness.processes import is_stuck, unread_bytes
from pyrdpmux.harness.programs import ProgramError, wait_until
from pyrdpmux.harness.screenshot import Picture
from tests.interop.console import PASSWORD, USER, Bgrx

SECONDS: Final = 20.0
#: Each client's number goes behind it.
TITLE: Final = "client window"


class ClientStuck(AssertionError):
    """The client neither reads nor computes.

    QUIRK(FreeRDP 2.11): two of its threads wait for each other for ever when the window is exposed (since it
    was made larger) just while a frame of the graphics pipeline is painted. The one has locked the display
    and waits for the pipeline (xf_OutputExpose, gdi_UpdateSurfaces), the other has the pipeline and waits for
    the display (xf_sw_end_paint). It happens once in some thousand changes of resolution. Such a test begins
    anew, twice at the most (conftest.py): a server that stopped its clients would stop the next ones, too.
    """


def xfreerdp(port: int, security: str, depth: int = 32, *options: str, password: str = PASSWORD) -> list[str]:
    """xfreerdp 2.11's command line."""
    return [
        "xfreerdp",
        f"/v:127.0.0.1:{port}",
        f"/u:{USER}",
        f"/p:{password}",
        f"/sec:{security}",
        f"/bpp:{depth}",
        "/cert:ignore",
        f"/t:{TITLE}",
        *options,
    ]


def rdesktop(port: int, depth: int, *options: str) -> list[str]:
    """rdesktop 1.9's command line."""
    return [
        "rdesktop",
        "-u",
        USER,
        "-p",
        PASSWORD,
        "-a",
        str(depth),
        "-T",
        TITLE,
        *options,
        f"127.0.0.1:{port}",
    ]


class Client:
    """A running client; its window is awaited when it is first needed."""

    _number = 0

    def __init__(self, display: Display, folder: Path, argv: Sequence[str]) -> None:
        Client._number += 1
        self.display = display
        self.title = f"{TITLE} {Client._number}"
        argv = [word.replace(TITLE, self.title) for word in argv]
        home = folder / f"client-{Client._number}"
        home.mkdir()
        # rdesktop asks whether it may trust the certificate.
        environment = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
        self.program = display.start(argv, home / "log", stdin="yes\n", **environment)
        self._window = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.stop()

    @property
    def window(self) -> int:
        if not self._window:
            found: list[int] = []

            def appeared() -> bool:
                found[:] = self.display.windows(f"^{self.title}$")
                return bool(found)

            self.program.wait_until(appeared, SECONDS, "waiting for its window")
            self._window = found[0]
        return self._window

    def close_window(self) -> None:
        """What ends a client the friendly way."""
        self.display.xdotool("windowclose", str(self.window))

    def focus(self) -> None:
        self.display.focus(self.window)

    def picture(self) -> Picture:
        return self.display.picture(self.window)

    def wait_for_picture(self, expected: Picture, timeout: float = SECONDS) -> None:
        """Until the window shows exactly ``expected``; the error counts the pixels that differ."""
        last: list[Picture] = []

        def shown() -> bool:
            if not self.program.is_running:
                raise self.program.failure("ended")
            try:
                last[:] = [self.picture()]
            except ProgramError:  # a window that is being made anew cannot be photographed
                return False
            return last[0].shape == expected.shape and bool((last[0] == expected).all())

        try:
            wait_until(shown, timeout, "the picture")
        except ProgramError:
            difference = _difference(last[0] if last else None, expected)
            if is_stuck(self.program.pid):
                waiting = unread_bytes(self.program.pid)
                raise ClientStuck(f"{difference}; it does not read {waiting} bytes that have come") from None
            raise AssertionError(difference) from None


def _difference(seen: Picture | None, expected: Picture) -> str:
    if seen is None:
        return "there is no picture at all"
    if seen.shape != expected.shape:
        return f"the window has {seen.shape}, expected {expected.shape}"
    wrong = (seen != expected).any(axis=2)
    y, x = (int(axis[0]) for axis in np.nonzero(wrong))
    return (
        f"{int(wrong.sum())} pixels differ, the first at {x},{y}: "
        f"{seen[y, x].tolist()}, expected {expected[y, x].tolist()}"
    )


# -- what a client shows of a VM's picture ---------------------------------------------------------------
# Written from the pixel layouts of MS-RDPBCGR 2.2.9.1.1.3.1.2.2 with integers, not with pyrdpmux.codec.


def _bits(
    channel: NDArray[np.int64], count: int, expand: Callable[[NDArray[np.int64]], NDArray[np.int64]]
) -> Picture:
    return expand(channel >> (8 - count)).clip(0, 255).astype(np.uint8)


def _five(value: NDArray[np.int64]) -> NDArray[np.int64]:
    return (value << 3) + (value >> 2)


def _six(value: NDArray[np.int64]) -> NDArray[np.int64]:
    """FreeRDP 2.11's way to make eight bits of six: the top three again, instead of two."""
    return (value << 2) + (value >> 3)


def _six_exactly(value: NDArray[np.int64]) -> NDArray[np.int64]:
    return (value << 2) + (value >> 4)


def _in_proportion(bits: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
    """aardwolf's and IronRDP's way: the nearest of 256 steps."""
    highest = (1 << bits) - 1
    return lambda value: (value * 255 + highest // 2) // highest


def shown(picture: Bgrx, depth: int, *, client: str = "xfreerdp") -> Picture:
    """The VM's picture after its way through ``depth`` bits per pixel, red green blue."""
    blue, green, red = (picture[..., at].astype(np.int64) for at in range(3))
    if depth >= 24:
        channels = [red.astype(np.uint8), green.astype(np.uint8), blue.astype(np.uint8)]
    elif client in ("aardwolf", "ironrdp"):
        five, six = _in_proportion(5), _in_proportion(6)
        channels = [_bits(red, 5, five), _bits(green, 6, six), _bits(blue, 5, five)]
    elif depth == 16:
        six = _six if client == "xfreerdp" else _six_exactly
        channels = [_bits(red, 5, _five), _bits(green, 6, six), _bits(blue, 5, _five)]
    else:
        channels = [_bits(channel, 5, _five) for channel in (red, green, blue)]
        if client == "rdesktop":  # takes the bits below green's own from the wrong place, red among them
            channels[1] = ((green >> 3 << 3) | (red >> 3 & 1) << 2 | green >> 6).astype(np.uint8)
    return np.stack(channels, axis=2)


def colorful(width: int, height: int, seed: int = 1) -> Bgrx:
    """Everything that a codec treats in its own way: flat, gradients, noise, stripes, text-like dots."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., 0] = x * 255 // max(1, width - 1)
    picture[..., 1] = y * 255 // max(1, height - 1)
    picture[..., 2] = (x + y) & 0xFF
    third, half = height // 3, width // 2
    picture[:third, :half, :3] = (0x40, 0x80, 0xC0)
    picture[third : 2 * third, half:, :3] = random.integers(0, 256, (third, width - half, 3))
    stripes = ((x // 3 + y // 5) % 2).astype(bool)
    picture[2 * third :, :half][stripes[2 * third :, :half]] = 255
    dots = random.random((third, width - half)) < 0.1
    picture[:third, half:, :3] = 255
    picture[:third, half:][dots] = 0
    return picture
