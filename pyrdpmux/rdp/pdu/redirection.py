"""Server redirection: the client is sent elsewhere, with all it needs to log on there.

Texts stay as they are on the wire (UTF-16LE with a terminator); which fields are there is a flag each.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from pyrdpmux.wire import OpenIntFlag, Reader, Writer
from pyrdpmux.wire.secret import Secret

SEC_REDIRECTION_PKT: Final = 0x0400
#: Far more than the addresses of one host.
MAX_ADDRESSES: Final = 64


class RedirectionFlags(OpenIntFlag):
    """RedirFlags of MS-RDPBCGR 2.2.13.1."""

    TARGET_NET_ADDRESS = 0x00000001
    LOAD_BALANCE_INFO = 0x00000002
    USERNAME = 0x00000004
    DOMAIN = 0x00000008
    PASSWORD = 0x00000010
    DONTSTOREUSERNAME = 0x00000020
    SMARTCARD_LOGON = 0x00000040
    NOREDIRECT = 0x00000080
    TARGET_FQDN = 0x00000100
    TARGET_NETBIOS_NAME = 0x00000200
    TARGET_NET_ADDRESSES = 0x00000800
    CLIENT_TSV_URL = 0x00001000
    SERVER_TSV_CAPABLE = 0x00002000
    PASSWORD_IS_PK_ENCRYPTED = 0x00004000
    REDIRECTION_GUID = 0x00008000
    TARGET_CERTIFICATE = 0x00010000


@dataclass(frozen=True, slots=True)
class TargetNetAddresses:
    """MS-RDPBCGR 2.2.13.1.1 Target Net Addresses (TARGET_NET_ADDRESSES)."""

    addresses: tuple[bytes, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        count = r.u32_le("addressCount")
        if count > MAX_ADDRESSES:
            raise r.error("addressCount", f"{count}, at most {MAX_ADDRESSES} allowed")
        return cls(tuple([r.raw("address", r.u32_le("addressLength")) for _ in range(count)]))

    def write(self, w: Writer) -> None:
        w.u32_le("addressCount", len(self.addresses))
        for address in self.addresses:
            with w.length_u32_le("addressLength"):
                w.raw("address", address)


#: Flag, wire literal and attribute of every optional field, in the order of the wire.
_FIELDS: Final = (
    (RedirectionFlags.TARGET_NET_ADDRESS, "TargetNetAddress", "target_net_address"),
    (RedirectionFlags.LOAD_BALANCE_INFO, "LoadBalanceInfo", "load_balance_info"),
    (RedirectionFlags.USERNAME, "UserName", "user_name"),
    (RedirectionFlags.DOMAIN, "Domain", "domain"),
    (RedirectionFlags.PASSWORD, "Password", "password"),
    (RedirectionFlags.TARGET_FQDN, "TargetFQDN", "target_fqdn"),
    (RedirectionFlags.TARGET_NETBIOS_NAME, "TargetNetBiosName", "target_netbios_name"),
    (RedirectionFlags.CLIENT_TSV_URL, "TsvUrl", "tsv_url"),
    (RedirectionFlags.REDIRECTION_GUID, "RedirectionGuid", "redirection_guid"),
    (RedirectionFlags.TARGET_CERTIFICATE, "TargetCertificate", "target_certificate"),
    (RedirectionFlags.TARGET_NET_ADDRESSES, "TargetNetAddresses", "target_net_addresses"),
)


def _read_field(r: Reader, literal: str) -> Any:
    size = r.u32_le(f"{literal}Length")
    if literal == "TargetNetAddresses":
        with r.region(literal, size):
            return TargetNetAddresses.read(r)
    value = r.raw(literal, size)
    return Secret(value) if literal == "Password" else value


@dataclass(frozen=True, slots=True)
class ServerRedirection:
    """MS-RDPBCGR 2.2.13.1 Server Redirection Packet (RDP_SERVER_REDIRECTION_PACKET).

    ``options`` are the flags that do not announce a field. ``pad_size`` is 0 or 8, as the sender likes.
    """

    session_id: int
    options: RedirectionFlags = RedirectionFlags(0)
    target_net_address: bytes | None = None
    load_balance_info: bytes | None = None
    user_name: bytes | None = None
    domain: bytes | None = None
    password: Secret[bytes] | None = None
    target_fqdn: bytes | None = None
    target_netbios_name: bytes | None = None
    tsv_url: bytes | None = None
    redirection_guid: bytes | None = None
    target_certificate: bytes | None = None
    target_net_addresses: TargetNetAddresses | None = None
    pad_size: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = r.u16_le("Flags")
        if flags != SEC_REDIRECTION_PKT:
            raise r.error("Flags", f"{flags:#06x}, expected {SEC_REDIRECTION_PKT:#06x}")
        length = r.u16_le("Length")
        with r.region("packet", length - 4):
            session_id = r.u32_le("SessionID")
            options = RedirectionFlags(r.u32_le("RedirFlags"))
            values = {}
            for flag, literal, attribute in _FIELDS:
                if options & flag:
                    options ^= flag
                    values[attribute] = _read_field(r, literal)
            pad_size = r.remaining
            r.pad("Pad", pad_size)
        return cls(session_id, options, **values, pad_size=pad_size)

    def write(self, w: Writer) -> None:
        flags = self.options
        for flag, _, attribute in _FIELDS:
            if getattr(self, attribute) is not None:
                flags |= flag
        w.u16_le("Flags", SEC_REDIRECTION_PKT)
        with w.length_u16_le("Length", extra=4):
            w.u32_le("SessionID", self.session_id)
            w.u32_le("RedirFlags", flags)
            for _, literal, attribute in _FIELDS:
                self._write_field(w, literal, getattr(self, attribute))
            w.pad("Pad", self.pad_size)

    @staticmethod
    def _write_field(w: Writer, literal: str, value: Any) -> None:
        if value is None:
            return
        with w.length_u32_le(f"{literal}Length"):
            if isinstance(value, TargetNetAddresses):
                w.structure(value, literal)
            else:
                w.raw(literal, value.reveal() if isinstance(value, Secret) else value)


@dataclass(frozen=True, slots=True)
class EnhancedRedirection:
    """MS-RDPBCGR 2.2.13.3.1 Enhanced Security Server Redirection PDU, after the share control header."""

    packet: ServerRedirection
    pad_size: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("pad2Octets", 2)
        packet = r.structure(ServerRedirection, "serverRedirectionPDU")
        pad_size = r.remaining
        r.pad("pad1Octet", pad_size)
        return cls(packet, pad_size)

    def write(self, w: Writer) -> None:
        w.pad("pad2Octets", 2)
        w.structure(self.packet, "serverRedirectionPDU")
        w.pad("pad1Octet", self.pad_size)
