import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pyrdpmux.files.private_file import MAX_SIZE
from pyrdpmux.files.protected_file import (
    NotTheirs,
    ProtectedFileError,
    read_protected,
)

US = frozenset({os.geteuid()})


def test_what_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "a.sam"
    for data in (b"", b"alice:::\n", bytes(MAX_SIZE)):
        path.write_bytes(data)
        assert read_protected(path, US) == read_protected(path, None) == data
    assert not [found for found in os.listdir("/proc/self/fd") if _is_open(path, found)]


def _is_open(path: Path, descriptor: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}") == str(path)
    except OSError:
        return False


def _link(path: Path) -> None:
    path.with_name("real").write_text("secret")
    path.symlink_to("real")


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2 << 30)


def _writable(path: Path) -> None:
    path.write_text("secret")
    path.chmod(0o666)


@pytest.mark.parametrize(
    ("make", "kind", "complaint"),
    [
        (lambda path: None, NotTheirs, "No such file"),
        (_link, NotTheirs, "symbolic links"),
        (Path.mkdir, ProtectedFileError, "not a regular file"),
        (os.mkfifo, ProtectedFileError, "not a regular file"),
        (_writable, ProtectedFileError, "everybody may write it .mode 0666."),
        (_sparse, ProtectedFileError, "2147483648 bytes, at most 1048576"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, make: Callable[[Path], object], kind: type[Exception], complaint: str
) -> None:
    path = tmp_path / "file"
    make(path)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(kind, match=complaint) as caught:
        read_protected(path, US)
    assert "secret" not in str(caught.value)
    assert os.listdir("/proc/self/fd") == before


def test_of_a_file_that_is_too_large_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(descriptor: int, size: int) -> bytes:
        raise AssertionError("it was to be refused by its size")

    _sparse(tmp_path / "file")
    monkeypatch.setattr("pyrdpmux.files.protected_file.os.read", read)
    with pytest.raises(ProtectedFileError, match="at most"):
        read_protected(tmp_path / "file", US)


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fstat has said is old: /proc says 0 of everything."""
    path = tmp_path / "file"
    path.write_bytes(bytes(10))
    sizes: list[int] = []
    read = os.read

    def growing(descriptor: int, size: int) -> bytes:
        sizes.append(size)
        with path.open("ab") as file:
            file.write(bytes(100))
        return read(descriptor, min(size, 64))

    monkeypatch.setattr("pyrdpmux.files.protected_file.os.read", growing)
    with pytest.raises(ProtectedFileError, match="more than 1000 bytes"):
        read_protected(path, US, 1000)
    assert sizes[0] == 1001
    assert sum(min(size, 64) for size in sizes) <= 1001 + 64


@pytest.mark.parametrize("text", ["/a\0b", "/\ud800"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(NotTheirs, match="not a path"):
        read_protected(Path(text), US)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to have somebody else's file")
def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("secret")
    os.chown(path, 12345, -1)
    with pytest.raises(NotTheirs, match="belongs to uid 12345, expected 0 or 1000"):
        read_protected(path, frozenset({1000, 0}))
    assert read_protected(path, frozenset({12345})) == read_protected(path, None) == b"secret"
