import os
from pathlib import Path

import pytest

from pyrdpmux.mux.admission.account_file import AccountFile
from pyrdpmux.rdp.tls.accounts import set_password


def test_follows_the_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.sam"
    accounts = AccountFile(path)
    assert accounts.nt_hash("alice", "") is None
    set_password(path, "alice", "", "one")
    first = accounts.nt_hash("alice", "")
    assert first is not None
    set_password(path, "alice", "", "two")
    assert accounts.nt_hash("alice", "") not in (None, first)
    path.write_text("broken\n")
    assert accounts.nt_hash("alice", "") is None
    assert f"{path}:1" in caplog.text
    path.unlink()
    assert accounts.nt_hash("alice", "") is None


def test_reads_an_unchanged_file_once(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    set_password(path, "alice", "", "one")
    accounts = AccountFile(path)
    before = accounts.current()
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    assert accounts.current() is before
