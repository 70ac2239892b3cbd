"""Save Session Info: who logged on where, the auto-reconnect cookie, and trouble at logon."""

from dataclasses import dataclass
from typing import Any, Final, Self

from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectServerCookie
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

DOMAIN_SIZE: Final = 52
USER_NAME_SIZE: Final = 512
PLAIN_NOTIFY_PAD: Final = 576
VERSION_2_PAD: Final = 558
EXTENDED_PAD: Final = 570
EXTENDED_HEADER_SIZE: Final = 6
SAVE_SESSION_PDU_VERSION_ONE: Final = 1
#: What Windows puts into Size, although the structure's fixed part has 576 bytes.
VERSION_2_SIZE: Final = 18
#: The fixed-length field of version 1 has 512 bytes; version 2 was made for longer names.
MAX_NAME_SIZE: Final = 1024
FIELD_COOKIE: Final = 0x00000001
FIELD_ERRORS: Final = 0x00000002


class InfoType(OpenIntEnum):
    """infoType of MS-RDPBCGR 2.2.10.1.1."""

    LOGON = 0
    LOGON_LONG = 1
    LOGON_PLAIN_NOTIFY = 2
    LOGON_EXTENDED_INFO = 3


class LogonNotification(OpenIntEnum):
    """ErrorNotificationType of MS-RDPBCGR 2.2.10.1.1.4.1.1, unless it is an NTSTATUS."""

    SESSION_BUSY_OPTIONS = 0xFFFFFFF8
    DISCONNECT_REFUSED = 0xFFFFFFF9
    NO_PERMISSION = 0xFFFFFFFA
    BUMP_OPTIONS = 0xFFFFFFFB
    RECONNECT_OPTIONS = 0xFFFFFFFC
    SESSION_TERMINATE = 0xFFFFFFFD
    SESSION_CONTINUE = 0xFFFFFFFE
    ACCESS_DENIED = 0xFFFFFFFF


class LogonFailure(OpenIntEnum):
    """ErrorNotificationData of MS-RDPBCGR 2.2.10.1.1.4.1.1, unless it is a session identifier."""

    BAD_PASSWORD = 0
    UPDATE_PASSWORD = 1
    OTHER = 2
    WARNING = 3


@dataclass(frozen=True, slots=True)
class LogonInfo:
    """MS-RDPBCGR 2.2.10.1.1.1 Logon Info Version 1 (TS_LOGON_INFO)."""

    domain: str
    user_name: str
    session_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        # The texts end at their nulls; their lengths say the same once more.
        r.u32_le("cbDomain")
        domain = r.utf16_padded("Domain", DOMAIN_SIZE)
        r.u32_le("cbUserName")
        user_name = r.utf16_padded("UserName", USER_NAME_SIZE)
        return cls(domain, user_name, r.u32_le("SessionId"))

    def write(self, w: Writer) -> None:
        w.u32_le("cbDomain", _utf16_size(self.domain))
        w.utf16_padded("Domain", self.domain, DOMAIN_SIZE)
        w.u32_le("cbUserName", _utf16_size(self.user_name))
        w.utf16_padded("UserName", self.user_name, USER_NAME_SIZE)
        w.u32_le("SessionId", self.session_id)


def _utf16_size(text: str) -> int:
    """Bytes of ``text`` and its terminator."""
    return len(text.encode("utf-16-le", "surrogatepass")) + 2


def _read_size(r: Reader, field: str) -> int:
    size = r.u32_le(field)
    if size > MAX_NAME_SIZE:
        raise r.error(field, f"{size}, at most {MAX_NAME_SIZE} allowed")
    return size


@dataclass(frozen=True, slots=True)
class LogonInfoVersion2:
    """MS-RDPBCGR 2.2.10.1.1.2 Logon Info Version 2 (TS_LOGON_INFO_VERSION_2)."""

    domain: str
    user_name: str
    session_id: int
    size: int = VERSION_2_SIZE
    version: int = SAVE_SESSION_PDU_VERSION_ONE

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = r.u16_le("Version")
        size = r.u32_le("Size")
        session_id = r.u32_le("SessionId")
        domain_size = _read_size(r, "cbDomain")
        user_name_size = _read_size(r, "cbUserName")
        r.pad("Pad", VERSION_2_PAD)
        domain = r.utf16("Domain", domain_size).removesuffix("\0")
        user_name = r.utf16("UserName", user_name_size).removesuffix("\0")
        return cls(domain, user_name, session_id, size, version)

    def write(self, w: Writer) -> None:
        w.u16_le("Version", self.version)
        w.u32_le("Size", self.size)
        w.u32_le("SessionId", self.session_id)
        w.u32_le("cbDomain", _utf16_size(self.domain))
        w.u32_le("cbUserName", _utf16_size(self.user_name))
        w.pad("Pad", VERSION_2_PAD)
        w.utf16("Domain", self.domain + "\0")
        w.utf16("UserName", self.user_name + "\0")


@dataclass(frozen=True, slots=True)
class PlainNotify:
    """MS-RDPBCGR 2.2.10.1.1.3 Plain Notify (TS_PLAIN_NOTIFY): the user has logged on, no more."""

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("Pad", PLAIN_NOTIFY_PAD)
        return cls()

    def write(self, w: Writer) -> None:
        w.pad("Pad", PLAIN_NOTIFY_PAD)


@dataclass(frozen=True, slots=True)
class LogonErrors:
    """MS-RDPBCGR 2.2.10.1.1.4.1.1 Logon Errors Info (TS_LOGON_ERRORS_INFO)."""

    notification_type: LogonNotification
    notification_data: LogonFailure

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            LogonNotification(r.u32_le("ErrorNotificationType")),
            LogonFailure(r.u32_le("ErrorNotificationData")),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("ErrorNotificationType", self.notification_type)
        w.u32_le("ErrorNotificationData", self.notification_data)


@dataclass(frozen=True, slots=True)
class LogonInfoExtended:
    """MS-RDPBCGR 2.2.10.1.1.4 Logon Info Extended (TS_LOGON_INFO_EXTENDED).

    ``other_flags`` and ``other_fields`` keep what FieldsPresent announces beyond the two fields we know.
    """

    cookie: AutoReconnectServerCookie | None = None
    errors: LogonErrors | None = None
    other_flags: int = 0
    other_fields: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        length = r.u16_le("Length")
        present = r.u32_le("FieldsPresent")
        cookie = errors = None
        with r.region("LogonFields", length - EXTENDED_HEADER_SIZE):
            if present & FIELD_COOKIE:
                with r.region("AutoReconnect", r.u32_le("cbFieldData")):
                    cookie = AutoReconnectServerCookie.read(r)
            if present & FIELD_ERRORS:
                with r.region("LogonErrors", r.u32_le("cbFieldData")):
                    errors = LogonErrors.read(r)
            other_fields = r.rest("")
        r.pad("Pad", EXTENDED_PAD)
        return cls(cookie, errors, present & ~(FIELD_COOKIE | FIELD_ERRORS), other_fields)

    def write(self, w: Writer) -> None:
        present = self.other_flags
        present |= FIELD_COOKIE if self.cookie is not None else 0
        present |= FIELD_ERRORS if self.errors is not None else 0
        with w.length_u16_le("Length", extra=2):
            w.u32_le("FieldsPresent", present)
            for field in (self.cookie, self.errors):
                if field is not None:
                    with w.length_u32_le("cbFieldData"):
                        w.structure(field, "LogonFields")
            w.raw("LogonFields", self.other_fields)
        w.pad("Pad", EXTENDED_PAD)


@dataclass(frozen=True, slots=True)
class UnknownSessionInfo:
    """MS-RDPBCGR 2.2.10.1.1 infoData of a type we do not know."""

    info_type: InfoType
    data: bytes = b""


SessionInfo = LogonInfo | LogonInfoVersion2 | PlainNotify | LogonInfoExtended | UnknownSessionInfo

INFO_TYPES: Final[dict[InfoType, type[Any]]] = {
    InfoType.LOGON: LogonInfo,
    InfoType.LOGON_LONG: LogonInfoVersion2,
    InfoType.LOGON_PLAIN_NOTIFY: PlainNotify,
    InfoType.LOGON_EXTENDED_INFO: LogonInfoExtended,
}

_TYPE_OF: Final[dict[type[Any], InfoType]] = {cls: number for number, cls in INFO_TYPES.items()}


@dataclass(frozen=True, slots=True)
class SaveSessionInfo:
    """MS-RDPBCGR 2.2.10.1.1 Save Session Info PDU Data (TS_SAVE_SESSION_INFO_PDU_DATA)."""

    info: SessionInfo

    @classmethod
    def read(cls, r: Reader) -> Self:
        number = InfoType(r.u32_le("infoType"))
        info_class = INFO_TYPES.get(number)
        if info_class is None:
            return cls(UnknownSessionInfo(number, r.rest("infoData")))
        return cls(r.structure(info_class, "infoData"))

    def write(self, w: Writer) -> None:
        info = self.info
        if isinstance(info, UnknownSessionInfo):
            w.u32_le("infoType", info.info_type)
            w.raw("infoData", info.data)
            return
        w.u32_le("infoType", _TYPE_OF[type(info)])
        w.structure(info, "infoData")


@dataclass(frozen=True, slots=True)
class AutoReconnectStatus:
    """MS-RDPBCGR 2.2.4.1.1 Auto-Reconnect Status PDU Data (TS_AUTORECONNECT_STATUS_PDU): it failed."""

    status: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("arcStatus"))

    def write(self, w: Writer) -> None:
        w.u32_le("arcStatus", self.status)
