"""Reads a file that somebody else may have put there, or may replace at any moment: without trust.

Nothing here can wait for a pipe or follow a link; that a dead file system may hang is why it belongs on a
thread (:class:`pyrdpmux.net.blocking.BlockingPool`).
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.private_file import MAX_SIZE

OpenFile: TypeAlias = Callable[[Path, int], int]
"""What opens a file: path and flags to a descriptor. Raises OSError, as :func:`os.open` does."""

_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class ProtectedFileError(ConfigError):
    """A file that cannot be used as it is. The text never says what is in it."""


class NotTheirs(ProtectedFileError):
    """It is not there, cannot be opened, or belongs to somebody else."""


def read_protected(
    path: Path,
    owners: frozenset[int] | None,
    max_size: int = MAX_SIZE,
    *,
    open_file: OpenFile = os.open,
) -> bytes:
    """All of a regular file that belongs to one of these users (None: to anybody). Raises ProtectedFileError.

    Everything is asked of the open descriptor, so that what was looked at is what is read. ``open_file``: a
    way to a descriptor that we may not open ourselves.
    """
    try:
        descriptor = open_file(path, _FLAGS)
    except OSError as error:
        raise NotTheirs(f"{path}: cannot read: {error.strerror}") from error
    except ValueError as error:  # a NUL, or what no file name can be
        raise NotTheirs(f"{str(path)!r}: not a path") from error
    try:
        _check(path, os.fstat(descriptor), owners, max_size)
        return _read(path, descriptor, max_size)
    except OSError as error:
        raise ProtectedFileError(f"{path}: cannot read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _check(path: Path, status: os.stat_result, owners: frozenset[int] | None, max_size: int) -> None:
    """The owner first: the rest is for the owner's eyes."""
    if owners is not None and status.st_uid not in owners:
        allowed = " or ".join(map(str, sorted(owners)))
        raise NotTheirs(f"{path}: belongs to uid {status.st_uid}, expected {allowed}")
    if not stat.S_ISREG(status.st_mode):
        raise ProtectedFileError(f"{path}: not a regular file")
    if status.st_mode & stat.S_IWOTH:
        raise ProtectedFileError(f"{path}: everybody may write it (mode {stat.S_IMODE(status.st_mode):04o})")
    if status.st_size > max_size:
        raise ProtectedFileError(f"{path}: {status.st_size} bytes, at most {max_size} allowed")


def _read(path: Path, descriptor: int, max_size: int) -> bytes:
    """It may grow meanwhile."""
    parts: list[bytes] = []
    left = max_size + 1
    while left > 0 and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    if left <= 0:
        raise ProtectedFileError(f"{path}: more than {max_size} bytes")
    return b"".join(parts)
