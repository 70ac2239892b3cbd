"""What the guest's pointer looks like on a real client's display, pixel for pixel."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pyrdpmux.codec.pointer import premultiply
from pyrdpmux.harness.programs import ProgramError, wait_until
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.settings.config import SecuritySettings
from pyrdpmux.rdp.pdu.display import LedFlags
from tests.interop.client import SECONDS, Client, rdesktop, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.vm_host import VmHostUnderTest
from tests.interop.x_cursor import X11, XFIXES, XCursor, cursor_of

pytestmark = pytest.mark.skipif(not (X11 and XFIXES), reason="not installed: libX11, libXfixes")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[VmHostUnderTest]:
    with VmHostUnderTest(tmp_path, security=SecuritySettings(nla=False, tls=True)) as host:
        yield host


def arrow(number: int, side: int = 24) -> Cursor:
    """A triangle of many colors with a soft edge."""
    y, x = np.mgrid[0:side, 0:side]
    image = np.zeros((side, side, 4), np.uint8)
    image[..., 0] = x * 255 // side
    image[..., 1] = y * 255 // side
    image[..., 2] = number
    image[..., 3] = np.select([x < y, x == y], [255, 128], 0)
    return Cursor(image, 2, 3)


def show(host: VmHostUnderTest, cursor: Cursor | CursorState) -> None:
    host.do(lambda: host.console("web").screen.set_cursor(cursor))


def wait_for_cursor(client: Client, expected: Callable[[XCursor], bool]) -> None:
    last: list[XCursor] = []

    def shows() -> bool:
        last[:] = [cursor_of(client.display.name)]
        return expected(last[0])

    try:
        wait_until(shows, SECONDS, "the pointer")
    except ProgramError:
        raise AssertionError(f"the pointer is {last}") from None


def wait_for_shape(client: Client, cursor: Cursor) -> None:
    image: NDArray[np.uint8] = premultiply(cursor.image)

    def is_it(seen: XCursor) -> bool:
        """FreeRDP rounds its own way when it makes alpha straight for X and X multiplies it again."""
        if seen.image.shape != image.shape or seen.hot_spot != (cursor.hot_x, cursor.hot_y):
            return False
        return bool((np.abs(seen.image.astype(int) - image.astype(int)) <= 2).all())

    wait_for_cursor(client, is_it)


def looking(host: VmHostUnderTest, start: Start, *options: str) -> Client:
    """A client with the display's pointer in its window."""
    client = start(xfreerdp(host.console("web").port, "tls", 32, *options))
    client.wait_for_picture(shown(host.picture("web"), 32))
    client.display.move(client.window, 100, 100)
    return client


@pytest.mark.parametrize("options", [[], ["-fast-path"], ["/bpp:16"]], ids=str)
def test_xfreerdp_shows_the_guests_pointer(host: VmHostUnderTest, start: Start, options: list[str]) -> None:
    show(host, arrow(200))
    client = start(xfreerdp(host.console("web").port, "tls", 32, *options))
    wait_until(lambda: client.picture().shape == (400, 720, 3), SECONDS, "the window")
    client.display.move(client.window, 100, 100)
    wait_for_shape(client, arrow(200))
    for number in (100, 200, 30, 100):  # new, cached, new, cached
        show(host, arrow(number))
        wait_for_shape(client, arrow(number))


def test_a_hidden_pointer_and_the_clients_own(host: VmHostUnderTest, start: Start) -> None:
    client = looking(host, start)
    show(host, arrow(200))
    wait_for_shape(client, arrow(200))
    show(host, CursorState.HIDDEN)
    wait_for_cursor(client, lambda seen: not seen.image.any())
    show(host, CursorState.DEFAULT)
    wait_for_cursor(client, lambda seen: bool(seen.image.any()))


def test_a_pointer_without_a_shape_is_not_seen(host: VmHostUnderTest, start: Start) -> None:
    """The guest may draw its own, which is enough."""
    client = looking(host, start)
    show(host, CursorState.UNDEFINED)
    wait_for_cursor(client, lambda seen: not seen.image.any())


@pytest.mark.parametrize(("side", "expected"), [(64, 64), (96, 96), (200, 200)])
def test_large_pointers(host: VmHostUnderTest, start: Start, side: int, expected: int) -> None:
    client = looking(host, start)
    show(host, arrow(50, side))
    wait_for_cursor(client, lambda seen: max(seen.image.shape) == expected)
    wait_for_shape(client, arrow(50, side))


def test_the_guest_moves_the_pointer(host: VmHostUnderTest, start: Start) -> None:
    """Of rdesktop: xfreerdp 2.11 gets the position as well, and leaves its pointer where it is."""
    client = start(rdesktop(host.console("web").port, 24, "-g", "720x400"))
    wait_until(lambda: client.picture().shape == (400, 720, 3), SECONDS, "the window")
    client.display.move(client.window, 100, 100)
    client.focus()
    host.do(lambda: host.console("web").set_pointer_mode(is_absolute=False))
    before = cursor_of(client.display.name).position
    host.do(lambda: host.console("web").screen.move_cursor(300, 200))
    wait_for_cursor(client, lambda seen: seen.position == (before[0] + 200, before[1] + 100))


def test_rdesktop_shows_pointers_too(host: VmHostUnderTest, start: Start) -> None:
    show(host, arrow(200))
    client = start(rdesktop(host.console("web").port, 24, "-g", "720x400"))
    wait_until(lambda: client.picture().shape == (400, 720, 3), SECONDS, "the window")
    client.display.move(client.window, 100, 100)
    wait_for_cursor(client, lambda seen: seen.hot_spot == (2, 3))


def test_lock_keys_of_the_guest_reach_the_clients_keyboard(host: VmHostUnderTest, start: Start) -> None:
    client = looking(host, start)

    def is_on(led: str) -> bool:
        words = client.display.command("xset", "q").decode().split()
        return f"{led}: on" in " ".join(words)

    client.focus()
    host.do(lambda: host.console("web").set_leds(LedFlags.CAPS_LOCK))
    wait_until(lambda: is_on("Caps Lock"), SECONDS, "Caps Lock")
    host.do(lambda: host.console("web").set_leds(LedFlags(0)))
    wait_until(lambda: not is_on("Caps Lock"), SECONDS, "no Caps Lock")
