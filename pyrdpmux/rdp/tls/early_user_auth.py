"""What the server tells a PROTOCOL_HYBRID_EX client between CredSSP and the RDP connection sequence."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, Reader, Writer

EARLY_USER_AUTH_SIZE: Final = 4


class AuthorizationResult(OpenIntEnum):
    """authorizationResult of MS-RDPBCGR 2.2.10.2."""

    SUCCESS = 0x00000000
    ACCESS_DENIED = 0x00000005


@dataclass(frozen=True, slots=True)
class EarlyUserAuthorizationResult:
    """MS-RDPBCGR 2.2.10.2 Early User Authorization Result PDU."""

    result: AuthorizationResult

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(AuthorizationResult(r.u32_le("authorizationResult")))

    def write(self, w: Writer) -> None:
        w.u32_le("authorizationResult", self.result)
