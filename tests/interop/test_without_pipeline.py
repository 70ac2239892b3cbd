"""xfreerdp without the graphics pipeline: copies, tiles of its cache, RemoteFX and NSCodec; exact at rest."""

import asyncio
from typing import Any, Final

import numpy as np
import pytest

from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.mux.console.viewer_picture import ViewerPicture
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.packing import PackedUpdates
from tests.interop.client import Client, colorful, rdesktop, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.console import Console
from tests.interop.drawings import page, photo

WIDTH, HEIGHT = SIZE = (800, 600)

SEEN: Final = 0.1
"""Seconds between two pictures, so that each is sent."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The sorts of what viewers have been sent."""
    names: set[str] = set()
    send = ViewerPicture.send

    async def noted(self: ViewerPicture, frame: Any) -> None:
        names.update(type(piece).__name__ for piece in frame.output)
        await send(self, frame)

    monkeypatch.setattr(ViewerPicture, "send", noted)
    return names


@pytest.fixture
def acknowledged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of frames that clients have acknowledged."""
    numbers: list[int] = []
    method = ViewerPicture.acknowledged

    def noted(self: ViewerPicture, frame_id: int, queue_depth: int = 0) -> None:
        numbers.append(frame_id)
        method(self, frame_id, queue_depth)

    monkeypatch.setattr(ViewerPicture, "acknowledged", noted)
    return numbers


def scroll_and_drag(console: Console, client: Client, depth: int, name: str = "xfreerdp") -> None:
    """A page that scrolls, a picture that is dragged over it, and back to what was there."""

    def expect() -> None:
        client.wait_for_picture(shown(console.picture, depth, client=name))

    text, window = page(WIDTH, HEIGHT + 320), photo(300, 200)
    console.paint(text[:HEIGHT])
    expect()
    for top in (16, 48, 96, 64, 320):
        console.paint(text[top : top + HEIGHT])
        expect()
    for x, y in ((10, 10), (31, 14), (77, 60), (70, 200), (400, 350)):
        frame = text[320:].copy()
        frame[y : y + 200, x : x + 300] = window
        console.paint(frame)
        asyncio.run(asyncio.sleep(SEEN))
    expect()
    console.paint(np.full((300, 500, 4), (200, 100, 50, 0), np.uint8), 64, 32)
    expect()
    for seed in (2, 3, 2, 3):
        console.paint(colorful(*SIZE, seed=seed))
        expect()


@pytest.mark.parametrize(
    ("options", "depth", "expected"),
    [
        ([], 32, {"BitmapData", "ScrBlt"}),
        (["+bitmap-cache"], 32, {"BitmapData", "ScrBlt", "OpaqueRect", "CacheBitmapRev2", "MemBlt"}),
        (["+bitmap-cache"], 24, {"BitmapData", "ScrBlt", "OpaqueRect", "CacheBitmapRev2", "MemBlt"}),
        (["+bitmap-cache"], 16, {"BitmapData", "ScrBlt", "CacheBitmapRev2", "MemBlt"}),
        (["-bitmap-cache"], 15, {"BitmapData", "ScrBlt"}),
        (["/rfx"], 32, {"BitmapData", "ScrBlt", "SetSurfaceBits"}),
        (["/rfx", "/rfx-mode:image"], 32, {"BitmapData", "ScrBlt", "SetSurfaceBits"}),
        (["/nsc"], 32, {"BitmapData", "ScrBlt", "SetSurfaceBits"}),
    ],
)
def test_xfreerdp(
    console: Console,
    start: Start,
    sent: set[str],
    acknowledged: list[int],
    options: list[str],
    depth: int,
    expected: set[str],
) -> None:
    client = start(xfreerdp(console.port, "tls", depth, *options))
    scroll_and_drag(console, client, depth)
    assert expected <= sent
    assert acknowledged == sorted(acknowledged)
    assert acknowledged


@pytest.mark.parametrize("depth", [24, 16])
def test_rdesktop(console: Console, start: Start, sent: set[str], depth: int) -> None:
    client = start(rdesktop(console.port, depth, "-g", f"{WIDTH}x{HEIGHT}"))
    scroll_and_drag(console, client, depth, "rdesktop")
    assert {"BitmapData", "ScrBlt", "CacheBitmapRev2", "MemBlt"} <= sent


@pytest.mark.parametrize(
    ("name", "depth", "option"),
    [
        ("xfreerdp", 32, "/rfx"),
        ("xfreerdp", 32, "+bitmap-cache"),
        ("xfreerdp", 16, "-bitmap-cache"),
        pytest.param("xfreerdp", 24, "/compression-level:0", id="xfreerdp with a history of 8 KB"),
        ("rdesktop", 16, "-z"),
    ],
)
def test_a_slow_network(
    console: Console, start: Start, monkeypatch: pytest.MonkeyPatch, name: str, depth: int, option: str
) -> None:
    """All that is worth it is compressed, in a thread, but for pictures by RemoteFX."""
    sizes: list[tuple[int, int]] = []
    send = ServerConnection.send_packed

    def noted(self: ServerConnection, packed: PackedUpdates) -> None:
        sizes.append((packed.plain_size, packed.size))
        send(self, packed)

    monkeypatch.setattr(ServerConnection, "send_packed", noted)
    monkeypatch.setattr(Pacer, "is_slow", lambda self, trip: True)
    if name == "rdesktop":
        client = start(rdesktop(console.port, depth, "-g", f"{WIDTH}x{HEIGHT}", option))
    else:
        client = start(xfreerdp(console.port, "tls", depth, option, "+compression"))
    scroll_and_drag(console, client, depth, name)
    before, after = map(sum, zip(*sizes, strict=True))
    assert after < 0.8 * before
