"""CredSSP's two roles (MS-CSSP 3.1.5): plain text in, plain text out, inside an established TLS connection.

The server's exchange: negoTokens until SPNEGO or NTLM is done; the client's pubKeyAuth proves that it sees
our certificate, ours that we know the password; the client's authInfo delegates its credentials.
"""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final, Protocol

from pyrdpmux.errors import AuthenticationFailed, PeerError, SequenceError, StateError
from pyrdpmux.rdp.crypto.md4 import nt_hash
from pyrdpmux.rdp.nla.early_user_auth import EarlyUserAuthResult
from pyrdpmux.rdp.nla.logon import AccountCheck, NtlmLogon, Proof
from pyrdpmux.rdp.nla.ntlm import Entropy, NtlmClient, NtlmServer, ServerNames
from pyrdpmux.rdp.nla.ntlm_session import NtlmSession
from pyrdpmux.rdp.nla.spnego import SpnegoServer
from pyrdpmux.rdp.nla.ts_request import CredentialType, TSCredentials, TSPasswordCreds, TSRequest
from pyrdpmux.wire import decode, encode
from pyrdpmux.wire.der import FRAME_HEADER_SIZE, frame_size

__all__ = ["CredSspClient", "CredSspServer", "EarlyUserAuthResult", "Negotiation", "take_ts_request"]

MAX_VERSION: Final = 6
MIN_VERSION: Final = 2
#: The versions that know errorCode (MS-CSSP 2.2.1): all from 3 on but 5.
_ERROR_CODE_VERSIONS: Final = frozenset({3, 4, 6})
#: From this version on the public key goes as a hash with a nonce.
_NONCE_VERSION: Final = 5
NONCE_SIZE: Final = 32

_SECONDS_1601_TO_1970: Final = 11_644_473_600
STATUS_NOT_SUPPORTED: Final = 0xC00000BB

_TO_SERVER: Final = b"CredSSP Client-To-Server Binding Hash\0"
_TO_CLIENT: Final = b"CredSSP Server-To-Client Binding Hash\0"


class Negotiation(Protocol):
    """A client role that makes and takes negoTokens: `NtlmClient` (bare) or `SpnegoClient`."""

    @property
    def is_complete(self) -> bool: ...

    @property
    def session(self) -> NtlmSession: ...

    def step(self, token: bytes) -> bytes: ...


def filetime(seconds: float) -> int:
    """MS-DTYP 2.3.3 FILETIME of seconds since 1970: 100 ns since 1601."""
    return int((seconds + _SECONDS_1601_TO_1970) * 10_000_000)


def take_ts_request(buffer: bytearray) -> bytes | None:
    """Remove the first complete TSRequest from ``buffer``; None while it is incomplete. Raises PeerError."""
    size = frame_size(bytes(buffer[:FRAME_HEADER_SIZE]))
    if size is None or len(buffer) < size:
        return None
    frame = bytes(buffer[:size])
    del buffer[:size]
    return frame


def _hash(magic: bytes, nonce: bytes, public_key: bytes) -> bytes:
    return hashlib.sha256(magic + nonce + public_key).digest()


def _echo(public_key: bytes) -> bytes:
    """MS-CSSP 3.1.5 versions 2 to 4: the first byte plus one."""
    return bytes([(public_key[0] + 1) & 0xFF]) + public_key[1:]


class _Role:
    """What both roles do with bytes; a subclass takes one TSRequest after the other."""

    def __init__(self, max_version: int) -> None:
        self._max_version = max_version
        self._input = bytearray()
        self._output = bytearray()
        self._phase = "negotiation"
        self._version = 0

    @property
    def is_complete(self) -> bool:
        return self._phase == "complete"

    @property
    def version(self) -> int:
        """The version in use, 0 before the peer's first message."""
        return self._version

    def trailing_data(self) -> bytes:
        """What followed the peer's last TSRequest, which is RDP already; handed out once."""
        rest = bytes(self._input)
        self._input.clear()
        return rest

    def data_to_send(self) -> bytes:
        data = bytes(self._output)
        self._output.clear()
        return data

    def receive_data(self, data: bytes) -> None:
        """Take plain text from the peer. Raises PeerError, AuthenticationFailed among them."""
        if self._phase == "failed":
            raise SequenceError("CredSSP failed", "more data")
        self._input += data
        try:
            self._work_off()
        except PeerError:
            self._phase = "failed"
            raise

    def _work_off(self) -> None:
        """Everything that is complete, as far as it can be taken now."""
        while self._takes_requests and (frame := take_ts_request(self._input)) is not None:
            self._on_request(decode(TSRequest, frame))

    @property
    def _takes_requests(self) -> bool:
        return self._phase != "complete"

    def _send(self, request: TSRequest) -> None:
        self._output += encode(request)

    def _on_request(self, request: TSRequest) -> None:
        raise NotImplementedError


class CredSspServer(_Role):
    """The server role. After an exception ``data_to_send`` may hold what tells the client why.

    ``public_key`` is `Certificate.public_key_der` of the TLS connection around this exchange, ``wall_clock``
    gives seconds since 1970. Without ``accounts`` the exchange halts at ``logon`` until it has an ``answer``.
    """

    def __init__(
        self,
        accounts: AccountCheck | None,
        public_key: bytes,
        target_name: str,
        wall_clock: Callable[[], float],
        entropy: Entropy,
        *,
        channel_bindings: bytes | None = None,
        max_version: int = MAX_VERSION,
        min_version: int = MIN_VERSION,
    ) -> None:
        super().__init__(max_version)
        names = ServerNames(target_name)
        now = filetime(wall_clock())
        self._spnego = SpnegoServer(NtlmServer(names, accounts, now, entropy, channel_bindings))
        self._public_key = public_key
        self._min_version = min_version
        self._credentials: TSCredentials | None = None
        #: what ``logon`` came in
        self._held: TSRequest | None = None

    def __repr__(self) -> str:
        return f"<CredSspServer {self._phase} version={self._version} {self._spnego!r}>"

    @property
    def user(self) -> str:
        """Who logged on, as the client spelled it."""
        return self._spnego.user

    @property
    def domain(self) -> str:
        return self._spnego.domain

    @property
    def credentials(self) -> TSCredentials | None:
        """What the client delegated; its names and password are claims that nobody has checked."""
        return self._credentials

    @property
    def logon(self) -> NtlmLogon | None:
        """What waits for an ``answer``; until then nothing more is taken."""
        return self._spnego.logon

    @property
    def proof(self) -> Proof | None:
        """Who it is, once that is proved."""
        return self._spnego.proof

    def receive_data(self, data: bytes) -> None:
        try:
            super().receive_data(data)
        except AuthenticationFailed as error:
            self._announce(error.nt_status)
            raise

    def answer(self, proof: Proof | None) -> None:
        """The answer to ``logon``. Raises PeerError like ``receive_data``: for a wrong password too."""
        request, self._held = self._held, None
        if request is None:
            raise StateError(f"CredSSP {self._phase}", "an answer to no question")
        try:
            self._on_token(self._spnego.answer(proof), request)
            self._work_off()
        except PeerError as error:
            self._phase = "failed"
            if isinstance(error, AuthenticationFailed):
                self._announce(error.nt_status)
            raise

    @property
    def _takes_requests(self) -> bool:
        return super()._takes_requests and self._held is None

    def _announce(self, nt_status: int) -> None:
        """MS-CSSP 3.1.5: the client shows this status; clients of other versions see the connection end."""
        if self._version in _ERROR_CODE_VERSIONS:
            self._send(TSRequest(self._max_version, error_code=nt_status))

    # -- the exchange ----------------------------------------------------------------------------

    def _on_request(self, request: TSRequest) -> None:
        if not self._version:
            self._version = min(request.version, self._max_version)
            if self._version < self._min_version:
                raise AuthenticationFailed(
                    f"CredSSP version {request.version}, at least {self._min_version} is required",
                    STATUS_NOT_SUPPORTED,
                )
        if request.error_code is not None:
            raise AuthenticationFailed(f"the client gives up with status {request.error_code:#010x}")
        if self._phase == "credentials":
            self._on_credentials(request)
        else:
            self._on_negotiation(request)

    def _on_negotiation(self, request: TSRequest) -> None:
        token = b""
        if not self._spnego.is_complete:
            if request.nego_token is None:
                raise SequenceError("CredSSP negotiation", "a TSRequest without negoTokens", ("negoTokens",))
            token = self._spnego.step(request.nego_token)
        if self.logon is not None:
            self._held = request
            return
        self._on_token(token, request)

    def _on_token(self, token: bytes, request: TSRequest) -> None:
        """``token`` is our answer to the one in ``request``, and may be the last."""
        answer = (token,) if token else ()
        if not self._spnego.is_complete or (answer and request.pub_key_auth is None):
            self._send(TSRequest(self._max_version, nego_tokens=answer))
            return
        if request.pub_key_auth is None:
            raise SequenceError("CredSSP negotiation", "a TSRequest without pubKeyAuth", ("pubKeyAuth",))
        # Clients differ: Windows and pyspnego send pubKeyAuth with their last token and find our last
        # one beside our pubKeyAuth; FreeRDP waits for it and sends pubKeyAuth on its own.
        proof = self._check_public_key(request.pub_key_auth, request.client_nonce)
        self._send(TSRequest(self._max_version, nego_tokens=answer, pub_key_auth=proof))
        self._phase = "credentials"

    def _check_public_key(self, sealed: bytes, nonce: bytes | None) -> bytes:
        """Check the client's pubKeyAuth and make ours (MS-CSSP 3.1.5 steps 3 and 4)."""
        session = self._spnego.session
        if self._version >= _NONCE_VERSION:
            if nonce is None or len(nonce) != NONCE_SIZE:
                raise AuthenticationFailed(f"CredSSP version {self._version} without a clientNonce")
            expected = _hash(_TO_SERVER, nonce, self._public_key)
            ours = _hash(_TO_CLIENT, nonce, self._public_key)
        else:
            expected, ours = self._public_key, _echo(self._public_key)
        if not hmac.compare_digest(session.unwrap(sealed), expected):
            raise AuthenticationFailed("the client sees another certificate than ours")
        return session.wrap(ours)

    def _on_credentials(self, request: TSRequest) -> None:
        if request.auth_info is None:
            raise SequenceError("CredSSP credentials", "a TSRequest without authInfo", ("authInfo",))
        self._credentials = decode(TSCredentials, self._spnego.session.unwrap(request.auth_info))
        self._phase = "complete"


class CredSspClient(_Role):
    """The client role, over bare NTLM (as FreeRDP and mstsc do without Kerberos) or ``negotiation``.

    ``credentials`` are what is delegated where that is not the password, such as in restricted admin mode.
    """

    def __init__(
        self,
        user: str,
        domain: str,
        password: str,
        public_key: bytes,
        wall_clock: Callable[[], float],
        entropy: Entropy,
        *,
        negotiation: Negotiation | None = None,
        credentials: TSCredentials | None = None,
        max_version: int = MAX_VERSION,
    ) -> None:
        super().__init__(max_version)
        if negotiation is None:
            negotiation = NtlmClient(user, domain, nt_hash(password), filetime(wall_clock()), entropy)
        self._negotiation = negotiation
        self._public_key = public_key
        self._credentials = credentials or TSCredentials(
            CredentialType.PASSWORD, TSPasswordCreds(domain, user, password)
        )
        self._nonce = entropy(NONCE_SIZE)
        self._send(TSRequest(max_version, nego_tokens=(negotiation.step(b""),)))

    def __repr__(self) -> str:
        return f"<CredSspClient {self._phase} version={self._version} {self._negotiation!r}>"

    def _on_request(self, request: TSRequest) -> None:
        if request.error_code is not None:
            raise AuthenticationFailed(
                f"the server refuses the logon with status {request.error_code:#010x}", request.error_code
            )
        self._version = self._version or min(request.version, self._max_version)
        if self._phase == "public key":
            self._on_public_key(request)
        else:
            self._on_token(request)

    def _on_token(self, request: TSRequest) -> None:
        if request.nego_token is None:
            raise SequenceError("CredSSP negotiation", "a TSRequest without negoTokens", ("negoTokens",))
        token = self._negotiation.step(request.nego_token)
        tokens = (token,) if token else ()
        if not self._negotiation.is_complete:
            self._send(TSRequest(self._max_version, nego_tokens=tokens))
            return
        has_nonce = self._version >= _NONCE_VERSION
        key = self._public_key
        sealed = self._negotiation.session.wrap(_hash(_TO_SERVER, self._nonce, key) if has_nonce else key)
        self._send(
            TSRequest(
                self._max_version,
                nego_tokens=tokens,
                pub_key_auth=sealed,
                client_nonce=self._nonce if has_nonce else None,
            )
        )
        self._phase = "public key"

    def _on_public_key(self, request: TSRequest) -> None:
        if request.pub_key_auth is None:
            raise SequenceError("CredSSP public key", "a TSRequest without pubKeyAuth", ("pubKeyAuth",))
        session = self._negotiation.session
        has_nonce = self._version >= _NONCE_VERSION
        key = self._public_key
        expected = _hash(_TO_CLIENT, self._nonce, key) if has_nonce else _echo(key)
        if not hmac.compare_digest(session.unwrap(request.pub_key_auth), expected):
            raise AuthenticationFailed("the server's pubKeyAuth is not for its certificate")
        self._send(TSRequest(self._max_version, auth_info=session.wrap(encode(self._credentials))))
        self._phase = "complete"
