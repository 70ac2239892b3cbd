"""Files that nobody else may read: private keys and password hashes."""

import os
import stat
from pathlib import Path
from typing import Final

from pyrdpmux.errors import ConfigError

MAX_SIZE: Final = 1 << 20
"""Some 10,000 accounts."""

_OTHERS: Final = stat.S_IROTH | stat.S_IWOTH
_ROOT: Final = 0


def write_private(path: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Replace ``path`` atomically by ``data``. Raises ConfigError.

    It gets owner, group and mode of ``like``; without that, mode 0600 whatever it had before. Then, written
    by root, it belongs to whom it belonged to before, or whose directory it is in: a daemon of its own
    user reads what an administrator has changed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if like is not None:
                os.fchown(descriptor, like.st_uid, like.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
            elif os.geteuid() == _ROOT:
                owner = path.stat() if path.exists() else path.parent.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot write: {error.strerror}") from error


def read_to_change(path: Path) -> tuple[bytes, os.stat_result]:
    """The bytes of a private file, and what :func:`write_private` is to make it like.

    Root may change everybody's. Raises ConfigError, also for a file that others may read or write: they may
    have done so already, which nobody should overlook.
    """
    return _read(path, by_root=os.geteuid() == _ROOT)


def read_file(path: Path) -> bytes:
    """The bytes of a configuration file. Raises ConfigError that names it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot read: {error.strerror}") from error


def read_private(path: Path) -> bytes:
    """The bytes of a file with secrets that only its owner and perhaps a group may read.

    A link is followed: it is the administrator's own. Raises ConfigError that says what to do.
    """
    return _read(path)[0]


def _read(path: Path, *, by_root: bool = False) -> tuple[bytes, os.stat_result]:
    try:
        # Nothing is waited for: a pipe in its place is no file.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            check_private(path, status, by_root=by_root)
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot read: {error.strerror}") from error
    if len(data) > MAX_SIZE:
        raise ConfigError(f"{path}: more than {MAX_SIZE} bytes")
    return data, status


def check_private(path: Path, status: os.stat_result, *, by_root: bool = False) -> None:
    """Whether an open file can hold secrets. Raises ConfigError that names its mode, and how to change it.

    Its group may read it, as Debian's ``ssl-cert`` does with keys. ``by_root``: whosever it is.
    """
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{path}: cannot read: not a regular file")
    if not by_root and status.st_uid not in (_ROOT, os.geteuid()):
        raise ConfigError(
            f"{path}: belongs to uid {status.st_uid}, expected root or the daemon's own, {os.geteuid()}: "
            f"run `chown {os.geteuid()} {path}`"
        )
    mode = stat.S_IMODE(status.st_mode)
    if mode & (_OTHERS | stat.S_IWGRP):
        who = "everybody" if mode & _OTHERS else "its group"
        what = "write" if mode & (stat.S_IWOTH | stat.S_IWGRP) else "read"
        raise ConfigError(f"{path}: mode {mode:04o}, {who} may {what} it: run `chmod o-rw,g-w {path}`")
