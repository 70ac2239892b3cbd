"""Licensing: the Valid Client message that ends the phase at once, and the messages of the long way.

Structures only, after the security header: decrypting a challenge or a license is nobody's job here, so
encrypted parts stay blobs. Strings stay as they are on the wire, terminators included.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

PREAMBLE_SIZE: Final = 4
PREAMBLE_VERSION_3_0: Final = 3
RANDOM_SIZE: Final = 32
MAC_SIZE: Final = 16
BLOB_HEADER_SIZE: Final = 4
KEY_EXCHANGE_ALG_RSA: Final = 1
#: Windows sends one scope ("microsoft.com"); a generous bound of ours.
MAX_SCOPES: Final = 64


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


class BlobType(OpenIntEnum):
    """wBlobType of MS-RDPBCGR 2.2.1.12.1.2."""

    ANY = 0x0000
    DATA = 0x0001
    RANDOM = 0x0002
    CERTIFICATE = 0x0003
    ERROR = 0x0004
    ENCRYPTED_DATA = 0x0009
    KEY_EXCHANGE_ALGORITHM = 0x000D
    SCOPE = 0x000E
    CLIENT_USER_NAME = 0x000F
    CLIENT_MACHINE_NAME = 0x0010


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
class LicenseBlob:
    """MS-RDPBCGR 2.2.1.12.1.2 Licensing Binary Blob (LICENSE_BINARY_BLOB)."""

    type: BlobType
    data: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        blob_type = BlobType(r.u16_le("wBlobType"))
        return cls(blob_type, r.raw("blobData", r.u16_le("wBlobLen")))

    def write(self, w: Writer) -> None:
        w.u16_le("wBlobType", self.type)
        with w.length_u16_le("wBlobLen"):
            w.raw("blobData", self.data)


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


@dataclass(frozen=True, slots=True)
class ProductInfo:
    """MS-RDPELE 2.2.2.1.1 Product Information (PRODUCT_INFO)."""

    version: int
    company_name: bytes
    product_id: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = r.u32_le("dwVersion")
        company_name = r.raw("pbCompanyName", r.u32_le("cbCompanyName"))
        return cls(version, company_name, r.raw("pbProductId", r.u32_le("cbProductId")))

    def write(self, w: Writer) -> None:
        w.u32_le("dwVersion", self.version)
        with w.length_u32_le("cbCompanyName"):
            w.raw("pbCompanyName", self.company_name)
        with w.length_u32_le("cbProductId"):
            w.raw("pbProductId", self.product_id)


@dataclass(frozen=True, slots=True)
class ServerLicenseRequest:
    """MS-RDPELE 2.2.2.1 Server License Request (SERVER_LICENSE_REQUEST)."""

    server_random: bytes
    product_info: ProductInfo
    key_exchange_list: LicenseBlob
    server_certificate: LicenseBlob
    scopes: tuple[LicenseBlob, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        server_random = r.raw("ServerRandom", RANDOM_SIZE)
        product_info = r.structure(ProductInfo, "ProductInfo")
        key_exchange_list = r.structure(LicenseBlob, "KeyExchangeList")
        server_certificate = r.structure(LicenseBlob, "ServerCertificate")
        scope_count = r.u32_le("ScopeCount")
        if scope_count > MAX_SCOPES:
            raise r.error("ScopeCount", f"{scope_count}, at most {MAX_SCOPES} allowed")
        scopes = r.items(LicenseBlob, "ScopeArray", scope_count)
        return cls(server_random, product_info, key_exchange_list, server_certificate, scopes)

    def write(self, w: Writer) -> None:
        w.fixed("ServerRandom", self.server_random, RANDOM_SIZE)
        w.structure(self.product_info, "ProductInfo")
        w.structure(self.key_exchange_list, "KeyExchangeList")
        w.structure(self.server_certificate, "ServerCertificate")
        w.u32_le("ScopeCount", len(self.scopes))
        w.items(self.scopes, "ScopeArray")


@dataclass(frozen=True, slots=True)
class NewLicenseRequest:
    """MS-RDPELE 2.2.2.2 Client New License Request (CLIENT_NEW_LICENSE_REQUEST)."""

    client_random: bytes
    encrypted_pre_master_secret: LicenseBlob
    client_user_name: LicenseBlob
    client_machine_name: LicenseBlob
    platform_id: int = 0
    preferred_key_exchange_alg: int = KEY_EXCHANGE_ALG_RSA

    @classmethod
    def read(cls, r: Reader) -> Self:
        preferred_key_exchange_alg = r.u32_le("PreferredKeyExchangeAlg")
        platform_id = r.u32_le("PlatformId")
        return cls(
            r.raw("ClientRandom", RANDOM_SIZE),
            r.structure(LicenseBlob, "EncryptedPreMasterSecret"),
            r.structure(LicenseBlob, "ClientUserName"),
            r.structure(LicenseBlob, "ClientMachineName"),
            platform_id,
            preferred_key_exchange_alg,
        )

    def write(self, w: Writer) -> None:
        w.u32_le("PreferredKeyExchangeAlg", self.preferred_key_exchange_alg)
        w.u32_le("PlatformId", self.platform_id)
        w.fixed("ClientRandom", self.client_random, RANDOM_SIZE)
        w.structure(self.encrypted_pre_master_secret, "EncryptedPreMasterSecret")
        w.structure(self.client_user_name, "ClientUserName")
        w.structure(self.client_machine_name, "ClientMachineName")


@dataclass(frozen=True, slots=True)
class LicenseInformation:
    """MS-RDPELE 2.2.2.3 Client License Information (CLIENT_LICENSE_INFO)."""

    client_random: bytes
    encrypted_pre_master_secret: LicenseBlob
    license_info: LicenseBlob
    encrypted_hwid: LicenseBlob
    mac_data: bytes
    platform_id: int = 0
    preferred_key_exchange_alg: int = KEY_EXCHANGE_ALG_RSA

    @classmethod
    def read(cls, r: Reader) -> Self:
        preferred_key_exchange_alg = r.u32_le("PreferredKeyExchangeAlg")
        platform_id = r.u32_le("PlatformId")
        return cls(
            r.raw("ClientRandom", RANDOM_SIZE),
            r.structure(LicenseBlob, "EncryptedPreMasterSecret"),
            r.structure(LicenseBlob, "LicenseInfo"),
            r.structure(LicenseBlob, "EncryptedHWID"),
            r.raw("MACData", MAC_SIZE),
            platform_id,
            preferred_key_exchange_alg,
        )

    def write(self, w: Writer) -> None:
        w.u32_le("PreferredKeyExchangeAlg", self.preferred_key_exchange_alg)
        w.u32_le("PlatformId", self.platform_id)
        w.fixed("ClientRandom", self.client_random, RANDOM_SIZE)
        w.structure(self.encrypted_pre_master_secret, "EncryptedPreMasterSecret")
        w.structure(self.license_info, "LicenseInfo")
        w.structure(self.encrypted_hwid, "EncryptedHWID")
        w.fixed("MACData", self.mac_data, MAC_SIZE)


@dataclass(frozen=True, slots=True)
class PlatformChallenge:
    """MS-RDPELE 2.2.2.4 Server Platform Challenge (SERVER_PLATFORM_CHALLENGE)."""

    encrypted_platform_challenge: LicenseBlob
    mac_data: bytes
    connect_flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        connect_flags = r.u32_le("ConnectFlags")
        challenge = r.structure(LicenseBlob, "EncryptedPlatformChallenge")
        return cls(challenge, r.raw("MACData", MAC_SIZE), connect_flags)

    def write(self, w: Writer) -> None:
        w.u32_le("ConnectFlags", self.connect_flags)
        w.structure(self.encrypted_platform_challenge, "EncryptedPlatformChallenge")
        w.fixed("MACData", self.mac_data, MAC_SIZE)


@dataclass(frozen=True, slots=True)
class PlatformChallengeResponse:
    """MS-RDPELE 2.2.2.5 Client Platform Challenge Response (CLIENT_PLATFORM_CHALLENGE_RESPONSE)."""

    encrypted_platform_challenge_response: LicenseBlob
    encrypted_hwid: LicenseBlob
    mac_data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        response = r.structure(LicenseBlob, "EncryptedPlatformChallengeResponse")
        return cls(response, r.structure(LicenseBlob, "EncryptedHWID"), r.raw("MACData", MAC_SIZE))

    def write(self, w: Writer) -> None:
        w.structure(self.encrypted_platform_challenge_response, "EncryptedPlatformChallengeResponse")
        w.structure(self.encrypted_hwid, "EncryptedHWID")
        w.fixed("MACData", self.mac_data, MAC_SIZE)


@dataclass(frozen=True, slots=True)
class UpgradeLicense:
    """MS-RDPELE 2.2.2.6 Server Upgrade License (SERVER_UPGRADE_LICENSE)."""

    encrypted_license_info: LicenseBlob
    mac_data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.structure(LicenseBlob, "EncryptedLicenseInfo"), r.raw("MACData", MAC_SIZE))

    def write(self, w: Writer) -> None:
        w.structure(self.encrypted_license_info, "EncryptedLicenseInfo")
        w.fixed("MACData", self.mac_data, MAC_SIZE)


@dataclass(frozen=True, slots=True)
class NewLicense:
    """MS-RDPELE 2.2.2.7 Server New License (SERVER_NEW_LICENSE)."""

    encrypted_license_info: LicenseBlob
    mac_data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.structure(LicenseBlob, "EncryptedLicenseInfo"), r.raw("MACData", MAC_SIZE))

    def write(self, w: Writer) -> None:
        w.structure(self.encrypted_license_info, "EncryptedLicenseInfo")
        w.fixed("MACData", self.mac_data, MAC_SIZE)


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
