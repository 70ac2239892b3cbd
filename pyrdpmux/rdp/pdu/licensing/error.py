"""The message that ends licensing, for good or bad."""

from dataclasses import dataclass
from typing import Self

from pyrdpmux.rdp.pdu.licensing.blob import BlobType, LicenseBlob
from pyrdpmux.wire import OpenIntEnum, Reader, Writer


class LicenseErrorCode(OpenIntEnum):
    """dwErrorCode of MS-RDPBCGR 2.2.1.12.1.3."""

    INVALID_SERVER_CERTIFICATE = 0x01
    NO_LICENSE = 0x02
    INVALID_MAC = 0x03
    INVALID_SCOPE = 0x04
    NO_LICENSE_SERVER = 0x06
    VALID_CLIENT = 0x07
    INVALID_CLIENT = 0x08
    INVALID_PRODUCT_ID = 0x0B
    INVALID_MESSAGE_LENGTH = 0x0C


class StateTransition(OpenIntEnum):
    """dwStateTransition of MS-RDPBCGR 2.2.1.12.1.3."""

    TOTAL_ABORT = 1
    NO_TRANSITION = 2
    RESET_PHASE_TO_START = 3
    RESEND_LAST_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class LicenseError:
    """MS-RDPBCGR 2.2.1.12.1.3 Licensing Error Message (LICENSE_ERROR_MESSAGE)."""

    error_code: LicenseErrorCode
    state_transition: StateTransition
    error_info: LicenseBlob = LicenseBlob(BlobType.ERROR)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            LicenseErrorCode(r.u32_le("dwErrorCode")),
            StateTransition(r.u32_le("dwStateTransition")),
            r.structure(LicenseBlob, "bbErrorInfo"),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("dwErrorCode", self.error_code)
        w.u32_le("dwStateTransition", self.state_transition)
        w.structure(self.error_info, "bbErrorInfo")
