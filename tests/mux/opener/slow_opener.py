"""An opener to which one path is a file that never answers; SLOW_SECONDS is what it waits for one."""

import os
import time
from collections.abc import Sequence

from pyrdpmux.mux.opener import server
from pyrdpmux.mux.opener.opening import open_accounts


def _open_accounts(path: str, uid: int) -> int:
    if path == "/hangs":
        time.sleep(60)
    return open_accounts(path, uid)


def main(arguments: Sequence[str]) -> int:
    server.open_accounts = _open_accounts  # type: ignore[attr-defined]
    server.CHILD_SECONDS = float(os.environ["SLOW_SECONDS"])  # type: ignore[misc]
    return server.main(arguments)
