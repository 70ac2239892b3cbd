"""``examples/backend_plugin.py``, installed as a package is and used by `pyrdpmux serve`."""

import asyncio
import importlib.util
import os
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.harness.programs import free_port
from tests.mux.rdp_client import connected
from tests.mux.serving import noise, run
from tests.mux.support.fake_host import FakeHost

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """What pip leaves of a package, as far as entry points go."""
    metadata = tmp_path / "packages" / "still-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: still\nVersion: 1.0\n")
    entry_points = "[pyrdpmux.backends]\nstill = backend_plugin:StillPicture\n"
    (metadata / "entry_points.txt").write_text(entry_points)
    return metadata.parent


@asynccontextmanager
async def serving(
    packages: Path, certificate_directory: Path, source: str, port: int = 0
) -> AsyncIterator[Process]:
    command = [
        *(sys.executable, "-m", "pyrdpmux", "serve", "--bus", "none", "--no-auth", "--source", source),
        *(
            "--port",
            str(port or free_port()),
            "--state-dir",
            str(packages),
            "--certificate-dir",
            str(certificate_directory),
        ),
    ]
    environment = os.environ | {"PYTHONPATH": f"{packages}:{EXAMPLES}"}
    daemon = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE, env=environment)
    try:
        yield daemon
    finally:
        if daemon.returncode is None:
            daemon.terminate()
        await daemon.communicate()


async def said(daemon: Process, text: str) -> str:
    """The line with ``text`` on it."""
    assert daemon.stderr is not None
    while line := (await daemon.stderr.readline()).decode():
        if text in line:
            return line
    raise AssertionError(f"{text!r} did not come")


def test_its_picture_is_seen(packages: Path, certificate_directory: Path) -> None:
    picture = noise(96, 40)
    path = packages / "picture.ppm"
    path.write_bytes(b"P6 96 40 255\n" + np.ascontiguousarray(picture[..., 2::-1]).tobytes())

    async def scenario() -> None:
        port = free_port()
        async with serving(packages, certificate_directory, f"poster=still:{path}", port) as daemon:
            await said(daemon, "Ready")
            async with connected(port) as client:
                await client.until_shows(picture)

    run(scenario)


@pytest.mark.parametrize(
    "data", [b"", b"P5 2 2 255\n....", b"P6 2 2 255\n...........", b"P6 0 0 255\n", b"P6 9999 1 255\n"]
)
def test_what_is_no_picture_brings_no_vm(tmp_path: Path, data: bytes) -> None:
    spec = importlib.util.spec_from_file_location("backend_plugin", EXAMPLES / "backend_plugin.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    path = tmp_path / "picture.ppm"
    path.write_bytes(data)
    host = FakeHost()
    with pytest.raises(BackendError, match=f"{path}: "):
        asyncio.run(example.StillPicture("poster", str(path)).start(host))
    assert host.added == []


def test_what_is_no_address_is_refused(packages: Path, certificate_directory: Path) -> None:
    async def scenario() -> None:
        async with serving(packages, certificate_directory, "poster=still:here") as daemon:
            await said(daemon, "expected still:/PATH")
            assert await daemon.wait() == 2

    run(scenario)
