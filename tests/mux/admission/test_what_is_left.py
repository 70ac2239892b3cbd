"""What a connection has cost is free when it has ended, without waiting for the collector of cycles."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.viewer import Viewer
from pyrdpmux.mux.gateway.session import GatewaySession
from pyrdpmux.mux.settings.config import Config, GatewaySettings
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.nla.accounts import Accounts
from tests.mux.gateway.test_gateway import world
from tests.mux.rdp_client import connected, eventually
from tests.mux.serving import noise, run, served, show


class Watch:
    """Which objects of the server's side are still there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._made: list[tuple[str, weakref.ref[Any]]] = []
        for kind in (Viewer, ServerConnection, GatewaySession):
            self._watch(kind, monkeypatch)

    def _watch(self, kind: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        made = kind.__init__
        watch = self

        def init(self: Any, *arguments: Any, **more: Any) -> None:
            watch._made.append((kind.__name__, weakref.ref(self)))
            made(self, *arguments, **more)

        monkeypatch.setattr(kind, "__init__", init)

    @property
    def count(self) -> int:
        return len(self._made)

    @property
    def left(self) -> list[str]:
        return [name for name, thing in self._made if thing() is not None]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    gc.collect()
    gc.disable()
    try:
        yield Watch(monkeypatch)
    finally:
        gc.enable()


@pytest.fixture
def config(certificate_directory: Path, tmp_path: Path) -> Config:
    return Config(certificate_dir=certificate_directory, state_dir=tmp_path)


ALICE = Accounts().with_password("alice", "", "secret")


async def junk(port: int) -> None:
    await raw(port, b"junk")


async def raw(port: int, words: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    writer.write_eof()
    with suppress(ConnectionError):
        while await reader.read(4096):
            pass
    writer.close()


async def silence(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0.02)
    writer.close()


async def wrong_password(port: int) -> None:
    async with connected(port, user="alice", password="wrong") as client:
        await client.until(lambda: client.is_closed)


async def a_look(port: int) -> None:
    async with connected(port, user="alice", password="secret") as client:
        await client.until(lambda: bool(client.bitmaps))
        client.connection.disconnect()
        client.flush()
        await client.until(lambda: client.is_closed)


async def a_cut_cable(port: int) -> None:
    async with connected(port, user="alice", password="secret") as client:
        await client.until(lambda: client.connection.is_active)
        client.drop()


VISITS = [junk, silence, wrong_password, a_look, a_cut_cable]


@pytest.mark.parametrize("visit", VISITS)
def test_at_a_vms_port(config: Config, watch: Watch, visit: Callable[[int], Awaitable[None]]) -> None:
    async def scenario() -> None:
        factory = ConnectionFactory(config, accounts=ALICE)
        async with served(factory) as console:
            show(console, noise(64, 64))
            await visit(console.port)
            await eventually(lambda: not watch.left)
            assert watch.count >= 2
            assert len(factory.control.pending) == 0
            assert not factory.control._shares

    run(scenario)


@pytest.mark.parametrize("visit", VISITS)
def test_at_the_gateway(config: Config, watch: Watch, visit: Callable[[int], Awaitable[None]]) -> None:
    async def scenario() -> None:
        ports = replace(config, port=free_port(), gateway=GatewaySettings(port=free_port()))
        async with world(ports) as made:
            await visit(made.port)
            await eventually(lambda: not watch.left)
            assert watch.count >= 3
            assert len(made.factory.control.pending) == 0

    run(scenario)
