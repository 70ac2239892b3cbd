"""Files that nobody else may read: private keys and password hashes."""

import os
from pathlib import Path

from pyrdpmux.errors import ConfigError


def write_private(path: Path, data: bytes) -> None:
    """Replace ``path`` atomically by ``data``, with mode 0600 whatever it had before. Raises ConfigError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot write: {error.strerror}") from error


def read_file(path: Path) -> bytes:
    """The bytes of a configuration file. Raises ConfigError that names it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot read: {error.strerror}") from error
