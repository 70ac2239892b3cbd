"""The socket that only one user may connect to."""

import contextlib
import os
import socket
from pathlib import Path

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.socket_access import give_to


class OwnPath:
    """A listening socket for one user from its first moment, and its name, which goes with it."""

    def __init__(self, path: Path, owner: int | None) -> None:
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()  # left by a daemon that was killed
        self.socket = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        try:
            self.socket.bind(os.fspath(path))
            give_to(path, owner)
            self.socket.listen()
            self._inode = path.lstat().st_ino
        except OSError as error:
            self.socket.close()
            raise BackendError(f"{path}: {error.strerror or error}") from error
        except BackendError:
            self.socket.close()
            raise
        finally:
            os.umask(mask)

    def remove(self) -> None:
        """Unless it is somebody else's by now."""
        with contextlib.suppress(OSError):
            if self._path.lstat().st_ino == self._inode:
                self._path.unlink()
