"""The client's side of a licensing exchange (MS-RDPELE 3.3): messages in, answers out, no transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pyrdpmux.errors import DecodeError, LicensingFailed, LimitExceeded, SequenceError
from pyrdpmux.rdp.licensing.keys import PRE_MASTER_SECRET_SIZE, InvalidMac, LicensingKeys
from pyrdpmux.rdp.licensing.store import LicenseStore
from pyrdpmux.rdp.pdu.licensing import LicensingMessage
from pyrdpmux.rdp.pdu.licensing.blob import RANDOM_SIZE, BlobType, LicenseBlob
from pyrdpmux.rdp.pdu.licensing.challenge import (
    ClientHardwareId,
    PlatformChallenge,
    PlatformChallengeResponse,
    PlatformChallengeResponseData,
)
from pyrdpmux.rdp.pdu.licensing.error import LicenseError, LicenseErrorCode, StateTransition
from pyrdpmux.rdp.pdu.licensing.license import NewLicense, NewLicenseInfo, UpgradeLicense
from pyrdpmux.rdp.pdu.licensing.request import LicenseInformation, NewLicenseRequest, ServerLicenseRequest
from pyrdpmux.rdp.standard_security.server_certificate import public_key_of_server
from pyrdpmux.wire import decode, encode

PLATFORM_ID: Final = 0x04010000
"""CLIENT_OS_ID_WINNT_POST_52 and CLIENT_IMAGE_ID_MICROSOFT (2.2.2.2): what FreeRDP says of itself, too."""

MAX_MESSAGES: Final = 8
"""An exchange takes four; a server that resets it or has messages repeated is put up with twice."""

MAX_CHALLENGE_SIZE: Final = 4096
"""Bytes; Windows sends ten. What is returned has to fit into a message of 64 KiB again."""

MAX_LICENSE_SIZE: Final = 60_000
"""Bytes; Windows issues 2 to 7 thousand. What is kept has to fit into a message with an encrypted secret."""

CHARACTER_SET: Final = "cp1252"
"""Of user and machine name; the specification only says ANSI."""

EXPLANATIONS: Final = {
    LicenseErrorCode.NO_LICENSE_SERVER: "the server reaches no license server, and its grace period is over",
    LicenseErrorCode.INVALID_CLIENT: "the server has no license for this client",
    LicenseErrorCode.INVALID_MAC: "the server could not verify what we sent",
    LicenseErrorCode.NO_LICENSE: "no license",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientIdentity:
    """Who asks for a license."""

    user_name: str
    machine_name: str
    hardware_id: ClientHardwareId


class LicensingClient:
    """One exchange, until ``is_complete``; ``take_answers`` after every message, also one that raises."""

    #: message type -> unbound method ``(self, message)``; looked up by exact type
    HANDLERS: ClassVar[dict[type, Callable[[Any, Any], None]]]

    def __init__(
        self,
        identity: ClientIdentity,
        entropy: Callable[[int], bytes],
        store: LicenseStore | None = None,
        connection_certificate: bytes | None = None,
    ) -> None:
        """``connection_certificate``: of Server Security Data, for servers that send none here (2.2.2.1)."""
        self.is_complete = False
        self._identity = identity
        self._entropy = entropy
        self._store = store
        self._connection_certificate = connection_certificate
        self._keys: LicensingKeys | None = None
        self._received = 0
        self._last: LicensingMessage | None = None
        self._answers: list[LicensingMessage] = []

    def receive(self, message: LicensingMessage) -> None:
        """One message of the server. Raises PeerError; what tells the server is among the answers then."""
        self._received += 1
        if self._received > MAX_MESSAGES:
            raise LimitExceeded("MAX_MESSAGES", self._received, MAX_MESSAGES)
        handler = self.HANDLERS.get(type(message))
        if handler is None:
            raise SequenceError("Licensing", type(message).__name__, self._expected())
        try:
            handler(self, message)
        except InvalidMac:
            self._abort(LicenseErrorCode.INVALID_MAC)
            raise

    def take_answers(self) -> list[LicensingMessage]:
        """What is to be sent, in this order."""
        answers, self._answers = self._answers, []
        return answers

    # -- handlers --------------------------------------------------------------------------------

    def _on_request(self, request: ServerLicenseRequest) -> None:
        if self._keys is not None:
            raise SequenceError("Licensing", "a second ServerLicenseRequest", self._expected())
        client_random = self._entropy(RANDOM_SIZE)
        pre_master_secret = self._entropy(PRE_MASTER_SECRET_SIZE)
        encrypted = LicenseBlob(BlobType.RANDOM, self._encrypted(request, pre_master_secret))
        self._keys = LicensingKeys.derive(pre_master_secret, client_random, request.server_random)
        held = None
        if self._store is not None:
            held = self._store.load(request.product_info, tuple([scope.data for scope in request.scopes]))
        if held is None or len(held) > MAX_LICENSE_SIZE:
            self._answer(
                NewLicenseRequest(
                    client_random,
                    encrypted,
                    LicenseBlob(BlobType.CLIENT_USER_NAME, _ansi(self._identity.user_name)),
                    LicenseBlob(BlobType.CLIENT_MACHINE_NAME, _ansi(self._identity.machine_name)),
                    self._identity.hardware_id.platform_id,
                )
            )
        else:
            hardware_id = encode(self._identity.hardware_id)
            self._answer(
                LicenseInformation(
                    client_random,
                    encrypted,
                    LicenseBlob(BlobType.DATA, held),
                    self._encrypted_blob(self._keys, hardware_id),
                    self._keys.mac(hardware_id),
                    self._identity.hardware_id.platform_id,
                )
            )

    def _encrypted(self, request: ServerLicenseRequest, pre_master_secret: bytes) -> bytes:
        """5.1.1.1. A certificate that is none is told to the server (3.3.5.1)."""
        certificate = request.server_certificate.data or self._connection_certificate or b""
        try:
            return public_key_of_server(certificate).encrypt(pre_master_secret)
        except DecodeError:
            self._abort(LicenseErrorCode.INVALID_SERVER_CERTIFICATE)
            raise

    def _on_challenge(self, challenge: PlatformChallenge) -> None:
        keys = self._require_keys(challenge)
        plain = keys.decrypt(challenge.encrypted_platform_challenge.data)
        keys.check_mac("PlatformChallenge", challenge.mac_data, plain)
        if len(plain) > MAX_CHALLENGE_SIZE:
            raise LimitExceeded("MAX_CHALLENGE_SIZE", len(plain), MAX_CHALLENGE_SIZE)
        response = encode(PlatformChallengeResponseData(plain))
        hardware_id = encode(self._identity.hardware_id)
        self._answer(
            PlatformChallengeResponse(
                self._encrypted_blob(keys, response),
                self._encrypted_blob(keys, hardware_id),
                keys.mac(response, hardware_id),
            )
        )

    def _on_license(self, message: NewLicense | UpgradeLicense) -> None:
        keys = self._require_keys(message)
        plain = keys.decrypt(message.encrypted_license_info.data)
        keys.check_mac(type(message).__name__, message.mac_data, plain)
        issued = decode(NewLicenseInfo, plain)
        if len(issued.license_info) > MAX_LICENSE_SIZE:
            raise LimitExceeded("MAX_LICENSE_SIZE", len(issued.license_info), MAX_LICENSE_SIZE)
        if self._store is not None:
            self._store.save(issued)
        self.is_complete = True

    def _on_error(self, error: LicenseError) -> None:
        """3.1.5.3: VALID_CLIENT is the good end; two transitions go on, all others end it."""
        code = error.error_code
        if code == LicenseErrorCode.VALID_CLIENT:
            self.is_complete = True
        elif error.state_transition == StateTransition.RESET_PHASE_TO_START:
            self._keys = self._last = None
        elif error.state_transition == StateTransition.RESEND_LAST_MESSAGE and self._last is not None:
            self._answers.append(self._last)
        else:
            explanation = EXPLANATIONS.get(code)
            raise LicensingFailed(code, f"{code.name}, {explanation}" if explanation else code.name)

    HANDLERS = {
        ServerLicenseRequest: _on_request,
        PlatformChallenge: _on_challenge,
        NewLicense: _on_license,
        UpgradeLicense: _on_license,
        LicenseError: _on_error,
    }

    # -- inside ----------------------------------------------------------------------------------

    def _require_keys(self, message: LicensingMessage) -> LicensingKeys:
        if self._keys is None:
            raise SequenceError("Licensing", type(message).__name__, self._expected())
        return self._keys

    def _expected(self) -> tuple[str, ...]:
        if self._keys is None:
            return ("ServerLicenseRequest", "LicenseError")
        return ("PlatformChallenge", "NewLicense", "UpgradeLicense", "LicenseError")

    @staticmethod
    def _encrypted_blob(keys: LicensingKeys, data: bytes) -> LicenseBlob:
        return LicenseBlob(BlobType.ENCRYPTED_DATA, keys.encrypt(data))

    def _answer(self, message: LicensingMessage) -> None:
        self._last = message
        self._answers.append(message)

    def _abort(self, code: LicenseErrorCode) -> None:
        self._answers.append(LicenseError(code, StateTransition.TOTAL_ABORT))


def _ansi(text: str) -> bytes:
    return text.encode(CHARACTER_SET, "replace") + b"\0"
