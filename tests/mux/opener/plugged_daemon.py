"""The `pyrdpmux` command, all of it imported before it is confined, with an opener of ours plugged in.

    OPENER_SOCKET (the opener's), OPENER_UID (whose framebuffers it is asked for)

Without the former there is none.
"""

import codecs
import importlib
import os
import pkgutil
from pathlib import Path
from typing import Any

from pyrdpmux.mux.opener.client import Opener
from pyrdpmux.mux.opener.opening import SHARED_MEMORY

_DIRECT = os.open


def _open(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
    try:
        return _DIRECT(path, flags, *arguments, **options)
    except PermissionError:
        found = Path(os.fsdecode(path))
        if found.parent != Path(SHARED_MEMORY) or "OPENER_SOCKET" not in os.environ:
            raise
    return Opener(os.environ["OPENER_SOCKET"]).open_framebuffer(
        int(found.stem), int(os.environ["OPENER_UID"])
    )


os.open = _open

for _module in pkgutil.walk_packages(importlib.import_module("pyrdpmux").__path__, "pyrdpmux."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)


for _encoding in ("utf-16-le", "utf-8-sig", "idna", "latin-1", "punycode"):
    codecs.lookup(_encoding)


def main(arguments: list[str]) -> int:
    from pyrdpmux.cli.app import main as command

    return command(arguments)
