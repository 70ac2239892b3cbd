"""What the server tells a PROTOCOL_HYBRID_EX client between CredSSP and the RDP connection sequence."""

from dataclasses import dataclass
from typing import ClassVar, Self

from pyrdpmux.errors import AuthenticationFailed
from pyrdpmux.wire import OpenIntEnum, Reader, Writer


class AuthorizationResult(OpenIntEnum):
    """authorizationResult of MS-RDPBCGR 2.2.10.2."""

    SUCCESS = 0x00000000
    ACCESS_DENIED = 0x00000005


@dataclass(frozen=True, slots=True)
class EarlyUserAuthResult:
    """MS-RDPBCGR 2.2.10.2 Early User Authorization Result PDU."""

    #: bytes; the PDU has no length of its own
    SIZE: ClassVar[int] = 4

    result: AuthorizationResult

    @classmethod
    def success(cls) -> Self:
        return cls(AuthorizationResult.SUCCESS)

    @classmethod
    def denied(cls) -> Self:
        return cls(AuthorizationResult.ACCESS_DENIED)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(AuthorizationResult(r.u32_le("authorizationResult")))

    def write(self, w: Writer) -> None:
        w.u32_le("authorizationResult", self.result)

    def check(self) -> None:
        """The client's reading: anything but success ends the connection. Raises AuthenticationFailed."""
        if self.result != AuthorizationResult.SUCCESS:
            raise AuthenticationFailed(f"the server answers {self.result.name}")
