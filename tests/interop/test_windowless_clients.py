"""aardwolf and IronRDP: each one's picture equals the VM's framebuffer, and what it types arrives.

Both are programs of our own around a foreign client; they keep what they show in a file.
"""

import importlib.util
import logging
import shutil
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from pyrdpmux.graphics.stream import Frame
from pyrdpmux.graphics.targets.pieces import Piece
from pyrdpmux.harness.programs import Program
from pyrdpmux.harness.screenshot import Picture
from pyrdpmux.mux.console.viewer_picture import ViewerPicture
from pyrdpmux.mux.librdpmux.messages import Keyboard, Message, Mouse
from pyrdpmux.mux.settings.config import SecuritySettings
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits
from pyrdpmux.rdp.pdu.update import BitmapData
from tests.interop.client import SECONDS, colorful, shown
from tests.interop.console import PASSWORD, USER, Console
from tests.interop.drawings import photo
from tests.interop.test_input import DOWN, EXTENDED, LEFT, MOVE, PRESSED, RELEASE

HERE: Final = Path(__file__).parent
IRONRDP: Final = (
    HERE.parents[1] / ".node/node_modules/@devolutions/iron-remote-desktop-rdp/iron-remote-desktop-rdp.js"
)
needs_aardwolf = pytest.mark.skipif(
    importlib.util.find_spec("aardwolf") is None, reason="not installed: aardwolf (extra test)"
)
needs_ironrdp = pytest.mark.skipif(
    shutil.which("node") is None or not IRONRDP.exists(),
    reason="not installed: node, or IronRDP (scripts/node-packages)",
)

SIZE: Final = (640, 480)
#: aardwolf paints no other depth right: it has no decoder for 15 and 24 bits, and cannot ask for 32.
#: IronRDP's web client asks for nothing else.
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


def command(client: str) -> list[str | Path]:
    """How each client begins its command line."""
    if client == "aardwolf":
        return [sys.executable, HERE / "aardwolf_client.py"]
    return ["node", HERE / "ironrdp_client.mjs", IRONRDP]


def seen(path: Path) -> Picture | None:
    """What the client shows, if it shows anything yet."""
    if not path.exists():
        return None
    width, height = SIZE
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize(
    ("client", "protocol"),
    [
        pytest.param("aardwolf", "HYBRID", marks=needs_aardwolf),
        pytest.param("aardwolf", "SSL", marks=needs_aardwolf),
        pytest.param("ironrdp", "HYBRID", marks=needs_ironrdp),
    ],
)
def test_it_shows_the_framebuffer_and_types(
    tmp_path: Path, client: str, protocol: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    security = SecuritySettings(nla=protocol == "HYBRID", tls=protocol == "SSL", rdp=False)
    path = tmp_path / "picture"
    with Console(tmp_path, *SIZE, security=security) as console:
        console.paint(colorful(*SIZE))
        chosen = [protocol] if client == "aardwolf" else []
        argv = [*command(client), str(console.port), USER, PASSWORD, *chosen, *map(str, SIZE), str(path)]
        with Program(argv, tmp_path / "log") as program:
            program.wait_for_output("connected", SECONDS)
            console.expect_messages(TYPED)
            for patch in (None, colorful(203, 101, seed=2)):
                if patch is not None:
                    console.paint(patch, 77, 133)
                expected = shown(console.picture, DEPTH, client=client)

                def is_shown(expected: Picture = expected) -> bool:
                    picture = seen(path)
                    return picture is not None and bool((picture == expected).all())

                program.wait_until(is_shown, SECONDS, "the picture")
            assert program.stop() == 0, program.output
        console.wait_for_viewers(0)
    assert "Closed by the client" in caplog.text
    assert "Closed by us" not in caplog.text, "the client's last words, for one, were understood"


@needs_ironrdp
def test_moving_pictures_come_by_remotefx_and_become_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In sessions of 16 bits, too: IronRDP's web client has no others."""
    kinds: set[type] = set()
    acknowledged: list[int] = []
    send, acknowledge = ViewerPicture.send, ViewerPicture.acknowledged

    async def sending(self: ViewerPicture, frame: Frame[list[Piece]]) -> None:
        kinds.update(map(type, frame.output))
        await send(self, frame)

    def acknowledging(self: ViewerPicture, frame_id: int, queue_depth: int = 0) -> None:
        acknowledged.append(frame_id)
        acknowledge(self, frame_id, queue_depth)

    monkeypatch.setattr(ViewerPicture, "send", sending)
    monkeypatch.setattr(ViewerPicture, "acknowledged", acknowledging)
    path = tmp_path / "picture"
    with Console(tmp_path, *SIZE) as console:
        argv = [*command("ironrdp"), str(console.port), USER, PASSWORD, *map(str, SIZE), str(path)]
        with Program(argv, tmp_path / "log") as program:
            program.wait_for_output("connected", SECONDS)
            for seed in range(8):
                acknowledged.clear()
                console.paint(photo(320, 240, seed), 77, 133)
                program.wait_until(lambda: bool(acknowledged), SECONDS, "acknowledging")
            expected = shown(console.picture, DEPTH, client="ironrdp")

            def is_shown() -> bool:
                picture = seen(path)
                return picture is not None and bool((picture == expected).all())

            program.wait_until(is_shown, SECONDS, "the exact picture")
            assert program.stop() == 0, program.output
    assert kinds == {SetSurfaceBits, BitmapData}
