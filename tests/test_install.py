"""What a user of a package gets: the wheel in an empty environment, started as the unit says."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from pyrdpmux.cli.app import make_parser
from pyrdpmux.cli.completion import COMPLETIONS
from scripts.generate_manual import PACKAGING
from tests.test_packaging import unit

ROOT = PACKAGING.parent
SECONDS = 30.0

for name in ("hatchling", "shtab"):
    pytest.importorskip(name, reason=f"needs {name}, of the extra dev")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; only what pyrdpmux depends on comes from ours, for want of a network."""
    directory = tmp_path_factory.mktemp("install")
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory / "dist")
    [wheel] = (directory / "dist").glob("pyrdpmux-*.whl")
    environment = directory / "env"
    venv.create(environment, symlinks=True)
    ours = sysconfig.get_path("purelib")
    packages = Path(
        _run(
            environment / "bin" / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
        ).strip()
    )
    python = environment / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "-q", wheel)
    # A path alone: unlike addsitedir, it does not bring our editable installation along.
    (packages / "dependencies.pth").write_text(f"{ours}\n")
    return environment


def _run(*command: str | Path) -> str:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_the_wheel_that_runs(installed: Path) -> None:
    found = subprocess.run(
        [installed / "bin" / "python", "-c", "import pyrdpmux; print(pyrdpmux.__file__)"],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.startswith(str(installed))


def test_the_wheel_has_what_it_needs_beside_code(installed: Path) -> None:
    [package] = installed.glob("lib/python*/site-packages/pyrdpmux")
    assert (package / "mux" / "settings" / "example.toml").is_file()
    assert not list(package.glob("**/test_*.py"))
    for completion in COMPLETIONS:
        text = (package / "packaging" / completion.name).read_text(encoding="utf-8")
        assert text == completion.text(make_parser)


@pytest.mark.parametrize(("version", "count"), [("standard", len(COMPLETIONS)), ("editable", 0)])
def test_an_editable_installation_has_no_completion_that_grows_old(version: str, count: int) -> None:
    from hatch_build import CompletionHook

    hook = CompletionHook(str(ROOT), {}, None, ANY, "", "wheel")
    data: dict[str, Any] = {"force_include": {}}
    path = list(sys.path)
    hook.initialize(version, data)
    made = [Path(name) for name in data["force_include"]]
    assert len([file for file in made if file.is_file()]) == count
    hook.finalize(version, data, "")
    assert not any(file.parent.exists() for file in made)
    assert sys.path == path


def test_the_service_is_installed_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    command = [str(installed / "bin" / "pyrdpmux"), "install-service", "--root", str(tmp_path)]
    subprocess.run(command, cwd="/", check=True, stdout=subprocess.DEVNULL, timeout=SECONDS)
    text = (tmp_path / "usr/local/lib/systemd/system/pyrdpmux.service").read_text()
    assert f"ExecStart={installed}/bin/pyrdpmux serve" in text
    pages = {path.name for path in (tmp_path / "usr/local/share/man").rglob("*.?")}
    assert pages >= {"pyrdpmux.1", "pyrdpmux-serve.8", "pyrdpmux-install-service.8"}
    [package] = installed.glob("lib/python*/site-packages/pyrdpmux")
    for completion in COMPLETIONS:
        made = (package / "packaging" / completion.name).read_text()
        assert (tmp_path / "usr/local" / completion.place).read_text() == made


@contextmanager
def started(installed: Path, directory: Path) -> Iterator[tuple["subprocess.Popen[str]", socket.socket]]:
    """The unit's ExecStart at our paths, and the socket that systemd would listen at."""
    words = shlex.split(unit()["Service"]["ExecStart"])
    assert words[0] == "/usr/bin/pyrdpmux"
    words[0] = str(installed / "bin" / "pyrdpmux")
    configuration = directory / "pyrdpmux.toml"
    words[words.index("--config") + 1] = str(configuration)
    configuration.write_text('bus = "none"\nport = 25100\n[gateway]\nport = 25099\n')
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "NOTIFY_SOCKET": str(directory / "notify"),
        "WATCHDOG_USEC": "300000",
        "STATE_DIRECTORY": str(directory / "state"),
        "RUNTIME_DIRECTORY": str(directory / "run"),
    }
    for name in ("state", "run"):
        (directory / name).mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(environment["NOTIFY_SOCKET"])
        manager.settimeout(SECONDS)
        with subprocess.Popen(
            words, cwd="/", env=environment, stderr=subprocess.PIPE, text=True, umask=0o077
        ) as process:
            try:
                yield process, manager
            finally:
                process.kill()


def told(manager: socket.socket, assignment: str) -> None:
    """Wait until systemd would know; what else it is told in the meantime does not matter."""
    while assignment not in manager.recv(4096).decode().split("\n"):
        pass


def test_the_unit_starts_it_and_it_stops_cleanly(installed: Path, tmp_path: Path) -> None:
    with started(installed, tmp_path) as (process, manager):
        told(manager, "READY=1")
        told(manager, "WATCHDOG=1")
        with socket.create_connection(("127.0.0.1", 25099), timeout=SECONDS):
            pass
        process.send_signal(signal.SIGHUP)
        told(manager, "RELOADING=1")
        told(manager, "READY=1")
        told(manager, "STATUS=VMs: 0, viewers: 0")
        process.send_signal(signal.SIGTERM)
        told(manager, "STOPPING=1")
        _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert "Traceback" not in errors
        assert "Warning" not in errors
        assert not (tmp_path / "state" / "control.sock").exists()


def test_a_configuration_that_is_missing_is_said_in_one_line(installed: Path) -> None:
    done = subprocess.run(
        [installed / "bin" / "pyrdpmux", "serve", "--config", "/etc/nothing.toml"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "pyrdpmux: /etc/nothing.toml: No such file or directory\n")
