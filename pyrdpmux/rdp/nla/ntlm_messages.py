"""The three NTLM messages and what is inside them (MS-NLMP 2.2), as they are on the wire.

Each message is a fixed header, whose (length, maximum, offset) triples point into a payload, where the parts
may lie in any order. What we write has the order of Windows; the offsets of absent parts, which receivers
ignore, are written as Windows writes them.
"""

from dataclasses import dataclass, replace
from typing import Final, Self

from pyrdpmux.rdp.nla.ntlm_av_pairs import AvPairs
from pyrdpmux.wire import OpenIntFlag, Reader, Writer, decode, encode

SIGNATURE: Final = b"NTLMSSP\0"
MESSAGE_NEGOTIATE: Final = 1
MESSAGE_CHALLENGE: Final = 2
MESSAGE_AUTHENTICATE: Final = 3

VERSION_SIZE: Final = 8
MIC_SIZE: Final = 16
#: Where the MIC of an AUTHENTICATE_MESSAGE is: behind signature, type, six triples, flags and version.
MIC_OFFSET: Final = 72
CHALLENGE_SIZE: Final = 8
PROOF_SIZE: Final = 16


class NegotiateFlags(OpenIntFlag):
    """NegotiateFlags of MS-NLMP 2.2.2.5."""

    UNICODE = 0x00000001
    OEM = 0x00000002
    REQUEST_TARGET = 0x00000004
    SIGN = 0x00000010
    SEAL = 0x00000020
    DATAGRAM = 0x00000040
    LM_KEY = 0x00000080
    NTLM = 0x00000200
    ANONYMOUS = 0x00000800
    OEM_DOMAIN_SUPPLIED = 0x00001000
    OEM_WORKSTATION_SUPPLIED = 0x00002000
    ALWAYS_SIGN = 0x00008000
    TARGET_TYPE_DOMAIN = 0x00010000
    TARGET_TYPE_SERVER = 0x00020000
    EXTENDED_SESSIONSECURITY = 0x00080000
    IDENTIFY = 0x00100000
    REQUEST_NON_NT_SESSION_KEY = 0x00400000
    TARGET_INFO = 0x00800000
    VERSION = 0x02000000
    NEGOTIATE_128 = 0x20000000
    KEY_EXCH = 0x40000000
    NEGOTIATE_56 = 0x80000000


@dataclass(frozen=True, slots=True)
class Version:
    """MS-NLMP 2.2.2.10 VERSION; for debugging only."""

    major: int = 10
    minor: int = 0
    build: int = 0
    ntlm_revision: int = 15

    @classmethod
    def read(cls, r: Reader) -> Self:
        major = r.u8("ProductMajorVersion")
        minor = r.u8("ProductMinorVersion")
        build = r.u16_le("ProductBuild")
        r.pad("Reserved", 3)
        return cls(major, minor, build, r.u8("NTLMRevisionCurrent"))

    def write(self, w: Writer) -> None:
        w.u8("ProductMajorVersion", self.major)
        w.u8("ProductMinorVersion", self.minor)
        w.u16_le("ProductBuild", self.build)
        w.pad("Reserved", 3)
        w.u8("NTLMRevisionCurrent", self.ntlm_revision)


@dataclass(frozen=True, slots=True)
class _Part:
    """One triple of the fixed header."""

    name: str
    length: int
    offset: int

    @classmethod
    def read(cls, r: Reader, name: str) -> Self:
        length = r.u16_le(f"{name}Len")
        r.pad(f"{name}MaxLen", 2)
        return cls(name, length, r.u32_le(f"{name}BufferOffset"))

    def slice(self, r: Reader, payload: bytes, base: int) -> bytes:
        """This part of the payload, which starts ``base`` bytes into the message."""
        if not self.length:
            return b""
        start = self.offset - base
        if start < 0 or start + self.length > len(payload):
            raise r.error(
                f"{self.name}BufferOffset",
                f"{self.length} bytes at {self.offset} are not inside the payload "
                f"({base} to {base + len(payload)})",
            )
        return payload[start : start + self.length]


def _read_header(r: Reader, message_type: int) -> None:
    signature = r.raw("Signature", len(SIGNATURE))
    if signature != SIGNATURE:
        raise r.error("Signature", f"{signature!r}, expected {SIGNATURE!r}")
    found = r.u32_le("MessageType")
    if found != message_type:
        raise r.error("MessageType", f"{found}, expected {message_type}")


def _write_header(w: Writer, message_type: int) -> None:
    w.raw("Signature", SIGNATURE)
    w.u32_le("MessageType", message_type)


def _room(r: Reader, parts: tuple[_Part, ...]) -> int:
    """How many bytes there are between here and the first part of the payload."""
    offsets = [part.offset for part in parts if part.length]
    return min([r.remaining, *[offset - r.position for offset in offsets]])


def _read_version(r: Reader, parts: tuple[_Part, ...]) -> Version | None:
    return r.structure(Version, "Version") if _room(r, parts) >= VERSION_SIZE else None


def _write_part(w: Writer, name: str, value: bytes, offset: int) -> int:
    """One triple; returns where the next part begins."""
    w.u16_le(f"{name}Len", len(value))
    w.u16_le(f"{name}MaxLen", len(value))
    w.u32_le(f"{name}BufferOffset", offset)
    return offset + len(value)


@dataclass(frozen=True, slots=True)
class NegotiateMessage:
    """MS-NLMP 2.2.1.1 NEGOTIATE_MESSAGE. Names are in the OEM character set."""

    flags: NegotiateFlags
    domain_name: bytes = b""
    workstation: bytes = b""
    version: Version | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_header(r, MESSAGE_NEGOTIATE)
        flags = NegotiateFlags(r.u32_le("NegotiateFlags"))
        domain = _Part.read(r, "DomainName")
        workstation = _Part.read(r, "Workstation")
        # Both triples are to be ignored unless the flags say that there is a name (MS-NLMP 2.2.1.1).
        if not flags & NegotiateFlags.OEM_DOMAIN_SUPPLIED:
            domain = replace(domain, length=0)
        if not flags & NegotiateFlags.OEM_WORKSTATION_SUPPLIED:
            workstation = replace(workstation, length=0)
        version = _read_version(r, (domain, workstation))
        base, payload = r.position, r.rest("Payload")
        return cls(flags, domain.slice(r, payload, base), workstation.slice(r, payload, base), version)

    def write(self, w: Writer) -> None:
        _write_header(w, MESSAGE_NEGOTIATE)
        w.u32_le("NegotiateFlags", self.flags)
        offset = 32 + (VERSION_SIZE if self.version else 0)
        after = _write_part(w, "DomainName", self.domain_name, offset if self.domain_name else 0)
        _write_part(w, "Workstation", self.workstation, (after or offset) if self.workstation else 0)
        if self.version:
            w.structure(self.version, "Version")
        w.raw("DomainName", self.domain_name)
        w.raw("WorkstationName", self.workstation)


@dataclass(frozen=True, slots=True)
class ChallengeMessage:
    """MS-NLMP 2.2.1.2 CHALLENGE_MESSAGE."""

    flags: NegotiateFlags
    server_challenge: bytes
    target_name: bytes = b""
    target_info: AvPairs | None = None
    version: Version | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_header(r, MESSAGE_CHALLENGE)
        name = _Part.read(r, "TargetName")
        flags = NegotiateFlags(r.u32_le("NegotiateFlags"))
        challenge = r.raw("ServerChallenge", CHALLENGE_SIZE)
        r.pad("Reserved", 8)
        info = _Part.read(r, "TargetInfo")
        version = _read_version(r, (name, info))
        base, payload = r.position, r.rest("Payload")
        info_data = info.slice(r, payload, base)
        pairs = decode(AvPairs, info_data) if info_data else None
        return cls(flags, challenge, name.slice(r, payload, base), pairs, version)

    def write(self, w: Writer) -> None:
        info = encode(self.target_info) if self.target_info else b""
        offset = 48 + (VERSION_SIZE if self.version else 0)
        _write_header(w, MESSAGE_CHALLENGE)
        after = _write_part(w, "TargetName", self.target_name, offset)
        w.u32_le("NegotiateFlags", self.flags)
        w.fixed("ServerChallenge", self.server_challenge, CHALLENGE_SIZE)
        w.pad("Reserved", 8)
        _write_part(w, "TargetInfo", info, after)
        if self.version:
            w.structure(self.version, "Version")
        w.raw("TargetName", self.target_name)
        w.raw("TargetInfo", info)


@dataclass(frozen=True, slots=True)
class AuthenticateMessage:
    """MS-NLMP 2.2.1.3 AUTHENTICATE_MESSAGE. Names are in the negotiated character set."""

    flags: NegotiateFlags
    domain_name: bytes
    user_name: bytes
    workstation: bytes = b""
    lm_challenge_response: bytes = b""
    nt_challenge_response: bytes = b""
    encrypted_random_session_key: bytes = b""
    version: Version | None = None
    mic: bytes | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_header(r, MESSAGE_AUTHENTICATE)
        parts = tuple([_Part.read(r, name) for name in _AUTHENTICATE_PARTS])
        flags = NegotiateFlags(r.u32_le("NegotiateFlags"))
        version = _read_version(r, parts)
        # Windows XP and the examples of MS-NLMP 4.2 have no MIC; their payload begins where it would be.
        has_mic = version is not None and _room(r, parts) >= MIC_SIZE
        mic = r.raw("MIC", MIC_SIZE) if has_mic else None
        base, payload = r.position, r.rest("Payload")
        lm, nt, domain, user, workstation, key = [part.slice(r, payload, base) for part in parts]
        return cls(flags, domain, user, workstation, lm, nt, key, version, mic)

    def write(self, w: Writer) -> None:
        lm, nt = self.lm_challenge_response, self.nt_challenge_response
        _write_header(w, MESSAGE_AUTHENTICATE)
        base = 64 + (VERSION_SIZE if self.version else 0) + (MIC_SIZE if self.mic is not None else 0)
        names = (self.domain_name, self.user_name, self.workstation)
        after_names = base + sum([len(name) for name in names])
        after = _write_part(w, "LmChallengeResponse", lm, after_names)
        after = _write_part(w, "NtChallengeResponse", nt, after)
        offset = base
        for part, value in zip(_AUTHENTICATE_PARTS[2:5], names, strict=True):
            offset = _write_part(w, part, value, offset)
        _write_part(w, "EncryptedRandomSessionKey", self.encrypted_random_session_key, after)
        w.u32_le("NegotiateFlags", self.flags)
        if self.version:
            w.structure(self.version, "Version")
        if self.mic is not None:
            if not self.version:
                raise w.error("MIC", "needs a Version in front of it")
            w.fixed("MIC", self.mic, MIC_SIZE)
        for value in (*names, lm, nt, self.encrypted_random_session_key):
            w.raw("Payload", value)


_AUTHENTICATE_PARTS: Final = (
    "LmChallengeResponse",
    "NtChallengeResponse",
    "DomainName",
    "UserName",
    "Workstation",
    "EncryptedRandomSessionKey",
)


@dataclass(frozen=True, slots=True)
class Ntlmv2Response:
    """MS-NLMP 2.2.2.8 NTLMv2_RESPONSE, with the NTLMv2_CLIENT_CHALLENGE of 2.2.2.7 inside."""

    proof: bytes
    timestamp: int
    client_challenge: bytes
    av_pairs: AvPairs

    @classmethod
    def read(cls, r: Reader) -> Self:
        proof = r.raw("Response", PROOF_SIZE)
        r.constant_u8("RespType", 1)
        r.constant_u8("HiRespType", 1)
        r.pad("Reserved1", 2)
        r.pad("Reserved2", 4)
        timestamp = r.u64_le("TimeStamp")
        challenge = r.raw("ChallengeFromClient", CHALLENGE_SIZE)
        r.pad("Reserved3", 4)
        pairs = r.structure(AvPairs, "AvPairs")
        # MS-NLMP 3.3.2 ends with Z(4); FreeRDP sends more zeros.
        r.pad("Z", r.remaining)
        return cls(proof, timestamp, challenge, pairs)

    def write(self, w: Writer) -> None:
        w.fixed("Response", self.proof, PROOF_SIZE)
        w.u8("RespType", 1)
        w.u8("HiRespType", 1)
        w.pad("Reserved1", 2)
        w.pad("Reserved2", 4)
        w.uint_le("TimeStamp", self.timestamp, 8)
        w.fixed("ChallengeFromClient", self.client_challenge, CHALLENGE_SIZE)
        w.pad("Reserved3", 4)
        w.structure(self.av_pairs, "AvPairs")
        w.pad("Z", 4)
