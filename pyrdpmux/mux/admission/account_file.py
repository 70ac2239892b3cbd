"""The SAM file of a running daemon: read again when it changes, so that `passwd` works at once."""

import logging
from pathlib import Path

from pyrdpmux.errors import ConfigError
from pyrdpmux.rdp.tls.accounts import Account, Accounts

logger = logging.getLogger("pyrdpmux.mux")


class AccountFile:
    """Accounts by path. While the file is missing or broken nobody is let in, and the log says why."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._accounts = Accounts()
        self._seen: tuple[int, int, int] | None = None

    def nt_hash(self, user: str, domain: str) -> bytes | None:
        """The NT hash of a user, or None for an unknown one."""
        return self.current().nt_hash(user, domain)

    def find(self, user: str, domain: str) -> Account | None:
        """The account that this user would log on to."""
        return self.current().find(user, domain)

    def current(self) -> Accounts:
        """What the file says now."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            self._accounts = self._load() if stamp is not None else Accounts()
        return self._accounts

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _load(self) -> Accounts:
        try:
            return Accounts.load(self.path)
        except ConfigError as error:
            logger.error("Accounts cannot be used: %s", error)
            return Accounts()
