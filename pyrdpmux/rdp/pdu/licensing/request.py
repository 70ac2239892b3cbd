"""What the server asks for, and the client's two answers: its license, or that it needs one.

Strings stay as they are on the wire, terminators included.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.pdu.licensing.blob import KEY_EXCHANGE_ALG_RSA, MAC_SIZE, RANDOM_SIZE, LicenseBlob
from pyrdpmux.wire import Reader, Writer

#: Windows sends one scope ("microsoft.com"); a generous bound of ours.
MAX_SCOPES: Final = 64


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
