"""RDP consoles for virtual machines, and the Remote Desktop Protocol stack under them, in pure Python.

Start reading at ARCHITECTURE.md; the stack itself is drawn in :mod:`pyrdpmux.rdp`.
"""

__version__ = "0.1.0"
