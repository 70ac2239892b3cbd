"""The programs in docs/graphics.md do what the page says, and what it names is there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from pyrdpmux import graphics
from tests.mux.rdp_client import connected
from tests.mux.serving import run
from tests.test_snippets import programs, running

PAGE = Path(__file__).parents[1] / "docs" / "graphics.md"
SHOWING, STREAMING = programs(PAGE)


def test_an_array_is_seen(tmp_path: Path) -> None:
    with running(SHOWING, tmp_path) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        port = re.search(r":(\d+) ", line)
        assert port is not None, line

        async def scenario() -> None:
            async with connected(int(port[1]), user="demo", password="secret") as client:
                await client.until(lambda: bool(client.picture[80:120].any()))
                assert client.size == (320, 200)
                assert not client.picture[:80, :, :3].any()

        run(scenario)


def test_a_page_that_moves_costs_little(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(STREAMING, str(PAGE), "exec"), {})
    _opening, first, *others = map(int, capsys.readouterr().out.split())
    assert len(others) == 2
    assert max(others) * 4 < first


def test_names() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for module, names in re.findall(r"^from (pyrdpmux\S*) import (.*)$", text, re.MULTILINE):
        assert all(hasattr(import_module(module), name) for name in names.split(", "))
    for name in ("Pacer", "target_for", "slices", "PipelineFormat", "join"):
        assert f"`{name}" in text
        assert name in graphics.__all__
    for name in ("next_due", "import_cache", "render"):
        assert f"`stream.{name}(" in text or f"`{name}`" in text
        assert hasattr(graphics.Stream, name)
