"""The cookie that brings a session back: the server's, and what a client makes of it."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import Reader, Writer
from pyrdpmux.wire.secret import Secret

PACKET_SIZE: Final = 28
SECRET_SIZE: Final = 16
VERSION_1: Final = 1


def _read_packet(r: Reader, secret_field: str) -> tuple[int, Secret[bytes], int]:
    """QUIRK(any peer): cbLen is redundant, since the packet has one size, and is passed over."""
    r.u32_le("cbLen")
    version = r.u32_le("Version")
    logon_id = r.u32_le("LogonId")
    return logon_id, Secret(r.raw(secret_field, SECRET_SIZE)), version


def _write_packet(w: Writer, logon_id: int, secret_field: str, secret: Secret[bytes], version: int) -> None:
    w.u32_le("cbLen", PACKET_SIZE)
    w.u32_le("Version", version)
    w.u32_le("LogonId", logon_id)
    w.fixed(secret_field, secret.reveal(), SECRET_SIZE)


@dataclass(frozen=True, slots=True)
class AutoReconnectServerCookie:
    """MS-RDPBCGR 2.2.4.2 Server Auto-Reconnect Packet (ARC_SC_PRIVATE_PACKET)."""

    logon_id: int
    random_bits: Secret[bytes]
    version: int = VERSION_1

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*_read_packet(r, "ArcRandomBits"))

    def write(self, w: Writer) -> None:
        _write_packet(w, self.logon_id, "ArcRandomBits", self.random_bits, self.version)


@dataclass(frozen=True, slots=True)
class AutoReconnectClientCookie:
    """MS-RDPBCGR 2.2.4.3 Client Auto-Reconnect Packet (ARC_CS_PRIVATE_PACKET)."""

    logon_id: int
    security_verifier: Secret[bytes]
    version: int = VERSION_1

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*_read_packet(r, "SecurityVerifier"))

    def write(self, w: Writer) -> None:
        _write_packet(w, self.logon_id, "SecurityVerifier", self.security_verifier, self.version)
