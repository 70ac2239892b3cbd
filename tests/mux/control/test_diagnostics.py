"""What the daemon says it holds is what is there."""

import asyncio
import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrdpmux.codec import extras
from pyrdpmux.geometry import Region
from pyrdpmux.mux.control import diagnostics
from pyrdpmux.mux.control.diagnostics import diagnose


@pytest.fixture(autouse=True)
def _nobody_elses_objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All that other tests have left behind is not looked at, which would take seconds."""

    @contextlib.contextmanager
    def looking_at_ours() -> Iterator[None]:
        gc.collect()
        yield

    monkeypatch.setattr(diagnostics, "looking_at_everything", looking_at_ours)
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


async def sleep_long() -> None:
    await asyncio.sleep(60)


def test_tasks_are_counted_by_name_without_numbers() -> None:
    async def scenario() -> dict[str, int]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(sleep_long(), name=f"viewer {number}") for number in range(3)]
            found = diagnose()
            for task in tasks:
                task.cancel()
        return dict(found["tasks"])

    assert asyncio.run(scenario())["viewer *"] == 3


def test_objects_of_ours_are_counted_while_they_are_held() -> None:
    async def count() -> int:
        return int(diagnose()["objects"].get("geometry.Region", 0))

    before = asyncio.run(count())
    held = [Region(), Region()]
    assert asyncio.run(count()) == before + len(held)
    del held
    assert asyncio.run(count()) == before


def test_says_which_codecs_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "is_installed", lambda extra: extra != "jpeg")

    async def found() -> dict[str, bool]:
        return {name: row["available"] for name, row in diagnose()["codecs"].items()}

    available = asyncio.run(found())
    assert (available["planar"], available["avc420"], available["jpeg"]) == (True, True, False)


def test_descriptors_are_listed_by_what_they_are(tmp_path: Path) -> None:
    async def found() -> dict[str, int]:
        return dict(diagnose()["descriptors"])

    path = tmp_path / "open"
    reader, writer = os.pipe()
    before = asyncio.run(found())["pipe:[*]"]
    os.close(reader)
    os.close(writer)
    with path.open("w"):
        assert any(name.endswith("/open") for name in asyncio.run(found()))
    after = asyncio.run(found())
    assert after["pipe:[*]"] == before - 2
    assert not any(name.endswith("/open") for name in after)


def test_memory_in_use_is_told_in_bytes() -> None:
    async def found() -> dict[str, int]:
        return dict(diagnose()["memory"])

    held = bytearray(os.urandom(1 << 20) * 64)
    with_it = asyncio.run(found())
    del held
    without = asyncio.run(found())
    assert with_it["now"] - without["now"] > 48 << 20
    assert without["most"] >= with_it["now"]
