"""The SAM file that a VM asks for: a daemon that may read everything must not read it for everybody."""

import logging
import stat
from pathlib import Path

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.librdpmux.registration import RegistrationRefused
from pyrdpmux.rdp.tls.accounts import Accounts

log = logging.getLogger("pyrdpmux.librdpmux")


def check_accounts(path: Path | None, uid: int | None) -> None:
    """RegistrationRefused unless it is root's or the VM's user's; one that is not there lets nobody in."""
    if path is None:
        return
    if not path.is_absolute():
        raise RegistrationRefused(f"{path}: the path of a SAM file starts with /")
    try:
        status = path.stat()
    except OSError as error:
        log.warning("%s: %s; nobody can log on with it", path, error.strerror)
        return
    if not stat.S_ISREG(status.st_mode):
        raise RegistrationRefused(f"{path}: not a file")
    if uid is not None and status.st_uid not in (uid, 0):
        raise RegistrationRefused(f"{path}: belongs to uid {status.st_uid}, but its VM to uid {uid}")
    try:
        Accounts.load(path)
    except ConfigError:
        # Not a word of what it contains: it may be somebody else's secret.
        raise RegistrationRefused(f"{path}: not a SAM file") from None
