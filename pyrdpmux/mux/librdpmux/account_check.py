"""The SAM file that a VM asks for: a daemon that may read everything must not read it for everybody.

Only a file of the VM's own user is taken, a file of root's only for root's VMs. An administrator who has
accounts for a VM gives the file to the VM's user, or names it in ``[vms.NAME]``, where it may be anybody's.
Were root's files accepted for all, a VM could point at any that its user may not even see, and learn from our
answer whether it exists and whether it holds accounts; or be logged on to with passwords that were meant for
other VMs. For the same reason the answer does not tell a file that is not there from one that is somebody
else's.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pyrdpmux.errors import ConfigError, LimitExceeded
from pyrdpmux.files.protected_file import NotTheirs, ProtectedFileError, read_protected
from pyrdpmux.mux.librdpmux.registration import AccountsMissing, RegistrationRefused
from pyrdpmux.mux.log.connection_log import MAX_REASON, printable
from pyrdpmux.mux.log.rate_limited import RateLimitedLog
from pyrdpmux.mux.opener.client import Opener
from pyrdpmux.net.blocking import BlockingPool, BlockingTimeout
from pyrdpmux.net.fair import LoopShare
from pyrdpmux.rdp.nla.accounts import Accounts

log = RateLimitedLog(logging.getLogger("pyrdpmux.librdpmux"))

MAX_LINES: Final = 1 << 15
LINES_PER_STEP: Final = 200


async def check_accounts(
    path: Path | None, uid: int | None, files: BlockingPool, share: LoopShare, opener: Opener
) -> None:
    """RegistrationRefused unless it is a SAM file of this user (None: of anybody).

    Read on a thread, since it may be anywhere; parsed in turns of ``share``, since it may be long.
    """
    if path is None:
        return
    owners = None if uid is None else frozenset({uid})
    try:
        open_file = opener.accounts_of(uid)
        data = await files.run(f"uid {uid}", lambda: read_protected(path, owners, open_file=open_file))
    except NotTheirs as error:
        reason = printable(str(error), MAX_REASON)
        log.warning("accounts", "Not a SAM file for a VM of uid %s: %s", uid, reason)
        raise AccountsMissing(f"{path}: no SAM file of uid {uid} is there") from None
    except ProtectedFileError as error:
        raise RegistrationRefused(str(error)) from None
    except (BlockingTimeout, LimitExceeded) as error:
        raise RegistrationRefused(f"{path}: {error}") from None
    if data.count(b"\n") > MAX_LINES:
        raise RegistrationRefused(f"{path}: more than {MAX_LINES} lines")
    try:
        await share.work(_parse(data, path))
    except ConfigError:
        # Not a word of what it contains: the other end need not be who wrote it.
        raise RegistrationRefused(f"{path}: not a SAM file") from None


def _parse(data: bytes, path: Path) -> Iterator[None]:
    lines = data.splitlines(keepends=True)
    for first in range(0, len(lines), LINES_PER_STEP):
        Accounts.parse(b"".join(lines[first : first + LINES_PER_STEP]), path)
        yield
