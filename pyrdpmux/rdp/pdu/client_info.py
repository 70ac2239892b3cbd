"""Client Info: who wants to log on and how the session should look (after the security header).

Strings are ``str`` in both character sets: ANSI ones are mapped byte for byte (Latin-1), whatever the code
page, because that loses nothing; only the reader of the value knows whether the code page matters to it.
"""

from dataclasses import dataclass, field
from typing import Final, Self

from pyrdpmux.rdp.pdu.auto_reconnect import PACKET_SIZE, AutoReconnectClientCookie
from pyrdpmux.rdp.pdu.time_zone import DynamicTimeZone
from pyrdpmux.rdp.pdu.time_zone import TimeZone as TimeZone
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer
from pyrdpmux.wire.secret import Secret

#: MS-RDPBCGR 2.2.1.11.1.1: 512 bytes for each string, the terminator included.
MAX_STRING_SIZE: Final = 512
#: MS-RDPBCGR 2.2.1.11.1.1.1: 80 bytes, the terminator included.
MAX_ADDRESS_SIZE: Final = 80
MAX_DIRECTORY_SIZE: Final = 512
COMPRESSION_TYPE_SHIFT: Final = 9
COMPRESSION_TYPE_MASK: Final = 0x00001E00


class InfoFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.1.11.1.1, without the CompressionTypeMask."""

    MOUSE = 0x00000001
    DISABLECTRLALTDEL = 0x00000002
    AUTOLOGON = 0x00000008
    UNICODE = 0x00000010
    MAXIMIZESHELL = 0x00000020
    LOGONNOTIFY = 0x00000040
    COMPRESSION = 0x00000080
    ENABLEWINDOWSKEY = 0x00000100
    REMOTECONSOLEAUDIO = 0x00002000
    FORCE_ENCRYPTED_CS_PDU = 0x00004000
    RAIL = 0x00008000
    LOGONERRORS = 0x00010000
    MOUSE_HAS_WHEEL = 0x00020000
    PASSWORD_IS_SC_PIN = 0x00040000
    NOAUDIOPLAYBACK = 0x00080000
    USING_SAVED_CREDS = 0x00100000
    AUDIOCAPTURE = 0x00200000
    VIDEO_DISABLE = 0x00400000
    RESERVED1 = 0x00800000
    RESERVED2 = 0x01000000
    HIDEF_RAIL_SUPPORTED = 0x02000000


class PerformanceFlags(OpenIntFlag):
    """performanceFlags of MS-RDPBCGR 2.2.1.11.1.1.1."""

    DISABLE_WALLPAPER = 0x00000001
    DISABLE_FULLWINDOWDRAG = 0x00000002
    DISABLE_MENUANIMATIONS = 0x00000004
    DISABLE_THEMING = 0x00000008
    RESERVED1 = 0x00000010
    DISABLE_CURSOR_SHADOW = 0x00000020
    DISABLE_CURSORSETTINGS = 0x00000040
    ENABLE_FONT_SMOOTHING = 0x00000080
    ENABLE_DESKTOP_COMPOSITION = 0x00000100
    RESERVED2 = 0x80000000


class AddressFamily(OpenIntEnum):
    """clientAddressFamily of MS-RDPBCGR 2.2.1.11.1.1.1."""

    UNSPECIFIED = 0x0000
    INET = 0x0002
    INET6 = 0x0017


def _read_text(r: Reader, field: str, size: int, is_unicode: bool) -> str:
    return r.utf16(field, size) if is_unicode else r.raw(field, size).decode("latin-1")


def _write_text(w: Writer, field: str, text: str, is_unicode: bool) -> None:
    if is_unicode:
        w.utf16(field, text)
        return
    try:
        w.raw(field, text.encode("latin-1"))
    except UnicodeEncodeError:
        raise w.error(field, "not in the ANSI character set") from None


def _read_terminated(r: Reader, field: str, limit: int, is_unicode: bool) -> str | None:
    """A size that includes the terminator, and the text; None for a size of zero."""
    size = r.u16_le(f"cb{field}")
    if size > limit:
        raise r.error(f"cb{field}", f"{size}, at most {limit} allowed")
    if not size:
        return None
    # A terminator that is missing is forgiven, and written.
    return _read_text(r, field, size, is_unicode).removesuffix("\0")


def _write_terminated(w: Writer, field: str, text: str | None, is_unicode: bool) -> None:
    with w.length_u16_le(f"cb{field}"):
        if text is not None:
            _write_text(w, field, text + "\0", is_unicode)


@dataclass(frozen=True, slots=True)
class ExtendedClientInfo:
    """MS-RDPBCGR 2.2.1.11.1.1.1 Extended Info Packet (TS_EXTENDED_INFO_PACKET).

    From ``time_zone`` on a client may stop anywhere; what it left out, and all behind it, is None.
    ``auto_reconnect_cookie`` is ``b""`` where the field is there but empty.
    """

    address_family: AddressFamily = AddressFamily.INET
    address: str | None = ""
    directory: str | None = ""
    time_zone: TimeZone | None = None
    session_id: int | None = None
    performance_flags: PerformanceFlags | None = None
    auto_reconnect_cookie: AutoReconnectClientCookie | bytes | None = None
    reserved1: int | None = None
    reserved2: int | None = None
    dynamic_time_zone: DynamicTimeZone | None = None
    #: QUIRK(mstsc): the zone's name stands in a fixed buffer, whose unused rest comes last, as zeros.
    trailing: bytes = field(default=b"", repr=False)

    @classmethod
    def read(cls, r: Reader, is_unicode: bool = True) -> Self:
        family = AddressFamily(r.u16_le("clientAddressFamily"))
        address = _read_terminated(r, "ClientAddress", MAX_ADDRESS_SIZE, is_unicode)
        directory = _read_terminated(r, "ClientDir", MAX_DIRECTORY_SIZE, is_unicode)
        time_zone = r.structure(TimeZone, "clientTimeZone") if r.remaining else None
        session_id = r.u32_le("clientSessionId") if r.remaining else None
        performance = PerformanceFlags(r.u32_le("performanceFlags")) if r.remaining else None
        cookie = cls._read_cookie(r) if r.remaining else None
        reserved1 = r.u16_le("reserved1") if r.remaining else None
        reserved2 = r.u16_le("reserved2") if r.remaining else None
        dynamic = r.structure(DynamicTimeZone, "dynamicDST") if r.remaining else None
        return cls(
            family,
            address,
            directory,
            time_zone,
            session_id,
            performance,
            cookie,
            reserved1,
            reserved2,
            dynamic,
            r.rest("trailing"),
        )

    @staticmethod
    def _read_cookie(r: Reader) -> AutoReconnectClientCookie | bytes:
        size = r.u16_le("cbAutoReconnectCookie")
        if size == PACKET_SIZE:
            return r.structure(AutoReconnectClientCookie, "autoReconnectCookie")
        if size:
            raise r.error("cbAutoReconnectCookie", f"{size}, expected 0 or {PACKET_SIZE}")
        return b""

    def _tail(self) -> tuple[object, ...]:
        return (
            self.time_zone,
            self.session_id,
            self.performance_flags,
            self.auto_reconnect_cookie,
            self.reserved1,
            self.reserved2,
            self.dynamic_time_zone,
            self.trailing or None,
        )

    def write(self, w: Writer, is_unicode: bool = True) -> None:
        tail = self._tail()
        present = next((i for i, value in enumerate(tail) if value is None), len(tail))
        if any(value is not None for value in tail[present:]):
            raise w.error("extraInfo", "a field is present behind one that is not")
        w.u16_le("clientAddressFamily", self.address_family)
        _write_terminated(w, "ClientAddress", self.address, is_unicode)
        _write_terminated(w, "ClientDir", self.directory, is_unicode)
        if self.time_zone is not None:
            w.structure(self.time_zone, "clientTimeZone")
        if self.session_id is not None:
            w.u32_le("clientSessionId", self.session_id)
        if self.performance_flags is not None:
            w.u32_le("performanceFlags", self.performance_flags)
        self._write_tail(w)

    def _write_tail(self, w: Writer) -> None:
        cookie = self.auto_reconnect_cookie
        if cookie is not None:
            with w.length_u16_le("cbAutoReconnectCookie"):
                if isinstance(cookie, bytes):
                    w.raw("autoReconnectCookie", cookie)
                else:
                    w.structure(cookie, "autoReconnectCookie")
        if self.reserved1 is not None:
            w.u16_le("reserved1", self.reserved1)
        if self.reserved2 is not None:
            w.u16_le("reserved2", self.reserved2)
        if self.dynamic_time_zone is not None:
            w.structure(self.dynamic_time_zone, "dynamicDST")
        w.raw("trailing", self.trailing)


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """MS-RDPBCGR 2.2.1.11.1.1 Info Packet (TS_INFO_PACKET).

    ``extra`` is None for an RDP 4.0 client. ``compression_type`` is the highest package the client knows,
    valid with InfoFlags.COMPRESSION.
    """

    flags: InfoFlags = InfoFlags.UNICODE
    domain: str = ""
    user_name: str = ""
    password: Secret[str] = Secret("")
    alternate_shell: str = ""
    working_directory: str = ""
    extra: ExtendedClientInfo | None = None
    code_page: int = 0
    compression_type: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        code_page = r.u32_le("CodePage")
        all_flags = r.u32_le("flags")
        flags = InfoFlags(all_flags & ~COMPRESSION_TYPE_MASK)
        compression_type = (all_flags & COMPRESSION_TYPE_MASK) >> COMPRESSION_TYPE_SHIFT
        is_unicode = bool(flags & InfoFlags.UNICODE)
        names = ("Domain", "UserName", "Password", "AlternateShell", "WorkingDir")
        sizes = [cls._read_size(r, f"cb{name}", is_unicode) for name in names]
        texts = []
        for name, size in zip(names, sizes, strict=True):
            texts.append(_read_text(r, name, size, is_unicode))
            r.pad(f"{name}.terminator", 2 if is_unicode else 1)
        domain, user_name, password, shell, directory = texts
        extra = ExtendedClientInfo.read(r, is_unicode) if r.remaining else None
        return cls(
            flags,
            domain,
            user_name,
            Secret(password),
            shell,
            directory,
            extra,
            code_page,
            compression_type,
        )

    @staticmethod
    def _read_size(r: Reader, field: str, is_unicode: bool) -> int:
        size = r.u16_le(field)
        limit = MAX_STRING_SIZE - (2 if is_unicode else 1)
        if size > limit:
            raise r.error(field, f"{size}, at most {limit} allowed")
        return size

    def write(self, w: Writer) -> None:
        is_unicode = bool(self.flags & InfoFlags.UNICODE)
        if not 0 <= self.compression_type <= 0x0F:
            raise w.error("flags", f"compression type {self.compression_type} does not fit 4 bits")
        w.u32_le("CodePage", self.code_page)
        w.u32_le("flags", self.flags | self.compression_type << COMPRESSION_TYPE_SHIFT)
        texts = {
            "Domain": self.domain,
            "UserName": self.user_name,
            "Password": self.password.reveal(),
            "AlternateShell": self.alternate_shell,
            "WorkingDir": self.working_directory,
        }
        for name, text in texts.items():
            w.u16_le(f"cb{name}", len(text.encode("utf-16-le", "surrogatepass")) if is_unicode else len(text))
        for name, text in texts.items():
            _write_text(w, name, text, is_unicode)
            w.pad(f"{name}.terminator", 2 if is_unicode else 1)
        if self.extra is not None:
            self.extra.write(w, is_unicode)
