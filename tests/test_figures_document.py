"""docs/figures.md names whatever the daemon tells, and nothing that it does not tell."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.graphics.tally import Step, StepFigures
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.control.control_socket import describe_console
from pyrdpmux.mux.daemon import Daemon
from pyrdpmux.mux.figures import StreamFigures, ViewerFigures, VmFigures, WorkFigures, told
from pyrdpmux.mux.settings.config import Config, SecuritySettings

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "figures.md").read_text(encoding="utf-8")
CELLS = re.findall(r"^\| (`.*?) \| ", TEXT, re.MULTILINE)
NAMED = {name for cell in CELLS for name in re.findall(r"`(\w+)`", cell)}

WORK = WorkFigures(steps={step.value: StepFigures() for step in Step})
STREAM = StreamFigures(1, 8, 8, "EGFX", (), 1, 0.0, WORK)
VIEWER = ViewerFigures(1, "EGFX", "10.7", (), False, 0.0, 0, 0, Pacer().figures(0.0))


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


async def snapshot(tmp_path: Path) -> dict[str, Any]:
    config = Config(state_dir=tmp_path, security=SecuritySettings(nla=False, tls=True))
    factory = ConnectionFactory(config)
    answer = await Daemon(config, factory, [])._tell({})
    vm = describe_console(Console("vm", factory, config))
    viewer = {"user": "", "address": "", "is_active": True} | told(VIEWER)
    return answer | {"vms": [vm | told(VmFigures(streams=(STREAM,), ended=WORK)) | {"viewers": [viewer]}]}


def test_all_figures_are_named(tmp_path: Path) -> None:
    found = set(keys(asyncio.run(snapshot(tmp_path))))
    # named in a sentence of the row that they belong to
    inner = {"count", "pixels", "bytes", "seconds", "waiting", "frames", "steps"}
    admission = {"pending", "evicted", "delayed", "networks"}
    assert found - inner - admission - NAMED == set()
    assert NAMED - found - {"shares"} == set()
    assert {name for name in inner if f"`{name}`" not in TEXT} == set()
