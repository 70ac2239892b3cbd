"""`pyrdpmux` whose garbage collector does not run, and which can be asked what it has: command ``count``.

    python -m tests.hostile.without_collector serve ...

What has ended must be freed by its last reference; what waits for the collector stays, and is counted.
"""

import gc
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyrdpmux.cli import main
from pyrdpmux.mux import daemon
from pyrdpmux.mux.control.control_socket import ControlServer


async def count(_request: dict[str, Any]) -> dict[str, Any]:
    """Objects by class, those of ours only."""
    names = [f"{type(thing).__module__}.{type(thing).__qualname__}" for thing in gc.get_objects()]
    return {"objects": Counter([name for name in names if name.startswith("pyrdpmux.")])}


class CountingServer(ControlServer):
    """One command more."""

    def __init__(self, path: Path, commands: Mapping[str, Any], **more: Any) -> None:
        super().__init__(path, {**commands, "count": count}, **more)


if __name__ == "__main__":
    gc.disable()
    setattr(daemon, "ControlServer", CountingServer)  # noqa: B010 - a name that it does not export
    sys.exit(main())
