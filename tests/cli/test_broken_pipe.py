"""`pyrdpmux vms | head -1`: who reads has seen enough, which is no error."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyrdpmux.files.sam_file import set_password
from tests.cli.serve_program import environment


@pytest.mark.parametrize("is_buffered", [True, False])
def test_nothing_is_said(tmp_path: Path, is_buffered: bool) -> None:
    path = tmp_path / "accounts.sam"
    set_password(path, "alice", "", "secret")
    reading, writing = os.pipe()
    os.close(reading)
    options = [] if is_buffered else ["-u"]
    command = [sys.executable, *options, "-m", "pyrdpmux", "user", "list", "--file", str(path)]
    with os.fdopen(writing, "wb") as stdout:
        ran = subprocess.run(
            command,
            env=environment("unix:path=/nowhere"),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (1, "")
