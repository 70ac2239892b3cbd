"""SPNEGO's two roles (RFC 4178, MS-SPNG) with NTLM as the only mechanism behind them.

A server that is fed a bare NTLM message instead of a SPNEGO token goes on with bare NTLM.
QUIRK(mstsc, FreeRDP): both put NTLMSSP without SPNEGO into CredSSP's negoTokens where NTLM is all they have.
"""

from typing import Final

from pyrdpmux.errors import AuthenticationFailed, SequenceError
from pyrdpmux.rdp.nla.logon import NtlmLogon, Proof
from pyrdpmux.rdp.nla.ntlm import NtlmClient, NtlmServer
from pyrdpmux.rdp.nla.ntlm_messages import SIGNATURE as NTLM_SIGNATURE
from pyrdpmux.rdp.nla.ntlm_session import NtlmSession
from pyrdpmux.rdp.nla.spnego_tokens import (
    MECH_NTLM,
    NegState,
    NegTokenInit,
    NegTokenResp,
    decode_token,
    encode_mech_types,
)
from pyrdpmux.wire import encode

_NTLM_ONLY: Final = (MECH_NTLM,)


class SpnegoServer:
    """RFC 4178 acceptor: ``step`` takes the client's token and returns ours, empty if there is none.

    Where the NTLM role waits for an answer to its ``logon``, so does this one.
    """

    def __init__(self, ntlm: NtlmServer) -> None:
        self._ntlm = ntlm
        self._phase = "start"
        self._mech_types = b""
        self._needs_mic = False
        self._is_bare = False
        self._their_mic: bytes | None = None

    def __repr__(self) -> str:
        return f"<SpnegoServer {self._phase} {self._ntlm!r}>"

    @property
    def is_complete(self) -> bool:
        return self._phase == "complete"

    @property
    def session(self) -> NtlmSession:
        return self._ntlm.session

    @property
    def user(self) -> str:
        return self._ntlm.user

    @property
    def domain(self) -> str:
        return self._ntlm.domain

    @property
    def logon(self) -> NtlmLogon | None:
        """What waits for an ``answer``."""
        return self._ntlm.logon

    @property
    def proof(self) -> Proof | None:
        """Who it is, once that is proved."""
        return self._ntlm.proof

    def step(self, token: bytes) -> bytes:
        """Raises PeerError; AuthenticationFailed for a wrong password."""
        phase, self._phase = self._phase, "failed"
        if phase in ("start", "bare") and token.startswith(NTLM_SIGNATURE):
            return self._on_bare_ntlm(token)
        message = decode_token(token)
        if phase == "start" and isinstance(message, NegTokenInit):
            return self._on_init(message)
        if phase == "exchange" and isinstance(message, NegTokenResp):
            return self._on_response(message)
        raise SequenceError(f"SPNEGO {phase}", type(message).__name__)

    def answer(self, proof: Proof | None) -> bytes:
        """The answer to ``logon``; our last token, empty if there is none. Raises AuthenticationFailed."""
        self._phase = "failed"
        self._ntlm.answer(proof)
        return self._complete()

    def _complete(self) -> bytes:
        """NTLM is done: so are we, once the MICs are."""
        if self._is_bare:
            self._phase = "complete"
            return b""
        mic = self._exchange_mics(self._their_mic)
        self._phase = "complete"
        return encode(NegTokenResp(NegState.ACCEPT_COMPLETED, mech_list_mic=mic))

    def _on_bare_ntlm(self, token: bytes) -> bytes:
        self._is_bare = True
        answer = self._ntlm.step(token)
        if self._ntlm.is_complete:
            return self._complete()
        self._phase = "bare" if self.logon is None else "proof"
        return answer

    def _on_init(self, message: NegTokenInit) -> bytes:
        if MECH_NTLM not in message.mech_types:
            offered = ", ".join([mech.hex() for mech in message.mech_types])
            raise AuthenticationFailed(f"the client does not offer NTLM, only {offered}")
        self._mech_types = encode_mech_types(message.mech_types)
        is_preferred = message.mech_types[0] == MECH_NTLM
        # RFC 4178 5 (c): another choice than the client's first must be protected by mechListMICs. The
        # optimistic token is for the mechanism that we did not take.
        self._needs_mic = not is_preferred
        answer = self._ntlm.step(message.mech_token) if is_preferred and message.mech_token else None
        self._phase = "exchange"
        state = NegState.ACCEPT_INCOMPLETE if is_preferred else NegState.REQUEST_MIC
        return encode(NegTokenResp(state, MECH_NTLM, answer))

    def _on_response(self, message: NegTokenResp) -> bytes:
        if message.neg_state == NegState.REJECT:
            raise AuthenticationFailed("the client rejects the negotiation")
        self._their_mic = message.mech_list_mic
        answer = self._ntlm.step(message.response_token or b"")
        if self._ntlm.is_complete:
            return self._complete()
        if self.logon is not None:
            self._phase = "proof"
            return b""
        self._phase = "exchange"
        return encode(NegTokenResp(NegState.ACCEPT_INCOMPLETE, response_token=answer))

    def _exchange_mics(self, theirs: bytes | None) -> bytes | None:
        if theirs is None:
            if self._needs_mic:
                raise AuthenticationFailed("the list of mechanisms is not protected by a mechListMIC")
            return None
        self.session.verify_mech_list(self._mech_types, theirs)
        return self.session.sign_mech_list(self._mech_types)


class SpnegoClient:
    """RFC 4178 initiator: ``step(b"")`` gives the first token.

    With other ``mech_types`` than NTLM alone it plays a client that would rather have another mechanism and
    sends ``optimistic_token`` for that.
    """

    def __init__(
        self,
        ntlm: NtlmClient,
        mech_types: tuple[bytes, ...] = _NTLM_ONLY,
        optimistic_token: bytes | None = None,
    ) -> None:
        self._ntlm = ntlm
        self._offer = mech_types
        self._optimistic_token = optimistic_token
        self._mech_types = encode_mech_types(mech_types)
        self._phase = "start"
        self._mic_is_sent = False

    def __repr__(self) -> str:
        return f"<SpnegoClient {self._phase} {self._ntlm!r}>"

    @property
    def is_complete(self) -> bool:
        return self._phase == "complete"

    @property
    def session(self) -> NtlmSession:
        return self._ntlm.session

    def step(self, token: bytes) -> bytes:
        """Our token for the server's, empty if there is none. Raises PeerError."""
        phase, self._phase = self._phase, "failed"
        if phase == "start":
            is_preferred = self._offer[0] == MECH_NTLM
            first = self._ntlm.step(b"") if is_preferred else self._optimistic_token
            self._phase = "exchange" if is_preferred else "choice"
            return encode(NegTokenInit(self._offer, first))
        message = decode_token(token)
        if not isinstance(message, NegTokenResp) or phase not in ("choice", "exchange", "final"):
            raise SequenceError(f"SPNEGO {phase}", type(message).__name__)
        if message.neg_state == NegState.REJECT:
            raise AuthenticationFailed("the server rejects the negotiation")
        if phase == "final":
            return self._on_final(message)
        return self._on_response(message)

    def _on_response(self, message: NegTokenResp) -> bytes:
        if message.supported_mech not in (None, MECH_NTLM):
            raise AuthenticationFailed("the server chose a mechanism that is not NTLM")
        answer = self._ntlm.step(message.response_token or b"")
        if not self._ntlm.is_complete:
            self._phase = "exchange"
            return encode(NegTokenResp(response_token=answer))
        # MS-SPNG 3.1.5.1: NTLM with a MIC of its own goes with a mechListMIC.
        self._mic_is_sent = self._ntlm.has_mic or self._offer[0] != MECH_NTLM
        mic = self.session.sign_mech_list(self._mech_types) if self._mic_is_sent else None
        self._phase = "final"
        return encode(NegTokenResp(response_token=answer, mech_list_mic=mic))

    def _on_final(self, message: NegTokenResp) -> bytes:
        if message.neg_state != NegState.ACCEPT_COMPLETED:
            raise AuthenticationFailed("the server does not complete the negotiation")
        if message.mech_list_mic is not None:
            self.session.verify_mech_list(self._mech_types, message.mech_list_mic)
        elif self._mic_is_sent:
            raise AuthenticationFailed("the server's mechListMIC is missing")
        self._phase = "complete"
        return b""
