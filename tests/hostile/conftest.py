"""What these tests need of the machine, and what is said where it is missing."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

PROGRAMS: Final = ("dbus-daemon", "prlimit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips, with the reason: no programs, no root, no network namespace."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        if missing:
            item.add_marker(pytest.mark.skip(reason=f"not installed: {', '.join(missing)}"))
        elif item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root, to be several users"))
        elif item.get_closest_marker("network_namespace") and (reason := _why_no_namespace()):
            item.add_marker(pytest.mark.skip(reason=reason))


def _why_no_namespace() -> str:
    """Nothing if a network namespace of our own can be had."""
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return "not installed: ip and unshare, for a network namespace"
    made = subprocess.run(
        ["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False
    )
    return f"no network namespace: {made.stderr.strip()}" if made.returncode else ""
