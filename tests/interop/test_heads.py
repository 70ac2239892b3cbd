"""Several heads of a stock QEMU as monitors of one session, before our client and before xfreerdp.

The device is QEMU's virtio-gpu; the guest's driver is :mod:`tests.interop.virtio_gpu`, since no firmware
draws on a second output.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.display import Display
from pyrdpmux.harness.programs import wait_until
from pyrdpmux.mux.qemu.placeholder import is_placeholder
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.channels.display_control.pdu import Monitor, MonitorFlags
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS
from pyrdpmux.rdp.connection.events import DisplayControlReady
from pyrdpmux.rdp.pdu.input import InputEvent, MouseEvent, PointerFlags
from tests.interop.client import Client, xfreerdp
from tests.interop.qemu import PASSWORD, PATIENCE, QEMU, USER, Daemon, Qemu
from tests.interop.virtio_gpu import OutputInfo, VirtioGpu, halting_guest
from tests.mux.rdp_client import RdpClient, connected

pytestmark = [
    pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"not installed: {QEMU}"),
    pytest.mark.skipif(shutil.which("xrandr") is None, reason="not installed: xrandr"),
]

MAIN: Final = DesktopMonitor(0, 0, 800, 600, True, desktop_scale=200, device_scale=180)
LEFT: Final = DesktopMonitor(-640, 120, 640, 480, False)
AREAS: Final = (Rect(640, 0, 800, 600), Rect(0, 120, 640, 480))
WAYS = pytest.mark.parametrize("channels", [(DISPLAY_CONTROL,), (DISPLAY_CONTROL, GRAPHICS)])


def pattern(width: int, height: int, seed: int) -> Words:
    """Something with text and flat areas, another one for each seed; (height, width) uint32."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width), 0x203040 * (seed % 5 + 1) & 0xFFFFFF, np.uint32)
    for top in range(8, height - 16, 20):
        ink = rng.random((12, width - 16)) < 0.3
        picture[top : top + 12, 8 : width - 8][ink] = 0xF0F0F0
    picture[:2], picture[-2:], picture[:, :2], picture[:, -2:] = 0xFF0000, 0xFF00, 0xFF, 0xFFFF00
    return picture


class Machine:
    """QEMU with two outputs, whose driver does as the device would like it; and the daemon."""

    def __init__(self, qemu: Qemu, gpu: VirtioGpu, daemon: Daemon) -> None:
        self.qemu = qemu
        self.gpu = gpu
        self.daemon = daemon
        self._shown: dict[int, Words] = {}

    def show(self, output: int, width: int, height: int, seed: int) -> None:
        self._shown[output] = pattern(width, height, seed)
        self.gpu.show(output, self._shown[output])

    def follow(self, seed: int = 1) -> list[OutputInfo]:
        """As a guest does that is told of other monitors: both outputs as they are wanted now."""
        outputs = self.gpu.outputs()[:2]
        for number, wanted in enumerate(outputs):
            if wanted.is_enabled:
                self.show(number, wanted.width, wanted.height, seed + number)
            else:
                self.switch_off(number)
        return outputs

    def switch_off(self, output: int) -> None:
        self._shown.pop(output, None)
        self.gpu.switch_off(output)

    def composed(self, areas: tuple[Rect, ...]) -> Words:
        """What is to be seen with the outputs in these places."""
        width, height = max(area.right for area in areas), max(area.bottom for area in areas)
        desktop = np.zeros((height, width), np.uint32)
        for number, area in enumerate(areas):
            if not area.is_empty:
                desktop[area.slices] = self._shown[number]
        return desktop

    def wait_for(self, areas: tuple[Rect, ...]) -> None:
        """Until the daemon has it so."""
        expected = rgb(self.composed(areas))

        def same() -> bool:
            seen = self.daemon.picture()
            return seen.shape == expected.shape and bool((seen == expected).all())

        wait_until(same, PATIENCE, "both heads in the daemon's picture")


def rgb(picture: Words) -> np.ndarray:
    """(height, width, 3) uint8."""
    return np.ascontiguousarray(picture.view(np.uint8).reshape(*picture.shape, 4)[..., 2::-1])


def bgrx(picture: Words) -> np.ndarray:
    return picture.view(np.uint8).reshape(*picture.shape, 4)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="heads-") as name:
        folder = Path(name)
        options = ["-device", "virtio-gpu-pci,id=gpu,max_outputs=2", *halting_guest(folder)]
        with (
            Qemu(folder, *options) as qemu,
            Daemon(folder, machines={"vm": f"unix:{qemu.socket}"}) as daemon,
        ):
            gpu = VirtioGpu(folder)
            try:
                daemon.wait_for_vm()
                yield Machine(qemu, gpu, daemon)
            finally:
                gpu.close()


def test_what_qemu_shows_of_an_output_without_a_picture(machine: Machine) -> None:
    """Not of the first one: when that is switched off, it becomes black (7.2)."""

    def second() -> Words:
        picture = machine.qemu.screendump(device="gpu", head=1)
        words = np.zeros((*picture.shape[:2], 4), np.uint8)
        words[..., 2::-1] = picture
        return words.view(np.uint32)[..., 0]

    assert is_placeholder(second()), "never drawn on"
    machine.show(1, 800, 600, 1)
    assert (second() == machine.composed((Rect(0, 0, 0, 0), Rect(0, 0, 800, 600)))).all()
    machine.switch_off(1)
    assert is_placeholder(second()), "switched off"
    assert second().shape == (600, 800)


def test_heads_come_and_go(machine: Machine) -> None:
    machine.show(0, 640, 480, 1)
    one, two = (Rect(0, 0, 640, 480),), (Rect(0, 0, 640, 480), Rect(640, 0, 800, 600))
    machine.wait_for(one)

    async def scenario() -> None:
        async with connected(machine.daemon.wait_for_vm(), user=USER, password=PASSWORD) as client:
            for seed in (2, 3):
                await asyncio.to_thread(machine.show, 1, 800, 600, seed)
                await client.until_shows(bgrx(machine.composed(two)))
                await asyncio.to_thread(machine.switch_off, 1)
                await client.until_shows(bgrx(machine.composed(one)))

    asyncio.run(scenario())


@WAYS
def test_the_clients_monitors_are_the_guests(machine: Machine, channels: tuple[str, ...]) -> None:
    machine.show(0, 640, 480, 1)
    machine.wait_for((Rect(0, 0, 640, 480),))
    port = machine.daemon.wait_for_vm()

    async def scenario() -> None:
        async with connected(
            port, user=USER, password=PASSWORD, dynamic_channels=channels, monitors=(MAIN, LEFT)
        ) as client:
            await client.until(lambda: client.is_active)
            await until_true(lambda: machine.gpu.outputs()[1].is_enabled)
            outputs = await asyncio.to_thread(machine.follow)
            assert outputs == [OutputInfo(800, 600, True), OutputInfo(640, 480, True)]
            # HiDPI: 96 pixels per inch times the client's scale, as far as millimeters say it.
            assert machine.gpu.pixels_per_inch(0) == pytest.approx(192, rel=0.02)
            await client.until_shows(bgrx(machine.composed(AREAS)))
            assert len(client.monitors) == 2
            await follow_layouts(machine, client)

    asyncio.run(scenario())


async def follow_layouts(machine: Machine, client: RdpClient) -> None:
    """The user moves a monitor to the other side; takes it away; and has it again."""
    await client.until(lambda: bool(client.seen(DisplayControlReady)))
    main = Monitor(width=1024, height=700)
    right = Monitor(left=1024, width=640, height=480, flags=MonitorFlags(0))
    big, small, nothing = OutputInfo(1024, 700, True), OutputInfo(640, 480, True), OutputInfo(0, 0, False)
    layouts = [([main, right], [big, small]), ([main], [big, nothing]), ([main, right], [big, small])]
    for seed, (layout, wanted) in enumerate(layouts, 5):
        client.connection.request_layout(layout)
        client.flush()
        await until_true(lambda wanted=wanted: machine.gpu.outputs()[:2] == wanted)  # type: ignore[misc]
        await asyncio.to_thread(machine.follow, 10 * seed)
        areas = tuple([Rect(one.left, one.top, one.width, one.height) for one in layout])
        await client.until_shows(bgrx(machine.composed(areas)))
        assert len(client.monitors) == len(layout)


def test_a_client_with_one_monitor_sees_both_heads(machine: Machine) -> None:
    """Somebody else has switched the second one on, so it stays."""
    machine.show(0, 640, 480, 1)
    machine.show(1, 800, 600, 2)
    areas = (Rect(0, 0, 640, 480), Rect(640, 0, 800, 600))
    machine.wait_for(areas)

    async def scenario() -> None:
        port = machine.daemon.wait_for_vm()
        async with connected(
            port, user=USER, password=PASSWORD, dynamic_channels=(DISPLAY_CONTROL, GRAPHICS)
        ) as client:
            await client.until_shows(bgrx(machine.composed(areas)))
            assert len(client.monitors) == 1
            await client.until(lambda: bool(client.seen(DisplayControlReady)))
            client.connection.request_desktop_size(1440, 600)
            client.flush()
            machine.show(1, 800, 600, 3)
            await client.until_shows(bgrx(machine.composed(areas)))
            assert machine.gpu.outputs()[0].width != 1440

    asyncio.run(scenario())


def test_the_pointer_goes_to_the_head_that_is_under_it(machine: Machine) -> None:
    """QEMU scales what it is told by the size of that console."""
    machine.show(0, 640, 480, 1)
    machine.show(1, 800, 600, 2)
    areas = (Rect(0, 0, 640, 480), Rect(640, 0, 800, 600))
    machine.wait_for(areas)

    async def scenario() -> None:
        async with connected(machine.daemon.wait_for_vm(), user=USER, password=PASSWORD) as client:
            await client.until_shows(bgrx(machine.composed(areas)))
            events: list[InputEvent] = [
                MouseEvent(PointerFlags.MOVE, x, y) for x, y in ((10, 10), (1439, 599), (639, 479))
            ]
            for event in events:
                client.connection.send_input([event])
                client.flush()
            machine.show(1, 800, 600, 3)
            await client.until_shows(bgrx(machine.composed(areas)))
            assert client.is_active

    asyncio.run(scenario())


async def until_true(condition: Callable[[], bool]) -> None:
    """For what only the device knows: asked in a thread, so that the client goes on."""
    await asyncio.to_thread(wait_until, condition, PATIENCE, "what the device knows")


@contextmanager
def two_monitors(folder: Path) -> Iterator[Display]:
    """An X display of 1440x600 that is two monitors side by side, the smaller one 120 pixels lower."""
    with Display(folder, "1440x600x24", "monitors") as display:
        display.command("xrandr", "--setmonitor", "main", "800/200x600/150+0+0", "screen")
        display.command("xrandr", "--setmonitor", "side", "640/160x480/120+800+120", "none")
        yield display


@pytest.mark.parametrize("way", [(), ("/gfx",), ("/gfx:AVC420",)])
def test_xfreerdp_on_two_monitors(machine: Machine, tmp_path: Path, way: tuple[str, ...]) -> None:
    machine.show(0, 640, 480, 1)
    machine.wait_for((Rect(0, 0, 640, 480),))
    areas = (Rect(0, 0, 800, 600), Rect(800, 120, 640, 480))
    argv = xfreerdp(machine.daemon.wait_for_vm(), "tls", 32, "/multimon", *way)
    with two_monitors(tmp_path) as display, Client(display, tmp_path, argv) as client:
        wait_until(lambda: machine.gpu.outputs()[1].is_enabled, PATIENCE, "its monitors to be asked for")
        for seed in (3, 5):
            wanted = machine.follow(seed)
            assert [(one.width, one.height) for one in wanted] == [area[2:] for area in areas]
            machine.wait_for(areas)
            client.wait_for_picture(rgb(machine.composed(areas)))


def test_patterns_differ() -> None:
    pictures = [pattern(640, 480, seed) for seed in range(1, 8)]
    assert all((one != other).any() for one, other in pairwise(pictures))
