"""A .rdp file: what a Remote Desktop client needs to know to open one VM's console with a double click."""

from dataclasses import dataclass
from typing import Final

from pyrdpmux.errors import ConfigError

ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
"""Addresses that only make sense to listen at, and where that is on this machine."""

CONSOLE_SETTINGS: Final = (
    "screen mode id:i:1",
    "use multimon:i:0",
    "session bpp:i:32",
    "smart sizing:i:1",
    "compression:i:1",
    "keyboardhook:i:1",
    "audiomode:i:2",
    "redirectprinters:i:0",
    "redirectcomports:i:0",
    "redirectsmartcards:i:0",
    "drivestoredirect:s:",
    "autoreconnection enabled:i:1",
    "prompt for credentials:i:1",
    "authentication level:i:2",
    "negotiate security layer:i:1",
)
"""A console in a window, with the whole keyboard; what the VM could not take anyway is not offered."""


def reachable(host: str, port: int) -> str:
    """HOST:PORT for a client, from what is listened at or said to be public."""
    host = ANY_ADDRESS.get(host, host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RdpFile:
    """What goes into the file."""

    address: str
    size: tuple[int, int] | None = None
    user: str = ""
    has_nla: bool = True
    #: at a gateway: which VM
    route: str = ""

    def text(self) -> str:
        """``name:type:value`` lines. Raises ConfigError for what would not stay in its line."""
        lines = [f"full address:s:{self.address}"]
        if self.user:
            lines.append(f"username:s:{self.user}")
        if self.route:
            # Clients know one or the other; those that know both say the same twice.
            lines += [f"loadbalanceinfo:s:vm={self.route}", f"pcb:s:{self.route}"]
        if self.size is not None:
            lines += [f"desktopwidth:i:{self.size[0]}", f"desktopheight:i:{self.size[1]}"]
        lines.append(f"enablecredsspsupport:i:{int(self.has_nla)}")
        for line in lines:
            if not line.isprintable():
                raise ConfigError(f"{line!r} cannot stand in a .rdp file")
        return "".join([f"{line}\r\n" for line in (*lines, *CONSOLE_SETTINGS)])

    def data(self) -> bytes:
        """As a file: what is more than ASCII, mstsc wants in UTF-16."""
        text = self.text()
        return text.encode() if text.isascii() else text.encode("utf-16")
