"""Recorded servers, shown again: their updates, drawn by the renderer."""

from pathlib import Path

import pytest

from pyrdpmux.harness.capture import Direction
from pyrdpmux.harness.capture.fixture import dissect_fixture
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.rdp.pdu.activation import ConfirmActive
from pyrdpmux.rdp.pdu.capabilities import find_capability
from pyrdpmux.rdp.pdu.capabilities.codecs import BitmapCodecsCapability
from pyrdpmux.rdp.pdu.capabilities.general import BitmapCapability
from pyrdpmux.rdp.pdu.share import ShareControl
from pyrdpmux.rdp.pdu.update import GraphicsUpdate

PCAPS = Path(__file__).parents[3] / "fixtures" / "pcaps"
#: xrdp draws with orders where the recorded client knew them, which ours never announces.
BITMAP_SESSIONS = sorted([*PCAPS.glob("*-shadow-*.pcap"), *PCAPS.glob("*-pyrdpmux-*.pcap")])
POINTER_CACHE_SIZE = 64

#: Of the demo VM's color bars, as blue, green, red.
BARS = {
    (255, 255, 255),
    (0, 255, 255),
    (255, 255, 0),
    (0, 255, 0),
    (255, 0, 255),
    (0, 0, 255),
    (255, 0, 0),
    (0, 0, 0),
}


def shown(path: Path) -> Renderer:
    """What the recorded client's window showed in the end."""
    renderer = Renderer(POINTER_CACHE_SIZE)
    for unit in dissect_fixture(path):
        for value in unit.values:
            body = value.body if isinstance(value, ShareControl) else value
            if isinstance(body, ConfirmActive):
                codecs = find_capability(body.capabilities, BitmapCodecsCapability)
                bitmap = find_capability(body.capabilities, BitmapCapability)
                assert bitmap is not None
                renderer = Renderer(POINTER_CACHE_SIZE, codecs.codecs if codecs else ())
                renderer.resize(bitmap.desktop_width, bitmap.desktop_height)
            elif unit.unit.direction is Direction.SERVER:
                renderer.apply(value.update if isinstance(value, GraphicsUpdate) else value)
    return renderer


@pytest.mark.parametrize("path", BITMAP_SESSIONS, ids=lambda path: path.stem)
def test_no_pixel_is_left_out(path: Path) -> None:
    """Each pixel that is drawn has a fourth byte of 255, and the framebuffer begins with 0."""
    framebuffer = shown(path).framebuffer
    assert framebuffer.shape == (
        (768, 1024, 4) if "pyrdpmux" in path.name and "resize" not in path.name else (480, 640, 4)
    )
    assert (framebuffer[..., 3] == 255).all()


@pytest.mark.parametrize("name", ["nla-32", "rdp-24", "tls-16", "tls-16-resize"])
def test_the_demo_vms_color_bars(name: str) -> None:
    framebuffer = shown(PCAPS / f"xfreerdp-pyrdpmux-{name}.pcap").framebuffer
    height, width = framebuffer.shape[:2]
    bars = framebuffer[height // 16, width * 3 // 4 + 8 :, :3]
    assert {tuple(pixel.tolist()) for pixel in bars} == BARS
