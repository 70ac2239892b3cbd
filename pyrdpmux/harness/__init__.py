"""The test bench: a client, captures and their decryption, foreign programs, displays.

Never imported by the daemon. ``from pyrdpmux.harness import connect`` is how a test begins.
"""

from pyrdpmux.harness.peers.client import Client
from pyrdpmux.harness.peers.dialing import connect
from pyrdpmux.harness.peers.errors import ClientError, ClientTimeout, SessionEnded
from pyrdpmux.harness.peers.license_file import LicenseFolder

__all__ = ["Client", "ClientError", "ClientTimeout", "LicenseFolder", "SessionEnded", "connect"]
