"""A program that shows its own arrays, without a bus; and the examples that do so in a few lines."""

import asyncio
import importlib.util
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.harness.peers.codecs import GRAPHICS_WITH_AVC
from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.embedded import EmbeddedServer, show
from pyrdpmux.mux.settings.config import Config, SecuritySettings
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import Activated
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from tests.mux.rdp_client import RdpClient, connected, eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import run

EXAMPLES = Path(__file__).parents[2] / "examples"
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


def test_a_part_of_the_picture_is_written(tmp_path: Path) -> None:
    async def scenario() -> None:
        config = Config(state_dir=tmp_path, port=free_port())
        async with show(96, 80, user="alice", password="secret", config=config) as screen:
            screen.write(RGB, -8, 40)
            screen.write(RGB[:5, :6, 1], 90, 0)
            screen.write(RGB, 96, 0)
            expected = np.zeros((80, 96, 3), np.uint8)
            expected[40:, :56] = RGB[:40, 8:]
            expected[:5, 90:] = RGB[:5, :6, 1, None]
            async with connected(screen.port, user="alice", password="secret") as client:
                await client.until(lambda: np.array_equal(client.picture[..., 2::-1], expected))
            with pytest.raises(ValueError, match="expected uint8"):
                screen.write(RGB.astype(float))
            assert screen.vm.name == "python"

    run(scenario)


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@asynccontextmanager
async def visiting_example(name: str, *arguments: object) -> AsyncIterator[RdpClient]:
    """A client of what the example's ``main`` shows with these arguments, and a port of our choice."""
    port = free_port()
    printed = asyncio.Event()
    module = example(name)
    vars(module)["print"] = lambda *_words, **_options: printed.set()
    showing = asyncio.get_running_loop().create_task(module.main(*arguments, port))
    await printed.wait()
    async with connected(
        port, user="demo", password="secret", dynamic_channels=(CHANNEL_NAME,), graphics=GRAPHICS_WITH_AVC
    ) as client:
        yield client
    showing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await showing


def test_an_array_that_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))

    async def scenario() -> None:
        async with visiting_example("numpy_array") as client:
            await client.until(lambda: client.picture.shape == (480, 640, 4) and bool(client.picture.any()))

    run(scenario)


def video_file(path: Path, levels: Sequence[int]) -> None:
    """A frame of each gray."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=50)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        for level in levels:
            picture = np.full((192, 320, 3), level, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))


def test_a_video_is_played_and_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av", reason="needs PyAV, of the extra h264")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    video_file(tmp_path / "gray.mp4", [40] * 20 + [120] * 20 + [200] * 20)

    async def scenario() -> None:
        async with visiting_example("play_video", str(tmp_path / "gray.mp4")) as client:
            await client.until(lambda: client.picture.shape == (192, 320, 4))
            seen: list[int] = []
            for level in (40, 120, 200, 40):
                seen.append(level)
                await client.until(lambda: abs(int(client.picture[96, 160, 1]) - seen[-1]) < 20)

    run(scenario)
