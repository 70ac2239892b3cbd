"""RDP consoles for virtual machines, and the Remote Desktop Protocol stack under them, in pure Python.

Here is what everything else shares: rectangles, and the exceptions. Further in are the doors of

* :mod:`pyrdpmux.rdp`: connections, server and client, without I/O;
* :mod:`pyrdpmux.codec`: pixels to bytes and back;
* :mod:`pyrdpmux.wire`: bytes to fields and back;
* :mod:`pyrdpmux.mux.guest`: a VM in a process of its own; :mod:`pyrdpmux.mux.backend`: a source of VMs.

Importing this costs nothing: neither numpy nor asyncio nor cryptography. Start reading at ARCHITECTURE.md.
"""

from pyrdpmux.errors import (
    BackendError,
    ConfigError,
    DecodeError,
    EncodeError,
    LocalError,
    MuxError,
    PeerError,
    PyRdpMuxError,
)
from pyrdpmux.geometry import Rect, Region

__version__ = "0.1.0"

__all__ = [
    "Rect",
    "Region",
    "PyRdpMuxError",
    "PeerError",
    "DecodeError",
    "LocalError",
    "EncodeError",
    "MuxError",
    "ConfigError",
    "BackendError",
    "__version__",
]
