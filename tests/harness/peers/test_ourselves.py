"""The client looks at what a newcomer starts first: the example server, and the daemon's demo VM."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np

from examples import test_pattern_server
from pyrdpmux.harness import connect
from pyrdpmux.harness.programs import Program, free_port
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.demo.backend import DemoBackend
from pyrdpmux.mux.settings.config import Config
from pyrdpmux.rdp.nla.accounts import Accounts

ROOT = Path(__file__).parents[3]
F10 = "f10"
"""Pauses the demo VM's animation."""


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


def test_the_example_server(tmp_path: Path) -> None:
    async def scenario() -> None:
        port = free_port()
        argv = [sys.executable, test_pattern_server.__file__, str(port)]
        with Program(argv, tmp_path / "log", {"PYTHONPATH": str(ROOT)}) as program:
            await asyncio.to_thread(program.wait_for_port, port)
            async with connect("127.0.0.1", port=port, security="tls") as client:
                await client.until_shows(test_pattern_server.picture())

    run(scenario)


def test_the_demo_vm(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = Config(port=free_port(), state_dir=tmp_path)
        factory = ConnectionFactory(config, accounts=Accounts().with_password("alice", "", "secret"))
        daemon = Daemon(config, factory, [DemoBackend()])
        stop, ready = asyncio.Event(), asyncio.Event()
        running = asyncio.get_running_loop().create_task(daemon.run(stop, ready.set))
        await ready.wait()
        [console] = daemon.registry.consoles
        async with connect("127.0.0.1", port=console.port, user="alice", password="secret") as client:
            await client.until(lambda: client.renderer.painted > 0)
            client.key(F10)
            await client.until_stable()
            shown = console.display.screen.pixels
            assert client.size == (1024, 768)
            assert np.array_equal(client.picture[..., :3], shown[..., :3])
        stop.set()
        await running

    run(scenario)
