"""The client's picture equals the VM's framebuffer, pixel for pixel, after the reduction to its depth."""

from pathlib import Path

import pytest

from pyrdpmux.mux.settings.config import SecuritySettings
from tests.interop.client import colorful, rdesktop, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import Console


@pytest.mark.parametrize("depth", [32, 24, 16, 15])
@pytest.mark.parametrize("security", ["tls", "nla", "rdp"])
def test_xfreerdp_shows_the_framebuffer(console: Console, start: Start, security: str, depth: int) -> None:
    console.paint(colorful(800, 600))
    client = start(xfreerdp(console.port, security, depth))
    client.wait_for_picture(shown(console.picture, depth))
    console.paint(colorful(203, 101, seed=2), 77, 133)
    client.wait_for_picture(shown(console.picture, depth))


@pytest.mark.parametrize("depth", [32, 24, 16, 15])
@pytest.mark.parametrize("security", ["tls", "rdp"])
def test_rdesktop_shows_the_framebuffer(tmp_path: Path, start: Start, security: str, depth: int) -> None:
    settings = SecuritySettings(nla=False, tls=security == "tls", rdp=security == "rdp")
    with Console(tmp_path, security=settings) as console:
        console.paint(colorful(800, 600))
        client = start(rdesktop(console.port, depth, "-g", "800x600"))
        client.wait_for_picture(shown(console.picture, depth, client="rdesktop"))
        console.paint(colorful(203, 101, seed=2), 77, 133)
        client.wait_for_picture(shown(console.picture, depth, client="rdesktop"))
        client.program.stop()


def test_rdesktop_falls_back_by_itself(console: Console, start: Start) -> None:
    """rdesktop knows NLA with Kerberos only; refused that, it goes on to TLS."""
    console.paint(colorful(800, 600))
    client = start(rdesktop(console.port, 16, "-g", "800x600"))
    client.wait_for_picture(shown(console.picture, 16, client="rdesktop"))
