"""Files for their owner only."""

from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.rdp.tls.private_file import read_file, write_private


def test_a_file_is_replaced_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old and longer")
    path.chmod(0o666)
    write_private(path, b"new")
    assert read_file(path) == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


def test_failures_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    with pytest.raises(ConfigError, match="dir: cannot write"):
        write_private(tmp_path / "dir", b"x")
    with pytest.raises(ConfigError, match="dir: cannot read"):
        read_file(tmp_path / "dir")
    assert [p.name for p in tmp_path.iterdir()] == ["dir"]
