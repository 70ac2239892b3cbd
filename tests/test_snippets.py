"""The programs in the documents run as they stand there, and do what the text says."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.serve_program import ROOT, environment, serving
from tests.mux.rdp_client import connected
from tests.mux.serving import run
from tests.mux.support.private_bus import private_bus

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("packaging/*.md")]

EXECUTED = {"README.md": 2, "driving-the-core.md": 1, "graphics.md": 2, "harness.md": 2}
"""Programs by document: those of the README here, the others in a test of the document's name."""


def programs(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


EMBEDDED, GUEST = programs(ROOT / "README.md")


@contextmanager
def running(
    program: str, tmp_path: Path, system_bus: str = "unix:path=/nowhere"
) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        env={**environment(system_bus), "STATE_DIRECTORY": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_no_program_is_left_out() -> None:
    assert {path.name: len(found) for path in DOCUMENTS if (found := programs(path))} == EXECUTED


def test_an_array_without_a_bus(tmp_path: Path) -> None:
    with running(EMBEDDED, tmp_path) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        facts = re.search(r"/u:(\S+) /p:(\S+) .*/v:127\.0\.0\.1:(\d+)$", line)
        assert facts is not None, line

        async def scenario() -> None:
            async with connected(int(facts[3]), user=facts[1], password=facts[2]) as client:
                await client.until(lambda: client.picture.shape == (480, 640, 4))
                # blue, green, red at x = 600 % 256 and y = 400 % 256, once it has come that far
                await client.until(lambda: client.picture[400, 600, :3].tolist() == [1000 % 256, 144, 88])

        run(scenario)


@pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon")
def test_a_guest_with_a_name(tmp_path: Path) -> None:
    with (
        private_bus(tmp_path, may_own=True) as bus,
        serving(tmp_path / "state", "--bus", "system", system_bus=bus) as daemon,
        running(GUEST, tmp_path, bus) as guest,
    ):
        found: list[tuple[str, int, int]] = []
        while found != [("build7", 800, 600)]:
            assert guest.poll() is None, "the program has ended"
            found = [(vm["name"], vm["width"], vm["height"]) for vm in daemon.ask("vms")["vms"]]
