"""The preamble that every licensing message begins with, and the table of these messages."""

from dataclasses import dataclass
from typing import Any, Final, Self

from pyrdpmux.rdp.pdu.licensing.challenge import PlatformChallenge, PlatformChallengeResponse
from pyrdpmux.rdp.pdu.licensing.error import LicenseError, LicenseErrorCode, StateTransition
from pyrdpmux.rdp.pdu.licensing.license import NewLicense, UpgradeLicense
from pyrdpmux.rdp.pdu.licensing.request import LicenseInformation, NewLicenseRequest, ServerLicenseRequest
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

PREAMBLE_SIZE: Final = 4
PREAMBLE_VERSION_3_0: Final = 3


class MessageType(OpenIntEnum):
    """bMsgType of MS-RDPBCGR 2.2.1.12.1.1."""

    LICENSE_REQUEST = 0x01
    PLATFORM_CHALLENGE = 0x02
    NEW_LICENSE = 0x03
    UPGRADE_LICENSE = 0x04
    LICENSE_INFO = 0x12
    NEW_LICENSE_REQUEST = 0x13
    PLATFORM_CHALLENGE_RESPONSE = 0x15
    ERROR_ALERT = 0xFF


class PreambleFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.1.12.1.1, without the version in the low four bits."""

    EXTENDED_ERROR_MSG_SUPPORTED = 0x80


@dataclass(frozen=True, slots=True)
class UnknownLicensingMessage:
    """MS-RDPBCGR 2.2.1.12.1.1 Licensing Preamble in front of a message we do not know."""

    type: MessageType
    data: bytes = b""


LicensingMessage = (
    LicenseError
    | ServerLicenseRequest
    | NewLicenseRequest
    | LicenseInformation
    | PlatformChallenge
    | PlatformChallengeResponse
    | UpgradeLicense
    | NewLicense
    | UnknownLicensingMessage
)

MESSAGE_TYPES: Final[dict[MessageType, type[Any]]] = {
    MessageType.LICENSE_REQUEST: ServerLicenseRequest,
    MessageType.PLATFORM_CHALLENGE: PlatformChallenge,
    MessageType.NEW_LICENSE: NewLicense,
    MessageType.UPGRADE_LICENSE: UpgradeLicense,
    MessageType.LICENSE_INFO: LicenseInformation,
    MessageType.NEW_LICENSE_REQUEST: NewLicenseRequest,
    MessageType.PLATFORM_CHALLENGE_RESPONSE: PlatformChallengeResponse,
    MessageType.ERROR_ALERT: LicenseError,
}

_TYPE_OF: Final[dict[type[Any], MessageType]] = {cls: number for number, cls in MESSAGE_TYPES.items()}


@dataclass(frozen=True, slots=True)
class LicensingPdu:
    """MS-RDPBCGR 2.2.1.12.1.1 Licensing Preamble (LICENSE_PREAMBLE) and its message."""

    message: LicensingMessage
    version: int = PREAMBLE_VERSION_3_0
    flags: PreambleFlags = PreambleFlags(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        number = MessageType(r.u8("bMsgType"))
        flags = r.u8("flags")
        size = r.u16_le("wMsgSize")
        message_class = MESSAGE_TYPES.get(number)
        name = message_class.__name__ if message_class else "data"
        message: LicensingMessage
        with r.region(name, size - PREAMBLE_SIZE):
            if message_class is None:
                message = UnknownLicensingMessage(number, r.rest(""))
            else:
                message = message_class.read(r)
        return cls(message, flags & 0x0F, PreambleFlags(flags & 0xF0))

    def write(self, w: Writer) -> None:
        message = self.message
        number = message.type if isinstance(message, UnknownLicensingMessage) else _TYPE_OF[type(message)]
        w.u8("bMsgType", number)
        if self.version & ~0x0F or self.flags & 0x0F:
            raise w.error("flags", f"version {self.version} and flags {int(self.flags):#x} overlap")
        w.u8("flags", self.version | self.flags)
        with w.length_u16_le("wMsgSize", extra=PREAMBLE_SIZE):
            if isinstance(message, UnknownLicensingMessage):
                w.raw("data", message.data)
            else:
                w.structure(message, type(message).__name__)


#: What ends the licensing phase at once: MS-RDPBCGR 2.2.1.12.1 Valid Client License Data.
VALID_CLIENT: Final = LicensingPdu(LicenseError(LicenseErrorCode.VALID_CLIENT, StateTransition.NO_TRANSITION))
