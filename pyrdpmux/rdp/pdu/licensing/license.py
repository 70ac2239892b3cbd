"""The license that a server issues, and what is encrypted in it."""

from dataclasses import dataclass
from typing import Self

from pyrdpmux.rdp.pdu.licensing.blob import MAC_SIZE, LicenseBlob
from pyrdpmux.wire import Reader, Writer


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
class NewLicenseInfo:
    """MS-RDPELE 2.2.2.6.1 New License Information (NEW_LICENSE_INFO), decrypted.

    Strings with their terminators; ``license_info`` is a chain of certificates that only servers look into.
    """

    version: int
    scope: bytes
    company_name: bytes
    product_id: bytes
    license_info: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = r.u32_le("dwVersion")
        scope = r.raw("pbScope", r.u32_le("cbScope"))
        company_name = r.raw("pbCompanyName", r.u32_le("cbCompanyName"))
        product_id = r.raw("pbProductId", r.u32_le("cbProductId"))
        return cls(
            version, scope, company_name, product_id, r.raw("pbLicenseInfo", r.u32_le("cbLicenseInfo"))
        )

    def write(self, w: Writer) -> None:
        w.u32_le("dwVersion", self.version)
        with w.length_u32_le("cbScope"):
            w.raw("pbScope", self.scope)
        with w.length_u32_le("cbCompanyName"):
            w.raw("pbCompanyName", self.company_name)
        with w.length_u32_le("cbProductId"):
            w.raw("pbProductId", self.product_id)
        with w.length_u32_le("cbLicenseInfo"):
            w.raw("pbLicenseInfo", self.license_info)
