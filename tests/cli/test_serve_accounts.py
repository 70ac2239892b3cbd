"""A SAM file with a bad line: found at the start and at a reload, and no reason to throw anybody out."""

from pathlib import Path

import pytest

from pyrdpmux.files.sam_file import set_password
from tests.cli.serve_program import pyrdpmux, serving


@pytest.fixture
def sam(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.sam"
    set_password(path, "alice", "", "secret")
    return path


def test_a_bad_line_ends_the_start(tmp_path: Path, sam: Path) -> None:
    sam.write_text(sam.read_text() + "\nbob:wrong\n")
    ran = pyrdpmux("serve", "--state-dir", tmp_path, "--bus", "none")
    assert ran.returncode == 2
    assert ran.stderr.splitlines()[-1] == f"pyrdpmux: {sam}:3: expected user:domain:lmhash:nthash:::"
    assert "Ready" not in ran.stderr


def test_a_bad_line_is_an_error_of_the_reload(tmp_path: Path, sam: Path) -> None:
    good = sam.read_text()
    with serving(tmp_path, "--bus", "none") as daemon:
        sam.write_text(good + "bob:wrong\n")
        daemon.reload()
        assert f"Not reloaded, the old configuration stays in force: {sam}:2: " in daemon.until("reloaded")
        ran = pyrdpmux("reload", "--state-dir", tmp_path)
        assert ran.returncode == 1
        assert f"{sam}:2: expected" in ran.stderr
        sam.write_text(good)
        assert pyrdpmux("reload", "--state-dir", tmp_path).returncode == 0
