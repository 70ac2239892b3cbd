"""A server that asks for licenses and issues them, as a terminal server does (MS-RDPELE 3.2).

The product needs none: this is for testing clients. :class:`LicensingServer` is the exchange alone, and
:func:`asking_for_licenses` makes it the licensing phase of a server connection of ours::

    server = LicensingServer(RsaKey.generate(), os.urandom)
    config = ServerConfig(..., licensing=asking_for_licenses(server))
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pyrdpmux.errors import LicensingFailed, SequenceError
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.secure import unseal
from pyrdpmux.rdp.connection.server.link import ServerLink
from pyrdpmux.rdp.connection.server.secure_settings import conclude_licensing
from pyrdpmux.rdp.connection.server.session import SessionPhase
from pyrdpmux.rdp.licensing.keys import PRE_MASTER_SECRET_SIZE, InvalidMac, LicensingKeys
from pyrdpmux.rdp.pdu.licensing import VALID_CLIENT, LicensingMessage, LicensingPdu
from pyrdpmux.rdp.pdu.licensing.blob import KEY_EXCHANGE_ALG_RSA, RANDOM_SIZE, BlobType, LicenseBlob
from pyrdpmux.rdp.pdu.licensing.challenge import (
    ClientHardwareId,
    PlatformChallenge,
    PlatformChallengeResponse,
    PlatformChallengeResponseData,
)
from pyrdpmux.rdp.pdu.licensing.error import LicenseError, LicenseErrorCode, StateTransition
from pyrdpmux.rdp.pdu.licensing.license import NewLicense, NewLicenseInfo, UpgradeLicense
from pyrdpmux.rdp.pdu.licensing.request import (
    LicenseInformation,
    NewLicenseRequest,
    ProductInfo,
    ServerLicenseRequest,
)
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey, proprietary_certificate
from pyrdpmux.wire import Writer, decode, encode

CHALLENGE: Final = "TEST\0".encode("utf-16-le")
"""What Windows challenges with (MS-RDPELE 4.4)."""

WINDOWS_SERVER_2016: Final = ProductInfo(
    0x000A0000, "Microsoft Corporation\0".encode("utf-16-le"), "A02\0".encode("utf-16-le")
)
SCOPE: Final = b"microsoft.com\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class LicensingScript:
    """What a server does, where the specification leaves it a choice."""

    product: ProductInfo = WINDOWS_SERVER_2016
    scopes: tuple[bytes, ...] = (SCOPE,)
    #: the Server Certificate field; None: a proprietary one with the server's key; empty: none is sent
    certificate: bytes | None = None
    #: what is issued
    license_info: bytes = b"a license of the pyrdpmux test bench"
    #: licenses that need no upgrade
    valid_licenses: frozenset[bytes] = frozenset()
    #: instead of a license, after the challenge was answered: VALID_CLIENT is the grace period
    refusal: LicenseErrorCode | None = None
    #: read encrypted PDUs under standard RDP security, and say so
    reads_encrypted: bool = False


class LicensingServer:
    """One exchange: ``begin``, then ``receive`` for each message until ``is_complete``."""

    #: message type -> unbound method ``(self, message) -> answer``
    HANDLERS: ClassVar[dict[type, Callable[[Any, Any], LicensingMessage]]]

    def __init__(
        self, key: RsaKey, entropy: Callable[[int], bytes], script: LicensingScript | None = None
    ) -> None:
        self.script = script or LicensingScript()
        self.is_complete = False
        #: what the client said of itself
        self.user_name = b""
        self.machine_name = b""
        self.hardware_id: ClientHardwareId | None = None
        self.response: PlatformChallengeResponseData | None = None
        self.presented_license: bytes | None = None
        self._key = key
        self._random = entropy(RANDOM_SIZE)
        self._keys: LicensingKeys | None = None

    def begin(self) -> ServerLicenseRequest:
        """The message that opens the exchange."""
        script = self.script
        certificate = script.certificate
        if certificate is None:
            certificate = proprietary_certificate(self._key)
        w = Writer("KeyExchangeList")
        w.u32_le("algorithm", KEY_EXCHANGE_ALG_RSA)
        return ServerLicenseRequest(
            self._random,
            script.product,
            LicenseBlob(BlobType.KEY_EXCHANGE_ALGORITHM, w.getvalue()),
            LicenseBlob(BlobType.CERTIFICATE, certificate),
            tuple([LicenseBlob(BlobType.SCOPE, scope) for scope in script.scopes]),
        )

    def receive(self, message: LicensingMessage) -> LicensingMessage:
        """The answer to one message of the client. Raises PeerError for what no client may do."""
        handler = self.HANDLERS.get(type(message))
        if handler is None or self.is_complete:
            raise SequenceError("Licensing", type(message).__name__)
        return handler(self, message)

    def _on_new_license_request(self, request: NewLicenseRequest) -> LicensingMessage:
        self.user_name = request.client_user_name.data
        self.machine_name = request.client_machine_name.data
        return self._challenge(self._derive(request))

    def _on_license_information(self, message: LicenseInformation) -> LicensingMessage:
        keys = self._derive(message)
        hardware_id = keys.decrypt(message.encrypted_hwid.data)
        keys.check_mac("LicenseInformation", message.mac_data, hardware_id)
        self.hardware_id = decode(ClientHardwareId, hardware_id)
        self.presented_license = message.license_info.data
        if self.presented_license in self.script.valid_licenses:
            return self._conclude(VALID_CLIENT.message)
        return self._challenge(keys)

    def _on_response(self, message: PlatformChallengeResponse) -> LicensingMessage:
        keys = self._keys
        if keys is None:
            raise SequenceError("Licensing", type(message).__name__, ("NewLicenseRequest",))
        response = keys.decrypt(message.encrypted_platform_challenge_response.data)
        hardware_id = keys.decrypt(message.encrypted_hwid.data)
        keys.check_mac("PlatformChallengeResponse", message.mac_data, response, hardware_id)
        self.hardware_id = decode(ClientHardwareId, hardware_id)
        self.response = _read_response(response)
        if self.response.challenge != CHALLENGE:
            raise LicensingFailed(LicenseErrorCode.INVALID_CLIENT, "the challenge was not returned")
        return self._issue(keys)

    def _on_error(self, error: LicenseError) -> LicensingMessage:
        raise LicensingFailed(error.error_code, f"the client says {error.error_code.name}")

    HANDLERS = {
        NewLicenseRequest: _on_new_license_request,
        LicenseInformation: _on_license_information,
        PlatformChallengeResponse: _on_response,
        LicenseError: _on_error,
    }

    def _derive(self, message: NewLicenseRequest | LicenseInformation) -> LicensingKeys:
        if self._keys is not None:
            raise SequenceError("Licensing", type(message).__name__, ("PlatformChallengeResponse",))
        secret = self._key.decrypt(message.encrypted_pre_master_secret.data, PRE_MASTER_SECRET_SIZE)
        self._keys = LicensingKeys.derive(secret, message.client_random, self._random)
        return self._keys

    @staticmethod
    def _challenge(keys: LicensingKeys) -> PlatformChallenge:
        return PlatformChallenge(LicenseBlob(BlobType.ANY, keys.encrypt(CHALLENGE)), keys.mac(CHALLENGE))

    def _issue(self, keys: LicensingKeys) -> LicensingMessage:
        script = self.script
        if script.refusal is not None:
            ends_well = script.refusal == LicenseErrorCode.VALID_CLIENT
            transition = StateTransition.NO_TRANSITION if ends_well else StateTransition.TOTAL_ABORT
            return self._conclude(LicenseError(script.refusal, transition))
        product = script.product
        scope = script.scopes[0] if script.scopes else SCOPE
        info = encode(
            NewLicenseInfo(
                product.version, scope, product.company_name, product.product_id, script.license_info
            )
        )
        kind = NewLicense if self.presented_license is None else UpgradeLicense
        return self._conclude(kind(LicenseBlob(BlobType.ENCRYPTED_DATA, keys.encrypt(info)), keys.mac(info)))

    def _conclude(self, message: LicensingMessage) -> LicensingMessage:
        self.is_complete = True
        return message


def _read_response(plain: bytes) -> PlatformChallengeResponseData:
    if plain == CHALLENGE:  # QUIRK(rdesktop 1.9): returns the challenge without the fields around it
        return PlatformChallengeResponseData(plain)
    return decode(PlatformChallengeResponseData, plain)


class LicensingExchange(SessionPhase):
    """1.3.1.1 Licensing, the long way."""

    def __init__(self, link: ServerLink, exchange: LicensingServer) -> None:
        super().__init__(link)
        self.exchange = exchange

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def decode_io(self, data: bytes) -> object:
        flags, body = unseal(self.link.standard, data, has_header=True)
        if not flags & SecurityFlags.LICENSE_PKT:
            raise SequenceError(self.name, f"security header with {flags!r}", ("LICENSE_PKT",))
        return decode(LicensingPdu, body)

    def on_licensing(self, pdu: LicensingPdu) -> Phase:
        try:
            answer = self.exchange.receive(pdu.message)
        except InvalidMac:
            self.send(LicenseError(LicenseErrorCode.INVALID_MAC, StateTransition.TOTAL_ABORT))
            raise
        self.send(answer)
        if not self.exchange.is_complete:
            return self
        if isinstance(answer, LicenseError) and answer.error_code != LicenseErrorCode.VALID_CLIENT:
            return self.link.end(f"no license: {answer.error_code.name}", by_peer=False)
        return conclude_licensing(self.link)

    def send(self, message: LicensingMessage) -> None:
        """One licensing PDU to the client."""
        flags = SecurityFlags.LICENSE_PKT
        if self.exchange.script.reads_encrypted:
            flags |= SecurityFlags.LICENSE_ENCRYPT
        pdu = LicensingPdu(message)
        self.link.send_unencrypted(encode(pdu), pdu, flags)

    HANDLERS = {**SessionPhase.HANDLERS, LicensingPdu: on_licensing}


def asking_for_licenses(exchange: LicensingServer) -> Callable[[ServerLink], Phase]:
    """The ``licensing`` of a ServerConfig that is good for one connection."""

    def begin(link: ServerLink) -> Phase:
        phase = LicensingExchange(link, exchange)
        phase.send(exchange.begin())
        return phase

    return begin
