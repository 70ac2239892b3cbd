"""Where the VMs' sockets are: a directory that nobody else can write or list."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from pyrdpmux.errors import BackendError


def make_socket_directory(state_dir: Path | None) -> Path:
    """Always the same for the same state directory, so that VMs find the next daemon; a new one without.

    Others may pass through to the socket that was given to them, but not look around.
    """
    if state_dir is None:
        directory = Path(tempfile.mkdtemp(prefix="pyrdpmux-", dir=_runtime_directory()))
    elif given := _given_directory():
        directory = given / "guests"
    else:
        digest = hashlib.sha256(os.fsencode(state_dir.absolute())).hexdigest()[:12]
        base = _runtime_directory() or Path(tempfile.gettempdir())
        directory = base / f"pyrdpmux-{os.geteuid()}-{digest}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise BackendError(f"{directory}: not a directory of ours")
        directory.chmod(0o711 if serves_others() else 0o700)
    except OSError as error:
        raise BackendError(f"{directory}: {error.strerror or error}") from error
    return directory


def serves_others() -> bool:
    """Whether we may have VMs of other users: as root, or in a directory of systemd's, which they reach."""
    return os.geteuid() == 0 or _given_directory() is not None


def _given_directory() -> Path | None:
    """systemd's, if it made one for us."""
    path = os.environ.get("RUNTIME_DIRECTORY", "").split(":", 1)[0]
    return Path(path) if path and os.access(path, os.W_OK | os.X_OK) else None


def _runtime_directory() -> Path | None:
    if given := _given_directory():
        return given
    path = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(path) if path and os.access(path, os.W_OK | os.X_OK) else None
