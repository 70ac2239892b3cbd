"""A command loads what it needs: what asks or prints and ends does not wait for numpy and the daemon."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "asyncio", "cryptography", "pynng", "msgpack", "dbus_fast", "pyrdpmux.mux.daemon"}

SECONDS = 60

REPORT = """
import json, sys
from pyrdpmux.cli import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


MAKE_PARSER = """
import sys
sys.path.append(sys.argv[1])
from pyrdpmux.cli.app import make_parser
make_parser()
"""


def loaded(*arguments: str, typed: str = "") -> set[str]:
    """The modules that the command, in a process of its own, has imported when it ends."""
    process = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments],
        capture_output=True,
        text=True,
        input=typed,
        timeout=SECONDS,
        check=False,
    )
    return set(json.loads(process.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["--help"],
        ["serve", "--help"],
        ["passwd", "--help"],
        ["vms"],
        ["top"],
        ["type", "vm", "text"],
    ],
    ids=" ".join,
)
def test_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    if arguments[-1] != "--help" and arguments[0] != "--version":
        arguments = [*arguments, "--state-dir", str(tmp_path)]
    assert loaded(*arguments) & HEAVY == set()


def test_passwd_imports_nothing_heavy(tmp_path: Path) -> None:
    assert loaded("passwd", "alice", "--stdin", "--state-dir", str(tmp_path), typed="x\n") & HEAVY == set()
    assert (tmp_path / "accounts.sam").exists()


def test_the_parser_takes_the_standard_library_alone() -> None:
    """The wheel is built (hatch_build.py) where nothing is installed that pyrdpmux depends on."""
    root = Path(__file__).resolve().parents[2]
    made = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MAKE_PARSER, root],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def test_a_daemon_would_be_seen(tmp_path: Path) -> None:
    """The names above are those of modules that are really loaded where they are needed."""
    (tmp_path / "file").touch()
    found = loaded("demo", "--state-dir", str(tmp_path / "file" / "state"))
    assert found >= {"numpy", "asyncio", "cryptography", "pyrdpmux.mux.daemon"}
