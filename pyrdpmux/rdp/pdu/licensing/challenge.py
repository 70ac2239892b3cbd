"""The platform challenge and its response, and what is encrypted in them."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.pdu.licensing.blob import MAC_SIZE, LicenseBlob
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

CHALLENGE_VERSION: Final = 0x0100
HARDWARE_DATA_SIZE: Final = 16


class ClientType(OpenIntEnum):
    """wClientType of MS-RDPELE 2.2.2.5.1."""

    WIN32 = 0x0100
    WIN16 = 0x0200
    WINCE = 0x0300
    OTHER = 0xFF00


class LicenseDetailLevel(OpenIntEnum):
    """wLicenseDetailLevel of MS-RDPELE 2.2.2.5.1: how much of its certificate chain a license may have."""

    SIMPLE = 1
    MODERATE = 2
    DETAIL = 3


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
class PlatformChallengeResponseData:
    """MS-RDPELE 2.2.2.5.1 Platform Challenge Response Data (PLATFORM_CHALLENGE_RESPONSE_DATA), decrypted."""

    challenge: bytes
    client_type: ClientType = ClientType.OTHER
    license_detail_level: LicenseDetailLevel = LicenseDetailLevel.DETAIL
    version: int = CHALLENGE_VERSION

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = r.u16_le("wVersion")
        client_type = ClientType(r.u16_le("wClientType"))
        license_detail_level = LicenseDetailLevel(r.u16_le("wLicenseDetailLevel"))
        challenge = r.raw("pbChallenge", r.u16_le("cbChallenge"))
        return cls(challenge, client_type, license_detail_level, version)

    def write(self, w: Writer) -> None:
        w.u16_le("wVersion", self.version)
        w.u16_le("wClientType", self.client_type)
        w.u16_le("wLicenseDetailLevel", self.license_detail_level)
        with w.length_u16_le("cbChallenge"):
            w.raw("pbChallenge", self.challenge)


@dataclass(frozen=True, slots=True)
class ClientHardwareId:
    """MS-RDPELE 2.2.2.3.1 Client Hardware Identification (CLIENT_HARDWARE_ID), decrypted.

    ``data`` is Data1 to Data4: 16 bytes that tell this client from others, and mean nothing else.
    """

    platform_id: int
    data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("PlatformId"), r.raw("Data", HARDWARE_DATA_SIZE))

    def write(self, w: Writer) -> None:
        w.u32_le("PlatformId", self.platform_id)
        w.fixed("Data", self.data, HARDWARE_DATA_SIZE)
