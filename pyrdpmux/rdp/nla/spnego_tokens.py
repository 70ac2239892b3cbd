"""SPNEGO's two tokens (RFC 4178 4.2), in the framing of RFC 2743 3.1."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from pyasn1.type import namedtype, tag, univ

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import Reader, Writer, decode, der

#: The contents of OBJECT IDENTIFIERs.
MECH_SPNEGO: Final = bytes.fromhex("2b0601050502")
MECH_NTLM: Final = bytes.fromhex("2b06010401823702020a")
MECH_KERBEROS: Final = bytes.fromhex("2a864886f712010202")
#: Kerberos with the bit that Windows 2000 forgot, and still the first choice of mstsc.
MECH_MS_KERBEROS: Final = bytes.fromhex("2a864882f712010202")
MECH_NEGOEX: Final = bytes.fromhex("2b06010401823702021e")

#: Windows offers five.
MAX_MECH_TYPES: Final = 32

_UNIVERSAL_BIT_STRING: Final = 3


class _RawBitString(univ.OctetString):  # type: ignore[misc]
    """A BIT STRING kept as its bytes: reqFlags is to be ignored (RFC 4178 4.2.1)."""

    tagSet = tag.initTagSet(tag.Tag(tag.tagClassUniversal, tag.tagFormatSimple, _UNIVERSAL_BIT_STRING))


_MECH_TYPES: Final = univ.SequenceOf(componentType=der.RawOid())
_INIT: Final = univ.Sequence(
    componentType=namedtype.NamedTypes(
        der.required("mechTypes", 0, _MECH_TYPES),
        der.optional("reqFlags", 1, _RawBitString()),
        der.optional("mechToken", 2, univ.OctetString()),
        der.optional("mechListMIC", 3, univ.OctetString()),
    )
)
_INITIAL_CONTEXT_TOKEN: Final = univ.Sequence(
    componentType=namedtype.NamedTypes(
        namedtype.NamedType("thisMech", der.RawOid()),
        der.required("negTokenInit", 0, _INIT),
    )
).subtype(implicitTag=tag.Tag(tag.tagClassApplication, tag.tagFormatConstructed, 0))
_RESPONSE: Final = der.context(
    1,
    univ.Sequence(
        componentType=namedtype.NamedTypes(
            der.optional("negState", 0, univ.Enumerated()),
            der.optional("supportedMech", 1, der.RawOid()),
            der.optional("responseToken", 2, univ.OctetString()),
            der.optional("mechListMIC", 3, univ.OctetString()),
        )
    ),
)

_INIT_TAG: Final = 0x60
_RESPONSE_TAG: Final = 0xA1


class NegState(IntEnum):
    """negState of RFC 4178 4.2.2; the enumeration is closed."""

    ACCEPT_COMPLETED = 0
    ACCEPT_INCOMPLETE = 1
    REJECT = 2
    REQUEST_MIC = 3


def _set(value: Any, parts: dict[str, bytes | None]) -> None:
    for name, data in parts.items():
        if data is not None:
            value[name] = data


@dataclass(frozen=True, slots=True)
class NegTokenInit:
    """RFC 4178 4.2.1 negTokenInit, inside the InitialContextToken of RFC 2743 3.1."""

    mech_types: tuple[bytes, ...]
    mech_token: bytes | None = None
    mech_list_mic: bytes | None = None
    #: the contents of the BIT STRING
    request_flags: bytes | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        token = der.read_der(r, _INITIAL_CONTEXT_TOKEN)
        if bytes(token["thisMech"]) != MECH_SPNEGO:
            raise r.error("thisMech", f"{bytes(token['thisMech']).hex()}, expected {MECH_SPNEGO.hex()}")
        value = token["negTokenInit"]
        if len(value["mechTypes"]) > MAX_MECH_TYPES:
            raise r.error("mechTypes", f"{len(value['mechTypes'])}, at most {MAX_MECH_TYPES} allowed")
        return cls(
            tuple([bytes(mech) for mech in value["mechTypes"]]),
            der.octets(value, "mechToken"),
            der.octets(value, "mechListMIC"),
            der.octets(value, "reqFlags"),
        )

    def write(self, w: Writer) -> None:
        token = _INITIAL_CONTEXT_TOKEN.clone()
        token["thisMech"] = MECH_SPNEGO
        value = token["negTokenInit"]
        value["mechTypes"].clear()
        value["mechTypes"].extend(self.mech_types)
        _set(
            value,
            {
                "reqFlags": self.request_flags,
                "mechToken": self.mech_token,
                "mechListMIC": self.mech_list_mic,
            },
        )
        w.raw("InitialContextToken", der.to_der(token))


@dataclass(frozen=True, slots=True)
class NegTokenResp:
    """RFC 4178 4.2.2 negTokenResp."""

    neg_state: NegState | None = None
    supported_mech: bytes | None = None
    response_token: bytes | None = None
    mech_list_mic: bytes | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        value = der.read_der(r, _RESPONSE)
        number = der.integer(value, "negState")
        if number is not None and number not in NegState.__members__.values():
            raise r.error("negState", f"{number}, expected 0 to 3")
        return cls(
            None if number is None else NegState(number),
            der.octets(value, "supportedMech"),
            der.octets(value, "responseToken"),
            der.octets(value, "mechListMIC"),
        )

    def write(self, w: Writer) -> None:
        value = _RESPONSE.clone()
        value.clear()
        if self.neg_state is not None:
            value["negState"] = int(self.neg_state)
        _set(
            value,
            {
                "supportedMech": self.supported_mech,
                "responseToken": self.response_token,
                "mechListMIC": self.mech_list_mic,
            },
        )
        w.raw("NegTokenResp", der.to_der(value))


def decode_token(data: bytes) -> NegTokenInit | NegTokenResp:
    """Whichever token ``data`` is. Raises DecodeError."""
    if data[:1] == bytes([_INIT_TAG]):
        return decode(NegTokenInit, data)
    if data[:1] == bytes([_RESPONSE_TAG]):
        return decode(NegTokenResp, data)
    raise DecodeError(
        "NegotiationToken.tag", f"neither a NegTokenInit nor a NegTokenResp: {data[:1].hex()}", 0
    )


def encode_mech_types(mech_types: tuple[bytes, ...]) -> bytes:
    """The MechTypeList that a mechListMIC protects (RFC 4178 5)."""
    value = _MECH_TYPES.clone()
    value.clear()
    value.extend(mech_types)
    return der.to_der(value)
