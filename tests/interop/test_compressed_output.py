"""Updates under bulk compression: ours in xfreerdp, xrdp's in our client."""

import asyncio
from pathlib import Path

import pytest

from pyrdpmux.codec.bulk.packet import CompressionType
from pyrdpmux.harness import connect
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.fastpath.update import FastPathUpdate
from tests.harness.peers.picture_server import picture_server
from tests.interop.client import colorful, rdesktop, shown, xfreerdp
from tests.interop.conftest import Start
from tests.interop.servers import matches, painted, xrdp
from tests.interop.test_harness_client import GEOMETRY, SIZE, needs_xrdp, run
from tests.pair.linked import server_config, tls_policy


def compressed_types(tracer: ListTracer) -> set[int]:
    """Of the fragments that were sent."""
    groups = [pdu for way, _, pdu in tracer.entries if way == ">" and isinstance(pdu, tuple)]
    updates = [item for group in groups for item in group if isinstance(item, FastPathUpdate)]
    return {(item.compression_flags or 0) & 0x0F for item in updates if item.is_compressed}


@pytest.mark.parametrize("kind", list(CompressionType))
@pytest.mark.parametrize("depth", [32, 16])
def test_xfreerdp(start: Start, kind: CompressionType, depth: int) -> None:
    async def scenario() -> None:
        tracer = ListTracer()
        config = server_config(
            tls_policy(), width=SIZE[0], height=SIZE[1], compress_output=True, tracer=tracer
        )
        async with picture_server(config, colorful(*SIZE)) as server:
            options = ["+compression", f"/compression-level:{int(kind)}"]
            client = start(xfreerdp(server.port, "tls", depth, f"/size:{GEOMETRY}", *options))
            await asyncio.to_thread(client.wait_for_picture, shown(colorful(*SIZE), depth))
            for seed in (2, 1):
                server.paint(colorful(*SIZE, seed=seed))
                await asyncio.to_thread(client.wait_for_picture, shown(colorful(*SIZE, seed=seed), depth))
        assert compressed_types(tracer) == {int(kind)}

    asyncio.run(scenario())


def test_rdesktop(start: Start) -> None:
    """It knows the two oldest types."""

    async def scenario() -> None:
        tracer = ListTracer()
        config = server_config(
            tls_policy(), width=SIZE[0], height=SIZE[1], compress_output=True, tracer=tracer
        )
        async with picture_server(config, colorful(*SIZE)) as server:
            client = start(rdesktop(server.port, 24, "-g", GEOMETRY, "-z"))
            await asyncio.to_thread(client.wait_for_picture, shown(colorful(*SIZE), 24))
            server.paint(colorful(*SIZE, seed=2))
            await asyncio.to_thread(client.wait_for_picture, shown(colorful(*SIZE, seed=2), 24))
        assert compressed_types(tracer) <= {0, 1}
        assert compressed_types(tracer)

    asyncio.run(scenario())


@needs_xrdp
@pytest.mark.parametrize("kind", [CompressionType.K64, CompressionType.RDP61])
@pytest.mark.parametrize("fast_path", [True, False])
def test_xrdp(tmp_path: Path, kind: CompressionType, fast_path: bool) -> None:
    """It compresses what it can on both paths, by RDP 5's type at most."""
    seen: set[str] = set()

    async def look(port: int) -> None:
        async with connect(
            "127.0.0.1", port=port, user="na", password="na", size=SIZE, security="tls", patience=10,
            compression=kind, fast_path=fast_path,
        ) as client:  # fmt: skip
            for seed in (3, 4, 3):
                with painted(server.display, tmp_path, colorful(300, 200, seed=seed)):
                    await client.until(lambda: matches(client, server.display), what="the painting")
            assert client.renderer.undrawn == 0
            incoming = client.connection.incoming
            assert incoming is not None
            seen.update([type(history).__name__ for history in incoming._histories.values()])

    with xrdp(tmp_path, GEOMETRY) as server:
        run(look(server.port))
    assert seen == {"MppcDecompressor"}
