"""The packages that only librdpmux needs. Installed with pyrdpmux, and imported where VMs may register."""

from importlib.util import find_spec
from typing import Final

from pyrdpmux.errors import BackendError

PACKAGES: Final = {"pynng": "pynng", "msgpack": "msgpack", "dbus_fast": "dbus-fast"}
"""Modules, and what pip calls them."""


def require_packages() -> None:
    """Raises BackendError that names those which are missing."""
    missing = [package for module, package in PACKAGES.items() if find_spec(module) is None]
    if missing:
        names = " ".join(missing)
        raise BackendError(f"librdpmux needs packages that are not installed: pip install {names}")
