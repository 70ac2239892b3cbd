"""CredSSP's messages (MS-CSSP 2.2): the TSRequest, and the credentials that the last one carries."""

from dataclasses import dataclass, field
from typing import Any, Final, Self

from pyasn1.type import namedtype, univ

from pyrdpmux.wire import OpenIntEnum, Reader, Writer, decode, der, encode

#: NegoData is a list by its grammar; every known peer sends one token.
MAX_NEGO_TOKENS: Final = 8

_NEGO_ITEM: Final = univ.Sequence(
    componentType=namedtype.NamedTypes(der.required("negoToken", 0, univ.OctetString()))
)
_NEGO_DATA: Final = univ.SequenceOf(componentType=_NEGO_ITEM)
_TS_REQUEST: Final = univ.Sequence(
    componentType=namedtype.NamedTypes(
        der.required("version", 0, univ.Integer()),
        der.optional("negoTokens", 1, _NEGO_DATA),
        der.optional("authInfo", 2, univ.OctetString()),
        der.optional("pubKeyAuth", 3, univ.OctetString()),
        der.optional("errorCode", 4, univ.Integer()),
        der.optional("clientNonce", 5, univ.OctetString()),
    )
)
_TS_CREDENTIALS: Final = univ.Sequence(
    componentType=namedtype.NamedTypes(
        der.required("credType", 0, univ.Integer()),
        der.required("credentials", 1, univ.OctetString()),
    )
)
_TS_PASSWORD_CREDS: Final = univ.Sequence(
    componentType=namedtype.NamedTypes(
        der.required("domainName", 0, univ.OctetString()),
        der.required("userName", 1, univ.OctetString()),
        der.required("password", 2, univ.OctetString()),
    )
)


def _range(r: Reader, name: str, value: int, low: int, high: int) -> int:
    if not low <= value <= high:
        raise r.error(name, f"{value}, expected {low} to {high}")
    return value


@dataclass(frozen=True, slots=True)
class TSRequest:
    """MS-CSSP 2.2.1 TSRequest."""

    version: int
    nego_tokens: tuple[bytes, ...] = ()
    auth_info: bytes | None = None
    pub_key_auth: bytes | None = None
    #: an NTSTATUS, unsigned
    error_code: int | None = None
    client_nonce: bytes | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        value = der.read_der(r, _TS_REQUEST)
        version = _range(r, "version", int(value["version"]), 0, 0x7FFFFFFF)
        error_code = der.integer(value, "errorCode")
        if error_code is not None:
            # QUIRK(Windows, FreeRDP): an NTSTATUS is sent as the signed 32-bit number that it is in C.
            error_code = _range(r, "errorCode", error_code, -0x80000000, 0xFFFFFFFF) & 0xFFFFFFFF
        return cls(
            version,
            _read_tokens(r, value["negoTokens"]),
            der.octets(value, "authInfo"),
            der.octets(value, "pubKeyAuth"),
            error_code,
            der.octets(value, "clientNonce"),
        )

    def write(self, w: Writer) -> None:
        value = _TS_REQUEST.clone()
        value["version"] = self.version
        for i, token in enumerate(self.nego_tokens):
            value["negoTokens"][i]["negoToken"] = token
        parts = {
            "authInfo": self.auth_info,
            "pubKeyAuth": self.pub_key_auth,
            "clientNonce": self.client_nonce,
        }
        if self.error_code is not None:
            negative = self.error_code & 0x80000000
            value["errorCode"] = self.error_code - (0x100000000 if negative else 0)
        for name, data in parts.items():
            if data is not None:
                value[name] = data
        w.raw("TSRequest", der.to_der(value))

    @property
    def nego_token(self) -> bytes | None:
        """The first token, which is the only one that anybody sends."""
        return self.nego_tokens[0] if self.nego_tokens else None


def _read_tokens(r: Reader, value: Any) -> tuple[bytes, ...]:
    if not value.isValue:
        return ()
    if len(value) > MAX_NEGO_TOKENS:
        raise r.error("negoTokens", f"{len(value)}, at most {MAX_NEGO_TOKENS} allowed")
    return tuple([bytes(item["negoToken"]) for item in value])


@dataclass(frozen=True, slots=True)
class TSPasswordCreds:
    """MS-CSSP 2.2.1.2.1 TSPasswordCreds. All empty in restricted admin mode."""

    domain_name: str = ""
    user_name: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        value = der.read_der(r, _TS_PASSWORD_CREDS)
        return cls(*[_read_text(r, value, name) for name in ("domainName", "userName", "password")])

    def write(self, w: Writer) -> None:
        value = _TS_PASSWORD_CREDS.clone()
        value["domainName"] = self.domain_name.encode("utf-16-le", "surrogatepass")
        value["userName"] = self.user_name.encode("utf-16-le", "surrogatepass")
        value["password"] = self.password.encode("utf-16-le", "surrogatepass")
        w.raw("TSPasswordCreds", der.to_der(value))


def _read_text(r: Reader, value: Any, name: str) -> str:
    data = bytes(value[name])
    if len(data) % 2:
        raise r.error(name, f"{len(data)} bytes of UTF-16, expected an even number")
    return data.decode("utf-16-le", "surrogatepass")


class CredentialType(OpenIntEnum):
    """credType of MS-CSSP 2.2.1.2."""

    PASSWORD = 1
    SMART_CARD = 2
    REMOTE_GUARD = 6


@dataclass(frozen=True, slots=True)
class TSCredentials:
    """MS-CSSP 2.2.1.2 TSCredentials. Others than passwords are kept as the bytes they came in."""

    cred_type: CredentialType
    credentials: TSPasswordCreds | bytes = field(repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        value = der.read_der(r, _TS_CREDENTIALS)
        cred_type = CredentialType(_range(r, "credType", int(value["credType"]), 0, 0x7FFFFFFF))
        data = bytes(value["credentials"])
        if cred_type == CredentialType.PASSWORD and data:
            return cls(cred_type, decode(TSPasswordCreds, data))
        return cls(cred_type, data)

    def write(self, w: Writer) -> None:
        value = _TS_CREDENTIALS.clone()
        value["credType"] = int(self.cred_type)
        inner = self.credentials
        value["credentials"] = inner if isinstance(inner, bytes) else encode(inner)
        w.raw("TSCredentials", der.to_der(value))

    @property
    def password(self) -> TSPasswordCreds | None:
        """The password credentials, where that is what the client delegated."""
        return self.credentials if isinstance(self.credentials, TSPasswordCreds) else None
