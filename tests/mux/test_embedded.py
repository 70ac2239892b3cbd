"""A program that shows its own arrays, without a bus; and the example that does so in ten lines."""

import asyncio
import importlib.util
import socket
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.embedded import EmbeddedServer
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.rdp.connection.events import Activated
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from tests.mux.rdp_client import connected, eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "numpy_array.py"
ANYBODY = SecuritySettings(nla=False, tls=True)
RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def test_an_array_is_seen_and_the_next_one_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = Config(state_dir=tmp_path, port=free_port(), security=ANYBODY)
        async with EmbeddedServer(config) as server:
            sink = RecordingSink()
            console = await server.add_console("plot", input=sink)
            console.show(RGB)
            async with connected(console.port) as client:
                await client.until(lambda: np.array_equal(client.picture[..., 2::-1], RGB))
                gray = RGB[:30, :40, 0]
                console.show(gray)
                await client.until(lambda: np.array_equal(client.picture[..., 1], gray))
                client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                client.flush()
                await eventually(lambda: bool(sink.told))
                assert console.viewer_count == 1
                await server.remove_console(console)
                await client.until(lambda: client.is_closed)
                assert client.error_info is ErrorInfo.RPC_INITIATED_DISCONNECT

    run(scenario)


def test_passwords_are_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = Config(state_dir=tmp_path, port=free_port())
        async with EmbeddedServer(config, passwords={"alice": "secret"}) as server:
            console = await server.add_console("plot")
            console.show(RGB)
            async with connected(console.port, user="alice", password="secret") as client:
                await client.until(lambda: bool(client.seen(Activated)))
            async with connected(console.port, user="alice", password="guess") as client:
                await client.until(lambda: client.is_closed)
                assert not client.seen(Activated)

    run(scenario)


@pytest.mark.parametrize("picture", [RGB.astype(float), np.zeros((4, 4, 4), np.uint8), np.zeros(7, np.uint8)])
def test_what_is_no_picture_is_refused(tmp_path: Path, picture: np.ndarray) -> None:
    async def scenario() -> None:
        config = Config(state_dir=tmp_path, port=free_port(), security=ANYBODY)
        async with EmbeddedServer(config) as server:
            console = await server.add_console("plot")
            with pytest.raises(ValueError, match="expected uint8"):
                console.show(picture)

    run(scenario)


def test_it_says_why_it_cannot_start_or_go_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = Config(state_dir=tmp_path, port=free_port(), security=ANYBODY)
        server = EmbeddedServer(config)
        with pytest.raises(BackendError, match="not running"):
            await server.add_console("plot")
        async with server:
            await server.add_console("plot")
            with pytest.raises(BackendError, match="is a name of"):
                await server.add_console("PLOT")
            with socket.create_server(("127.0.0.1", 0)) as busy:
                port = busy.getsockname()[1]
                with pytest.raises(BackendError, match=f"port {port} is not free"):
                    await server.add_console("other", port=port)
            assert (await server.add_console("other", port=port)).port == port

    run(scenario)


def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("numpy_array", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    port = free_port()

    async def scenario() -> None:
        printed = asyncio.Event()
        module = example()
        vars(module)["print"] = lambda *_words, **_options: printed.set()
        showing = asyncio.get_running_loop().create_task(module.main(port))
        await printed.wait()
        async with connected(port, user="demo", password="secret") as client:
            await client.until(lambda: client.picture.shape == (480, 640, 4) and bool(client.picture.any()))
        showing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await showing

    run(scenario)
