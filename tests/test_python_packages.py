"""scripts/python-packages with a pip that only notes what it is asked for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PIP = """#!/bin/sh
# {python}
echo "$*" >>{log}
case "$*" in *"$REFUSED"*) exit 1 ;; esac
"""


class Checkout:
    """The script, what it reads, and an environment that is there already."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "pip.log"
        (folder / "scripts").mkdir()
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "python-packages", folder / "scripts")
        shutil.copy(ROOT / "pyproject.toml", folder)
        (programs / "python").symlink_to(sys.executable)
        (programs / "pip").write_text(PIP.format(python=programs / "python", log=self.log))
        (programs / "pip").chmod(0o755)

    def run(self, purpose: str, refused: str = "nothing") -> tuple[int, str]:
        """The exit code, and what it says."""
        done = subprocess.run(
            [self.folder / "scripts" / "python-packages", purpose],
            env={"PATH": "/usr/bin:/bin", "REFUSED": refused},
            capture_output=True,
            text=True,
            timeout=30,
        )
        return done.returncode, done.stdout

    @property
    def asked(self) -> list[str]:
        """By each call of pip, what comes after the options of all."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.partition("--no-input ")[2] for line in lines]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_who_runs_it_gets_video_too(checkout: Checkout) -> None:
    code, said = checkout.run("run")
    assert code == 0
    assert "No PyAV" not in said
    assert checkout.asked == ["--only-binary av -e .[h264]"]
    assert checkout.run("run") == (0, ""), "it is there"
    assert len(checkout.asked) == 1


def test_without_a_wheel_it_goes_on(checkout: Checkout) -> None:
    code, said = checkout.run("run", refused="h264")
    assert code == 0
    assert "No PyAV for this Python and machine" in said
    assert checkout.asked == ["--only-binary av -e .[h264]", "-e ."]
    assert checkout.run("run") == (0, "")


def test_what_cannot_be_installed_at_all_is_tried_again(checkout: Checkout) -> None:
    assert checkout.run("run", refused="-e")[0] == 1
    assert checkout.run("dev", refused="dev")[0] == 1
    checkout.log.unlink()
    assert checkout.run("dev")[0] == 0
    assert checkout.asked == ["-e .[dev]"]
    assert checkout.run("run") == (0, ""), "an environment for development serves, too"
