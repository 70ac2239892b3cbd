import asyncio
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.errors import MuxError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.control.client import Answer, ask, is_answering
from pyrdpmux.mux.control.control_socket import MAX_CONNECTIONS, ControlServer, describe_console
from pyrdpmux.mux.picture.heads import Composite
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS
from tests.mux.rdp_client import connected
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import run, served, show
from tests.mux.support.fake_host import until

ABOUT = ("name", "uuid", "port", "is_listening", "is_running", "status", "width", "height")


async def tell(consoles: list[Console]) -> Answer:
    return {"vms": [describe_console(console) for console in consoles]}


def test_tells_about_vms_and_viewers(factory: ConnectionFactory, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port, user="alice") as client:
            console.start(object(), RecordingSink(), "a-uuid")
            await client.until(lambda: client.connection.is_active)
            server = ControlServer(tmp_path / "control.sock", {"vms": lambda _: tell([console])})
            await server.start()
            answer = await asyncio.to_thread(ask, tmp_path / "control.sock", "vms")
            [vm] = answer["vms"]
            [viewer] = vm.pop("viewers")
            assert {"loop_seconds", "thread_seconds", "streams", "ended"} < vm.keys()
            assert {key: vm[key] for key in ABOUT} == {
                "name": "vm",
                "uuid": "a-uuid",
                "port": console.port,
                "is_listening": True,
                "is_running": True,
                "status": "waiting for its picture",
                "width": 640,
                "height": 480,
            }
            assert viewer["user"] == "alice"
            assert viewer["address"].startswith("127.0.0.1:")
            assert viewer["is_active"] is True
            await server.stop()

    run(scenario)


@pytest.mark.parametrize(
    ("channels", "way", "version", "steps"),
    [
        ((), "bitmaps", None, {"find", "bitmaps"}),
        ((GRAPHICS,), "EGFX", "10.7", {"find", "compress"}),
    ],
    ids=["bitmaps", "pipeline"],
)
def test_tells_how_pictures_come_to_viewers(
    factory: ConnectionFactory, channels: tuple[str, ...], way: str, version: str | None, steps: set[str]
) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            show(console, np.full((480, 640, 4), 200, np.uint8))
            async with connected(console.port, dynamic_channels=channels) as client:
                await client.until_shows(console.screen.pixels)
                vm = describe_console(console)
                [viewer], [stream] = vm["viewers"], vm["streams"]
                assert (viewer["way"], viewer["version"], viewer["stream"]) == (
                    way,
                    version,
                    stream["number"],
                )
                assert viewer["codecs"] == stream["codecs"] != []
                assert viewer["bytes_sent"] > stream["work"]["bytes"] > 0
                assert viewer["link"]["frames_per_second"] > 0
                assert viewer["loop_seconds"] > 0 < vm["thread_seconds"]
                assert (stream["viewers"], stream["work"]["frames"]) == (1, 1)
                assert stream["work"]["steps"].keys() >= steps
                assert vm["ended"]["frames"] == 0
            await until(lambda: not console.figures.streams)
            assert describe_console(console)["ended"]["frames"] == 1, "what it has cost is not forgotten"

    run(scenario)


def test_tells_where_the_displays_of_a_vm_are(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            assert describe_console(console)["heads"] == [[0, 0, 640, 480]]
            composite = Composite((Rect(0, 0, 800, 600), Rect(800, 0, 640, 480)))
            console.screen.adopt(composite.surface, composite.heads)
            vm = describe_console(console)
            assert (vm["width"], vm["heads"]) == (1440, [[0, 0, 800, 600], [800, 0, 640, 480]])

    run(scenario)


async def answer_to(path: Path, request: bytes) -> object:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    writer.write_eof()
    line = await reader.readline()
    writer.close()
    return json.loads(line) if line else None


@pytest.mark.parametrize(
    ("request_line", "answer"),
    [
        (b'{"command": "vms"}\n', {"vms": []}),
        (b'{"command": "stop"}\n', {"error": "unknown command 'stop'"}),
        (b"[]\n", {"error": "unknown command None"}),
        (b"hello\n", {"error": "not a line of JSON"}),
        (b"\xff\n", {"error": "not a line of JSON"}),
        (b"", {"error": "not a line of JSON"}),
        (b"x" * 100_000, {"error": "a request of more than 4096 bytes"}),
        (b"[" * 4000 + b"\n", {"error": "not a line of JSON"}),
        (b'{"command": ' + b"[" * 4000 + b"\n", {"error": "not a line of JSON"}),
        (b'{"command": {"a": 1}}\n', {"error": "unknown command {'a': 1}"}),
        (b'{"command": "careless"}\n', {"error": "careless: AttributeError, see the daemon's log"}),
        (b'{"command": "careless", "vm": "a"}\n', {"vm": "A"}),
    ],
)
def test_every_request_is_answered_or_dropped(tmp_path: Path, request_line: bytes, answer: object) -> None:
    async def scenario() -> None:
        async def careless(request: Answer) -> Answer:
            return {"vm": request.get("vm").upper()}  # type: ignore[union-attr]

        server = ControlServer(tmp_path / "c", {"vms": lambda _: tell([]), "careless": careless})
        await server.start()
        assert await answer_to(tmp_path / "c", request_line) == answer
        await server.stop()

    run(scenario)


def test_so_many_questions_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        server = ControlServer(tmp_path / "c", {"vms": lambda _: tell([])})
        await server.start()
        silent = [await asyncio.open_unix_connection(tmp_path / "c") for _ in range(MAX_CONNECTIONS)]
        await until(lambda: server._open == MAX_CONNECTIONS)
        answer = await answer_to(tmp_path / "c", b'{"command": "vms"}\n')
        assert answer == {"error": "more than 16 questions at once"}
        silent.pop()[1].close()
        await until(lambda: server._open < MAX_CONNECTIONS)
        assert await answer_to(tmp_path / "c", b'{"command": "vms"}\n') == {"vms": []}
        for _, writer in silent:
            writer.close()
        await server.stop()

    run(scenario)


def test_who_does_not_read_the_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrdpmux.mux.control.control_socket.SECONDS", 0.1)

    async def much(_request: Answer) -> Answer:
        return {"much": "x" * 3_000_000}

    async def scenario() -> None:
        server = ControlServer(tmp_path / "c", {"much": much})
        await server.start()
        reader, writer = await asyncio.open_unix_connection(tmp_path / "c", limit=1)
        writer.write(b'{"command": "much"}\n')
        await until(lambda: server._open == 1)
        await until(lambda: server._open == 0)
        assert server._server is not None
        # the transport is gone too: what was not read of the answer is in nobody's memory
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(3_000_000)
        writer.close()
        await server.stop()

    run(scenario)


def test_the_socket_is_private_and_goes_with_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "state" / "c"

    async def scenario() -> None:
        server = ControlServer(path, {"vms": lambda _: tell([])})
        await server.start()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        await server.stop()
        assert not path.exists()
        await server.stop()

    old = os.umask(0o022)
    try:
        run(scenario)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(old)


def test_one_daemon_per_state_directory(tmp_path: Path) -> None:
    async def scenario() -> None:
        first, second = (
            ControlServer(tmp_path / "c", {"vms": lambda _: tell([])}),
            ControlServer(tmp_path / "c", {"vms": lambda _: tell([])}),
        )
        await first.start()
        with pytest.raises(MuxError, match="another pyrdpmux daemon"):
            await second.start()
        assert is_answering(tmp_path / "c")
        await first.stop()
        assert not is_answering(tmp_path / "c")

    run(scenario)


def test_the_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "c"))

    async def scenario() -> None:
        server = ControlServer(tmp_path / "c", {"vms": lambda _: tell([])})
        await server.start()
        assert await asyncio.to_thread(ask, tmp_path / "c", "vms") == {"vms": []}
        with pytest.raises(MuxError, match="unknown command 'x'"):
            await asyncio.to_thread(ask, tmp_path / "c", "x")
        await server.stop()

    run(scenario)


def test_a_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text("precious")

    async def scenario() -> None:
        with pytest.raises(MuxError, match="cannot listen"):
            await ControlServer(path, {"vms": lambda _: tell([])}).start()

    run(scenario)
    assert path.read_text() == "precious"


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(MuxError, match="no pyrdpmux daemon is running"):
        ask(tmp_path / "c", "vms")
