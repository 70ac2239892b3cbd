"""The binary blobs that licensing messages are made of."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, Reader, Writer

RANDOM_SIZE: Final = 32
MAC_SIZE: Final = 16
KEY_EXCHANGE_ALG_RSA: Final = 1


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
