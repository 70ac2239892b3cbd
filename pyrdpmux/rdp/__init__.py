"""The Remote Desktop Protocol, sans I/O: bytes in, events out; values in, bytes out.

The stack of one connection, outermost first::

    socket (pyrdpmux.net)
      TLS records                     rdp.tls.endpoint     (or none: standard RDP security)
        CredSSP TSRequest             rdp.nla.credssp      (only while NLA runs)
        fast-path PDU                 rdp.fastpath
        TPKT > X.224 Data             rdp.x224
          MCS connect / domain PDU    rdp.mcs
            security header           rdp.pdu.security     (RC4 or 3DES under standard RDP security)
              share control, share data, licensing, channel chunks ...   rdp.pdu, rdp.channels

:mod:`pyrdpmux.rdp.connection` holds the machines (server and client) that drive it through the ten phases
of MS-RDPBCGR 1.3.1.1. Nothing here opens a socket, reads a clock or draws a random number by itself.

All names of :mod:`pyrdpmux.rdp.api` are to be had here; it is imported with the first of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyrdpmux.rdp.api import *
else:

    def __getattr__(name):
        if name.startswith("_") and name != "__all__":
            raise AttributeError(f"module {__name__} has no attribute {name}")
        return getattr(import_module("pyrdpmux.rdp.api"), name)
