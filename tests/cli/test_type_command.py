"""`pyrdpmux type`, from the command line to a VM's keyboard."""

import asyncio
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyrdpmux import cli
from pyrdpmux.cli.type_command import text_of
from pyrdpmux.errors import MuxError
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.control.control_socket import ControlServer
from pyrdpmux.mux.control.type_text import type_on_command, type_text
from pyrdpmux.mux.settings.config import Config, InputSettings, SecuritySettings, VmSettings
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import run


def console_of(factory: ConnectionFactory, sink: RecordingSink | None) -> Console:
    config = Config(
        input=InputSettings(keyboard="us"),
        vms={"vm": VmSettings(keyboard="de")},
        security=SecuritySettings(nla=False, tls=True),
    )
    console = Console("vm", factory, config)
    if sink is not None:
        console.start(object(), sink, None)
    return console


@contextmanager
def daemon(path: Path, console: Console) -> Iterator[None]:
    """A control socket that knows one command, on a loop of its own."""
    loop = asyncio.new_event_loop()
    server = ControlServer(path, {"type": lambda request: type_on_command([console], request)})
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(5)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type_text, "__defaults__", (0.0,))


def test_a_text_is_typed_on_the_layout_of_the_vm(
    factory: ConnectionFactory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sink = RecordingSink()
    with daemon(tmp_path / "control.sock", console_of(factory, sink)):
        assert cli.main(["type", "vm", "z@", "--state-dir", str(tmp_path)]) == 0
        assert sink.take() == ["15 down", "15 up", "e0 38 down", "10 down", "10 up", "e0 38 up"]
        (tmp_path / "text").write_text("y" * 300, encoding="utf-8")
        assert cli.main(["type", "vm", "--file", str(tmp_path / "text"), "--state-dir", str(tmp_path)]) == 0
        assert sink.take() == ["2c down", "2c up"] * 300
        assert cli.main(["type", "vm", "añoño", "--state-dir", str(tmp_path)]) == 1
        assert "left out 'ñ'" in capsys.readouterr().err
        assert cli.main(["type", "other", "x", "--state-dir", str(tmp_path)]) == 1
        assert "there is no such VM" in capsys.readouterr().err


def test_a_vm_that_is_away(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        console = console_of(factory, None)
        with pytest.raises(MuxError, match="nobody is there to read"):
            await type_on_command([console], {"vm": "vm", "text": "x"})
        for request in ({}, {"vm": "vm"}, {"vm": 1, "text": "x"}, {"vm": "vm", "text": "x" * 1000}):
            with pytest.raises(MuxError, match="expected the name of a VM"):
                await type_on_command([console], request)

    run(scenario)


def test_lights_of_the_guest_reach_the_typist(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        console = console_of(factory, sink)
        console.set_leds(4)
        await type_on_command([console], {"vm": "vm", "text": "a"})
        assert sink.take() == ["3a down", "3a up", "1e down", "1e up", "3a down", "3a up"]
        console.configure(Config(input=InputSettings(keyboard="fr")))
        console.set_leds(0)
        await type_on_command([console], {"vm": "vm", "text": "a"})
        assert sink.take() == ["10 down", "10 up"]

    run(scenario)


def test_where_the_text_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_bytes("ä".encode())
    assert text_of("x", None) == "x"
    assert text_of(None, tmp_path / "text") == "ä"
    with pytest.raises(MuxError, match="not both"):
        text_of("x", tmp_path)
    (tmp_path / "text").write_bytes(b"\xff")
    with pytest.raises(MuxError, match="not UTF-8"):
        text_of(None, tmp_path / "text")
    monkeypatch.setattr("sys.stdin", io.StringIO("typed"))
    assert text_of(None, None) == "typed"
