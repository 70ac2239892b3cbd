"""aardwolf, a client in Python: its picture equals the VM's framebuffer, and what it types arrives."""

import importlib.util
import logging
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from pyrdpmux.harness.programs import Program
from pyrdpmux.harness.screenshot import Picture
from pyrdpmux.mux.librdpmux.messages import Keyboard, Message, Mouse
from pyrdpmux.mux.settings.config import SecuritySettings
from tests.interop.client import SECONDS, colorful, shown
from tests.interop.console import PASSWORD, USER, Console
from tests.interop.test_input import DOWN, EXTENDED, LEFT, MOVE, PRESSED, RELEASE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("aardwolf") is None, reason="not installed: aardwolf (extra test)"
)

CLIENT: Final = Path(__file__).with_name("aardwolf_client.py")
SIZE: Final = (640, 480)
#: aardwolf paints no other depth right: it has no decoder for 15 and 24 bits, and cannot ask for 32
DEPTH: Final = 16

TYPED: Final[list[Message]] = [
    Keyboard(0x1E, DOWN),
    Keyboard(0x1E, RELEASE),
    Keyboard(0x1D, DOWN | EXTENDED),
    Keyboard(0x1D, RELEASE | EXTENDED),
    Mouse(40, 30, MOVE),
    Mouse(40, 30, PRESSED | LEFT),
    Mouse(40, 30, LEFT),
]


def seen(path: Path) -> Picture | None:
    """What the client shows, if it shows anything yet."""
    if not path.exists():
        return None
    width, height = SIZE
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize("protocol", ["HYBRID", "SSL"])
def test_aardwolf_shows_the_framebuffer_and_types(
    tmp_path: Path, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    security = SecuritySettings(nla=protocol == "HYBRID", tls=protocol == "SSL", rdp=False)
    path = tmp_path / "picture"
    with Console(tmp_path, *SIZE, security=security) as console:
        console.paint(colorful(*SIZE))
        words = (str(console.port), USER, PASSWORD, protocol, *map(str, SIZE), str(path))
        with Program([sys.executable, CLIENT, *words], tmp_path / "log") as client:
            client.wait_for_output("connected", SECONDS)
            console.expect_messages(TYPED)
            for patch in (None, colorful(203, 101, seed=2)):
                if patch is not None:
                    console.paint(patch, 77, 133)
                expected = shown(console.picture, DEPTH, client="aardwolf")

                def is_shown(expected: Picture = expected) -> bool:
                    picture = seen(path)
                    return picture is not None and bool((picture == expected).all())

                client.wait_until(is_shown, SECONDS, "the picture")
            assert client.stop() == 0, client.output
        console.wait_for_viewers(0)
    assert "Closed by the client" in caplog.text
    assert "Closed by us" not in caplog.text, "its Shutdown Request, for one, was understood"
