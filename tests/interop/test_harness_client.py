"""Our client's framebuffer equals what foreign servers show, pixel for pixel on bitmap sessions."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.harness import SessionEnded, connect
from pyrdpmux.harness.peers.dialing import Security
from tests.interop.client import colorful, shown
from tests.interop.console import PASSWORD, USER, Console
from tests.interop.servers import matches, painted, shadow

GEOMETRY = "640x480"
SIZE = (640, 480)


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


def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    async def look(port: int) -> None:
        async with connect("127.0.0.1", port=port, user=USER, password="wrong", security="nla"):
            raise AssertionError("let in")

    with shadow(tmp_path, GEOMETRY, nla=True) as server, pytest.raises(SessionEnded) as caught:
        run(look(server.port))
    print(caught.value)
