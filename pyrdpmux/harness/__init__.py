"""The test bench: a client, captures and their decryption, foreign programs, displays.

Never imported by the daemon. ``from pyrdpmux.harness import connect`` is how a test begins; each name is
loaded when it is asked for, so that who reads captures does not wait for a client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyrdpmux.harness.peers.client import Client
    from pyrdpmux.harness.peers.dialing import connect
    from pyrdpmux.harness.peers.errors import ClientError, ClientTimeout, SessionEnded
    from pyrdpmux.harness.peers.license_file import LicenseFolder

__all__ = ["Client", "ClientError", "ClientTimeout", "LicenseFolder", "SessionEnded", "connect"]

_HOMES: Final = {
    "Client": "client",
    "ClientError": "errors",
    "ClientTimeout": "errors",
    "LicenseFolder": "license_file",
    "SessionEnded": "errors",
    "connect": "dialing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.peers.{_HOMES[name]}"), name)
