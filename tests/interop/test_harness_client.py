"""Our client's framebuffer equals what foreign servers show, pixel for pixel on bitmap sessions."""

import asyncio
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.harness import Client, SessionEnded, connect
from pyrdpmux.harness.peers.codecs import REMOTEFX
from pyrdpmux.harness.peers.dialing import Security
from pyrdpmux.rdp.connection.events import Event, PointerReceived
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits, StreamSurfaceBits, SurfaceCommands
from tests.interop.client import colorful, shown
from tests.interop.console import PASSWORD, USER, Bgrx, Console
from tests.interop.servers import matches, painted, shadow, shown_on, xrdp

XRDP_PROGRAMS = ("xrdp", "Xtigervnc", "openssl")
needs_xrdp = pytest.mark.skipif(
    any(shutil.which(name) is None for name in XRDP_PROGRAMS), reason="xrdp is not installed"
)
needs_xrdp_key = pytest.mark.skipif(
    not os.access("/etc/xrdp/rsakeys.ini", os.R_OK), reason="only root may read xrdp's RSA key"
)

GEOMETRY = "640x480"
SIZE = (640, 480)


#: For a frame of RemoteFX in one surface command.
MAX_REQUEST_SIZE = 0x3F0000

#: Levels of 256 that a pixel of a lossy picture may be off on average.
CLOSE = 3.0


def gradients(seed: int) -> Bgrx:
    """What lossy codecs show well."""
    y, x = np.mgrid[0:200, 0:300]
    return np.stack([x * seed // 8, y, (x + y) // 2, 0 * x], axis=2).astype(np.uint8)


def run(coroutine: object) -> None:
    asyncio.run(coroutine)  # type: ignore[arg-type]


@pytest.mark.parametrize("security", ["tls", "nla", "rdp"])
def test_freerdp_shadow(tmp_path: Path, security: Security) -> None:
    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user=USER, password=PASSWORD, size=SIZE, security=security
        ) as client:
            await client.until(lambda: matches(client, server.display), what="the display's picture")
            with painted(server.display, tmp_path, colorful(300, 200, seed=3)):
                await client.until(lambda: matches(client, server.display), what="the painting")

    with (
        shadow(tmp_path, GEOMETRY, nla=security == "nla") as server,
        painted(server.display, tmp_path, colorful(640, 480)),
    ):
        run(look(server.port))


def test_remotefx_of_freerdp_shadow(tmp_path: Path) -> None:
    """Lossy, so the picture is close. (With NSCodec alone, this server sends bitmaps.)"""
    used: Counter[int] = Counter()

    def observe(event: Event) -> None:
        if isinstance(event, PointerReceived) and isinstance(event.update, SurfaceCommands):
            commands = event.update.commands
            bits = [c for c in commands if isinstance(c, SetSurfaceBits | StreamSurfaceBits)]
            used.update([command.bitmap.codec_id for command in bits])

    def is_close(client: Client) -> bool:
        expected = shown_on(server.display)[:200, :300, :3].astype(int)
        return float(np.abs(client.picture[:200, :300, :3] - expected).mean()) < CLOSE

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user=USER, password=PASSWORD, size=SIZE, codecs=(REMOTEFX,),
            observer=observe, max_request_size=MAX_REQUEST_SIZE,
        ) as client:  # fmt: skip
            for seed in (3, 4, 5):
                with painted(server.display, tmp_path, gradients(seed)):
                    await client.until(lambda: is_close(client), what="the painting, nearly")

    with shadow(tmp_path, GEOMETRY) as server:
        run(look(server.port))
    assert set(used) == {REMOTEFX.codec_id}


@pytest.mark.parametrize("bits_per_pixel", [32, 24, 16, 15, 8])
@pytest.mark.parametrize("security", ["tls", "nla", "rdp"])
def test_our_daemon(console: Console, security: Security, bits_per_pixel: int) -> None:
    async def look() -> None:
        async with connect(
            "127.0.0.1", port=console.port, user=USER, password=PASSWORD, security=security,
            bits_per_pixel=bits_per_pixel,
        ) as client:  # fmt: skip
            expected = (
                reduce_and_expand(console.picture, 8)[..., :3]
                if bits_per_pixel == 8
                else shown(console.picture, bits_per_pixel)[..., ::-1]
            )
            await client.until(lambda: np.array_equal(client.picture[..., :3], expected))

    console.paint(colorful(800, 600))
    run(look())


@needs_xrdp
@pytest.mark.parametrize(
    ("security", "level", "bits_per_pixel"),
    [
        ("tls", "high", 32),
        ("tls", "high", 24),
        ("tls", "high", 16),
        ("tls", "high", 15),
        pytest.param("rdp", "high", 32, marks=needs_xrdp_key),
        pytest.param("rdp", "fips", 16, marks=needs_xrdp_key),
    ],
)
def test_xrdp(tmp_path: Path, security: Security, level: str, bits_per_pixel: int) -> None:
    """Through its licensing; a password of any kind makes it skip its login dialog."""

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user="na", password="na", size=SIZE, security=security,
            bits_per_pixel=bits_per_pixel, patience=10,
        ) as client:  # fmt: skip
            for seed in (3, 4):
                with painted(server.display, tmp_path, colorful(300, 200, seed=seed)):
                    await client.until(
                        lambda: matches(client, server.display, bits_per_pixel), what="the painting"
                    )
            assert client.renderer.undrawn == 0

    with xrdp(tmp_path, GEOMETRY, security, level) as server:
        run(look(server.port))


@pytest.mark.parametrize("server_name", ["shadow", pytest.param("xrdp", marks=needs_xrdp)])
def test_a_size_of_the_servers_choice(tmp_path: Path, server_name: str) -> None:
    """FreeRDP's shadow has the size of its display and reactivates; xrdp makes its display fit."""
    asked = (800, 600)
    expected = asked if server_name == "xrdp" else SIZE

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user="na", password="na", size=asked, patience=20
        ) as client:
            await client.until(
                lambda: client.size == expected and matches(client, server.display), what="the picture"
            )

    serve = xrdp if server_name == "xrdp" else shadow
    with serve(tmp_path, GEOMETRY) as server, painted(server.display, tmp_path, colorful(300, 200)):
        run(look(server.port))


def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    async def look(port: int) -> None:
        async with connect("127.0.0.1", port=port, user=USER, password="wrong", security="nla"):
            raise AssertionError("let in")

    with shadow(tmp_path, GEOMETRY, nla=True) as server, pytest.raises(SessionEnded) as caught:
        run(look(server.port))
    # FreeRDP's server says it by closing the connection.
    assert "perhaps a wrong user or password" in str(caught.value)
