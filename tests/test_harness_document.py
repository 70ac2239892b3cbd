"""The programs in docs/harness.md run against a server of ours, and what it names is there."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.harness import Client, LicenseFolder
from pyrdpmux.harness.peers.client import PATIENCE, QUIET
from pyrdpmux.rdp.connection.client.config import ClientConfig
from tests.harness.peers.picture_server import picture_server
from tests.harness.peers.test_renderer import picture
from tests.pair.linked import nla_policy, server_config

PAGE = Path(__file__).parents[1] / "docs" / "harness.md"
TEXT = PAGE.read_text(encoding="utf-8")
SCREEN = picture(320, 200)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


@contextmanager
def serving() -> Iterator[int]:
    """A server in a loop of its own, because the page's programs bring theirs; its port."""
    ports: list[int] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with picture_server(server_config(nla_policy(), width=320, height=200), SCREEN) as server:
            ports.append(server.port)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def run(program: str) -> None:
    assert program.count("3390") == 1
    with serving() as port:
        names: dict[str, Any] = {"__name__": "example"}
        exec(compile(program.replace("3390", str(port)), str(PAGE), "exec"), names)


def test_the_first_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(blocks("python")[0])
    image = pytest.importorskip("PIL.Image")
    for name in ("before.png", "after.png"):
        with image.open(tmp_path / name) as opened:
            assert opened.size == (320, 200)
    assert capsys.readouterr().out.startswith("(320, 200) [")


def test_the_program_that_is_sent_away(capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks("python")[1])
    assert capsys.readouterr().out == blocks("text")[0]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:client\.)?(until\w*|\w+)\(", TEXT))))
def test_each_method_that_it_names_is_there(name: str) -> None:
    if name != LicenseFolder.__name__:
        assert callable(getattr(Client, name))


def test_the_numbers_are_right() -> None:
    assert f"quiet={QUIET}" in TEXT
    assert f"`patience=` of `connect`, {PATIENCE:g} by default" in TEXT
    fields = ClientConfig.__dataclass_fields__
    for name in ("auto_reconnect", "channels", "fast_path", "max_request_size", "codecs", "license_store"):
        assert name in TEXT
        assert name in fields
