"""What only librdpmux needs is imported where VMs may register, and named where it is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pyrdpmux.harness.programs import free_port
from pyrdpmux.mux.librdpmux.requirements import PACKAGES
from tests.cli.serve_program import ROOT, environment

SECONDS = 60

#: The command until it is ready, without some modules; then the modules that it has loaded.
PROGRAM = """
import json, logging, os, signal, sys
missing, *arguments = sys.argv[1:]
for name in filter(None, missing.split(",")):
    sys.modules[name] = None
from pyrdpmux.cli import main

class StopWhenReady(logging.Handler):
    def emit(self, record):
        if record.getMessage().startswith("Ready"):
            os.kill(os.getpid(), signal.SIGTERM)

logging.getLogger("pyrdpmux").addHandler(StopWhenReady())
code = main(arguments)
print(json.dumps(sorted(name for name in sys.modules if sys.modules[name] is not None)))
sys.exit(code)
"""

VNC = ("--vnc", "build7=127.0.0.1:5999")


def serve(tmp_path: Path, *arguments: str, missing: str = "") -> "subprocess.CompletedProcess[str]":
    listening = ("--state-dir", str(tmp_path), "--port", str(free_port()))
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, missing, *arguments, *listening],
        cwd=ROOT,
        env=environment("unix:path=/nowhere"),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_without_a_bus_they_are_not_imported(tmp_path: Path) -> None:
    ran = serve(tmp_path, "serve", "--bus", "none", *VNC)
    assert ran.returncode == 0, ran.stderr
    loaded = set(json.loads(ran.stdout))
    assert loaded >= {"numpy", "pyrdpmux.mux.vnc.backend"}
    assert loaded & PACKAGES.keys() == set()


def test_with_one_they_are(tmp_path: Path) -> None:
    """The names are those of modules."""
    ran = serve(tmp_path, "serve", *VNC)
    assert ran.returncode == 0, ran.stderr
    assert set(json.loads(ran.stdout)) >= PACKAGES.keys()


@pytest.mark.parametrize(("module", "package"), PACKAGES.items())
def test_one_that_is_missing_is_named(tmp_path: Path, module: str, package: str) -> None:
    ran = serve(tmp_path, "serve", "--bus", "system", *VNC, missing=module)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"pyrdpmux: librdpmux needs packages that are not installed: pip install {package}"
    )


def test_all_that_are_missing_are_named(tmp_path: Path) -> None:
    ran = serve(tmp_path, "demo", missing=",".join(PACKAGES))
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1].endswith("pip install pynng msgpack dbus-fast")


def test_vms_from_elsewhere_are_served_without_them(tmp_path: Path) -> None:
    ran = serve(tmp_path, "serve", *VNC, missing=",".join(PACKAGES))
    assert ran.returncode == 0, ran.stderr
    assert "No VMs can register: librdpmux needs packages" in ran.stderr
    assert "Traceback" not in ran.stderr
