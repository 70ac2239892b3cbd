"""NTLM's two roles (MS-NLMP 3.1 and 3.2) over the messages and the cryptography of the files beside it.

A role is fed the peer's message by ``step`` and answers with its own; when it is complete it has a
``session`` that signs and seals. NTLMv1, anonymous logons and keys below 128 bit are refused.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pyrdpmux.errors import AuthenticationFailed, DecodeError, SequenceError, StateError
from pyrdpmux.rdp.crypto.rc4 import rc4
from pyrdpmux.rdp.nla.logon import AccountCheck, NtlmLogon, Proof
from pyrdpmux.rdp.nla.ntlm_av_pairs import AvFlags, AvId, AvPair, AvPairs, Number
from pyrdpmux.rdp.nla.ntlm_messages import (
    CHALLENGE_SIZE,
    MIC_OFFSET,
    MIC_SIZE,
    PROOF_SIZE,
    AuthenticateMessage,
    ChallengeMessage,
    NegotiateFlags,
    NegotiateMessage,
    Ntlmv2Response,
    Version,
)
from pyrdpmux.rdp.nla.ntlm_session import (
    NtlmSession,
    message_integrity,
    nt_proof,
    response_key,
    session_base_key,
)
from pyrdpmux.wire import decode, encode

Entropy = Callable[[int], bytes]

KEY_SIZE: Final = 16
#: NTLM messages have a few hundred bytes; what we answer to one of this size still fits 16-bit lengths.
MAX_MESSAGE_SIZE: Final = 0x4000
#: NTLMv1's response has 24 bytes, NTLMv2's is longer (MS-NLMP 3.2.5.1.2).
NTLM_V1_RESPONSE_SIZE: Final = 24
NO_CHANNEL_BINDINGS: Final = bytes(16)

REQUIRED_FLAGS: Final = (
    NegotiateFlags.UNICODE
    | NegotiateFlags.NTLM
    | NegotiateFlags.EXTENDED_SESSIONSECURITY
    | NegotiateFlags.NEGOTIATE_128
)
OFFERED_FLAGS: Final = (
    REQUIRED_FLAGS
    | NegotiateFlags.REQUEST_TARGET
    | NegotiateFlags.SIGN
    | NegotiateFlags.SEAL
    | NegotiateFlags.ALWAYS_SIGN
    | NegotiateFlags.VERSION
    | NegotiateFlags.KEY_EXCH
    | NegotiateFlags.NEGOTIATE_56
)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-le", "surrogatepass")


def _text(field: str, data: bytes) -> str:
    if len(data) % 2:
        raise DecodeError(f"AuthenticateMessage.{field}", f"{len(data)} bytes of UTF-16", 0)
    return data.decode("utf-16-le", "surrogatepass")


def _bounded(data: bytes) -> bytes:
    if len(data) > MAX_MESSAGE_SIZE:
        raise DecodeError("NTLM", f"{len(data)} bytes, at most {MAX_MESSAGE_SIZE} allowed", 0)
    return data


@dataclass(frozen=True, slots=True)
class ServerNames:
    """Who the server says it is in its CHALLENGE_MESSAGE; Windows demands the two NetBIOS names."""

    computer: str
    domain: str = ""
    dns_computer: str = ""
    dns_domain: str = ""

    def target_info(self, now_filetime: int) -> AvPairs:
        names = (
            (AvId.NB_DOMAIN_NAME, self.domain or self.computer),
            (AvId.NB_COMPUTER_NAME, self.computer),
            (AvId.DNS_DOMAIN_NAME, self.dns_domain),
            (AvId.DNS_COMPUTER_NAME, self.dns_computer or self.computer),
        )
        pairs = [AvPair(av_id, _utf16(name)) for av_id, name in names]
        return AvPairs((*pairs, AvPair(AvId.TIMESTAMP, encode(Number(now_filetime, 8)))))


def _require_flags(flags: NegotiateFlags) -> None:
    missing = NegotiateFlags(REQUIRED_FLAGS & (flags ^ 0xFFFFFFFF))
    if missing:
        raise AuthenticationFailed(f"NTLM without {missing.name}, which is required here")


def _clear_mic(message: bytes) -> bytes:
    return message[:MIC_OFFSET] + bytes(MIC_SIZE) + message[MIC_OFFSET + MIC_SIZE :]


class _Role:
    """What both roles come to: a session, and whether a MIC protects the messages that led there."""

    def __init__(self, user: str, domain: str) -> None:
        self._user = user
        self._domain = domain
        self._phase = "negotiate"
        self._session: NtlmSession | None = None
        self._has_mic = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._phase} user={self._user!r} domain={self._domain!r}>"

    @property
    def is_complete(self) -> bool:
        return self._phase == "complete"

    @property
    def session(self) -> NtlmSession:
        if self._session is None:
            raise StateError(f"NTLM {self._phase}", "use of the session")
        return self._session

    @property
    def has_mic(self) -> bool:
        """The client protected its messages by a MIC, so SPNEGO must protect the mechanism list too."""
        return self._has_mic


@dataclass(frozen=True, slots=True)
class _Claim:
    """An AUTHENTICATE_MESSAGE that waits for the answer whether its response is right."""

    logon: NtlmLogon
    token: bytes
    flags: NegotiateFlags
    pairs: AvPairs
    encrypted_random_session_key: bytes
    mic: bytes | None


class NtlmServer(_Role):
    """MS-NLMP 3.2: feed NEGOTIATE, send CHALLENGE, feed AUTHENTICATE.

    ``accounts`` says at once whether the client knows its password. Without it the role stops at ``logon``
    until it gets an ``answer``: of hashes it sees nothing, either way.

    ``channel_bindings`` is the value that a client bound to our certificate sends
    (`certificate.channel_bindings`): another one is refused, none at all is accepted.
    """

    def __init__(
        self,
        names: ServerNames,
        accounts: AccountCheck | None,
        now_filetime: int,
        entropy: Entropy,
        channel_bindings: bytes | None = None,
    ) -> None:
        super().__init__("", "")
        self._names = names
        self._accounts = accounts
        self._now_filetime = now_filetime
        self._entropy = entropy
        self._channel_bindings = channel_bindings
        self._messages: list[bytes] = []
        self._challenge: ChallengeMessage | None = None
        self._claim: _Claim | None = None
        self._proof: Proof | None = None

    @property
    def user(self) -> str:
        """The name as the client spelled it."""
        return self._user

    @property
    def domain(self) -> str:
        return self._domain

    @property
    def logon(self) -> NtlmLogon | None:
        """What waits for an ``answer``."""
        return self._claim.logon if self._claim is not None else None

    @property
    def proof(self) -> Proof | None:
        """Who it is, once that is proved."""
        return self._proof

    def step(self, token: bytes) -> bytes:
        """Our answer to the client's next message, empty after the last. Raises PeerError."""
        phase, self._phase = self._phase, "failed"
        if phase == "negotiate":
            return self._on_negotiate(_bounded(token))
        if phase == "authenticate":
            self._on_authenticate(_bounded(token))
            return b""
        raise SequenceError(f"NTLM {phase}", "another message")

    def _on_negotiate(self, token: bytes) -> bytes:
        message = decode(NegotiateMessage, token)
        _require_flags(message.flags)
        flags = message.flags & OFFERED_FLAGS | (
            NegotiateFlags.TARGET_INFO | NegotiateFlags.TARGET_TYPE_SERVER | NegotiateFlags.REQUEST_TARGET
        )
        self._challenge = ChallengeMessage(
            flags,
            self._entropy(CHALLENGE_SIZE),
            _utf16(self._names.computer),
            self._names.target_info(self._now_filetime),
            Version(),
        )
        answer = encode(self._challenge)
        self._messages += [token, answer]
        self._phase = "authenticate"
        return answer

    def _on_authenticate(self, token: bytes) -> None:
        message = decode(AuthenticateMessage, token)
        challenge = self._challenge
        if challenge is None:
            raise StateError("NTLM", "AUTHENTICATE without CHALLENGE")
        flags = message.flags & challenge.flags
        _require_flags(flags)
        self._user = _text("UserName", message.user_name)
        self._domain = _text("DomainName", message.domain_name)
        if not message.nt_challenge_response:
            raise AuthenticationFailed("an anonymous logon, which is not allowed")
        if len(message.nt_challenge_response) <= NTLM_V1_RESPONSE_SIZE:
            raise AuthenticationFailed("NTLMv1, which is not allowed")
        response = decode(Ntlmv2Response, message.nt_challenge_response)
        logon = NtlmLogon(self._user, self._domain, challenge.server_challenge, message.nt_challenge_response)
        self._claim = _Claim(
            logon, token, flags, response.av_pairs, message.encrypted_random_session_key, message.mic
        )
        self._phase = "proof"
        if self._accounts is not None:
            self.answer(self._accounts.check(logon))

    def answer(self, proof: Proof | None) -> None:
        """The answer to ``logon``: go on with its session key. Raises AuthenticationFailed for None."""
        claim, self._claim = self._claim, None
        if claim is None:
            raise StateError(f"NTLM {self._phase}", "an answer to no question")
        self._phase = "failed"
        if proof is None:
            raise AuthenticationFailed(f"unknown user or wrong password for {self._user!r}")
        self._check_channel_bindings(claim.pairs)
        exported = _exported_key(proof.session_base_key, claim.flags, claim.encrypted_random_session_key)
        self._has_mic = bool(claim.pairs.flags & AvFlags.MIC_PRESENT)
        if self._has_mic:
            self._check_mic(exported, claim.token, claim.mic)
        self._session = NtlmSession(exported, claim.flags, is_client=False)
        self._proof = proof
        self._phase = "complete"

    def _check_channel_bindings(self, pairs: AvPairs) -> None:
        given = pairs.get(AvId.CHANNEL_BINDINGS)
        if self._channel_bindings is None or given is None or given == NO_CHANNEL_BINDINGS:
            return
        if not hmac.compare_digest(given, self._channel_bindings):
            raise AuthenticationFailed("the channel bindings are those of another TLS connection")

    def _check_mic(self, exported_session_key: bytes, token: bytes, mic: bytes | None) -> None:
        if mic is None:
            raise AuthenticationFailed("the MIC is missing although the client announced it")
        expected = message_integrity(exported_session_key, *self._messages, _clear_mic(token))
        if not hmac.compare_digest(expected, mic):
            raise AuthenticationFailed("the MIC over the NTLM messages is wrong")


def _exported_key(base_key: bytes, flags: NegotiateFlags, encrypted: bytes) -> bytes:
    """MS-NLMP 3.2.5.1.2: the key that the client chose, or the base key itself."""
    if not flags & NegotiateFlags.KEY_EXCH:
        return base_key
    if len(encrypted) != KEY_SIZE:
        raise AuthenticationFailed(f"a session key of {len(encrypted)} bytes, expected {KEY_SIZE}")
    return rc4(base_key).update(encrypted)


class NtlmClient(_Role):
    """MS-NLMP 3.1: ``step(b"")`` gives NEGOTIATE, ``step(challenge)`` gives AUTHENTICATE."""

    def __init__(
        self,
        user: str,
        domain: str,
        nt_hash: bytes,
        now_filetime: int,
        entropy: Entropy,
        *,
        workstation: str = "",
        target_name: str = "",
        channel_bindings: bytes = NO_CHANNEL_BINDINGS,
        flags: NegotiateFlags = OFFERED_FLAGS,
    ) -> None:
        super().__init__(user, domain)
        self._nt_hash = nt_hash
        self._now_filetime = now_filetime
        self._entropy = entropy
        self._workstation = workstation
        self._target_name = target_name
        self._channel_bindings = channel_bindings
        self._flags = flags
        self._negotiate = b""

    def step(self, token: bytes) -> bytes:
        """Our next message, given the server's (none for the first). Raises PeerError."""
        phase, self._phase = self._phase, "failed"
        if phase == "negotiate":
            self._negotiate = encode(NegotiateMessage(self._flags, version=Version()))
            self._phase = "challenge"
            return self._negotiate
        if phase == "challenge":
            return self._on_challenge(_bounded(token))
        raise SequenceError(f"NTLM {phase}", "another message")

    def _on_challenge(self, token: bytes) -> bytes:
        challenge = decode(ChallengeMessage, token)
        flags = challenge.flags & (self._flags | NegotiateFlags.TARGET_INFO)
        _require_flags(flags)
        offered = challenge.target_info or AvPairs()
        pairs = self._answer_pairs(offered)
        timestamp = offered.timestamp
        response = Ntlmv2Response(
            bytes(PROOF_SIZE),
            self._now_filetime if timestamp is None else timestamp,
            self._entropy(CHALLENGE_SIZE),
            pairs,
        )
        key = response_key(self._nt_hash, self._user, self._domain)
        client_part = encode(response)[PROOF_SIZE:]
        proof = nt_proof(key, challenge.server_challenge, client_part)
        base_key = session_base_key(key, proof)
        exported, encrypted = base_key, b""
        if flags & NegotiateFlags.KEY_EXCH:
            exported = self._entropy(KEY_SIZE)
            encrypted = rc4(base_key).update(exported)
        message = AuthenticateMessage(
            flags,
            _utf16(self._domain),
            _utf16(self._user),
            _utf16(self._workstation),
            # MS-NLMP 3.1.5.1.2: Z(24) where the server sent a time, and every server does.
            bytes(NTLM_V1_RESPONSE_SIZE),
            proof + client_part,
            encrypted,
            Version(),
            bytes(MIC_SIZE),
        )
        if self._has_mic:
            mic = message_integrity(exported, self._negotiate, token, encode(message))
            message = replace(message, mic=mic)
        self._session = NtlmSession(exported, flags, is_client=True)
        self._phase = "complete"
        return encode(message)

    def _answer_pairs(self, offered: AvPairs) -> AvPairs:
        pairs = offered
        if offered.timestamp is not None:
            self._has_mic = True
            pairs = pairs.with_flags(offered.flags | AvFlags.MIC_PRESENT)
        pairs = pairs.with_value(AvId.CHANNEL_BINDINGS, self._channel_bindings)
        return pairs.with_value(AvId.TARGET_NAME, _utf16(self._target_name))
