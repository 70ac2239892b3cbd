"""What the scripted licensing server does not take, message by message."""

from typing import Any

import pytest

from pyrdpmux.errors import LicensingFailed, SequenceError
from pyrdpmux.harness.peers.licensing_server import CHALLENGE, LicensingServer, asking_for_licenses
from pyrdpmux.rdp.connection.events import Disconnected
from pyrdpmux.rdp.licensing.client import ClientIdentity, LicensingClient
from pyrdpmux.rdp.licensing.keys import InvalidMac, LicensingKeys
from pyrdpmux.rdp.pdu.licensing.blob import BlobType, LicenseBlob
from pyrdpmux.rdp.pdu.licensing.challenge import (
    ClientHardwareId,
    PlatformChallengeResponse,
    PlatformChallengeResponseData,
)
from pyrdpmux.rdp.pdu.licensing.error import LicenseError, LicenseErrorCode, StateTransition
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, entropy, rsa_key, server_config

HARDWARE_ID = ClientHardwareId(2, bytes(16))
EMPTY = LicenseBlob(BlobType.ANY)


class Begun:
    """A server, and a client that has asked for a license with keys that the test knows."""

    def __init__(self) -> None:
        self.server = LicensingServer(rsa_key(), entropy())
        identity = ClientIdentity(user_name="a", machine_name="b", hardware_id=HARDWARE_ID)
        self.client = LicensingClient(identity, entropy())
        begin = self.server.begin()
        self.client.receive(begin)
        [self.request] = self.client.take_answers()
        fixed = entropy()
        client_random, secret = fixed(32), fixed(48)
        self.keys = LicensingKeys.derive(secret, client_random, begin.server_random)

    def response(self, data: bytes, mac: bytes | None = None) -> PlatformChallengeResponse:
        hardware_id = encode(HARDWARE_ID)
        return PlatformChallengeResponse(
            LicenseBlob(BlobType.ENCRYPTED_DATA, self.keys.encrypt(data)),
            LicenseBlob(BlobType.ENCRYPTED_DATA, self.keys.encrypt(hardware_id)),
            self.keys.mac(data, hardware_id) if mac is None else mac,
        )


def test_a_response_before_the_request() -> None:
    server = LicensingServer(rsa_key(), entropy())
    with pytest.raises(SequenceError, match="expected NewLicenseRequest"):
        server.receive(PlatformChallengeResponse(EMPTY, EMPTY, bytes(16)))


def test_a_second_request() -> None:
    begun = Begun()
    begun.server.receive(begun.request)
    with pytest.raises(SequenceError, match="expected PlatformChallengeResponse"):
        begun.server.receive(begun.request)


def test_anything_after_the_end() -> None:
    begun = Begun()
    begun.server.receive(begun.request)
    response = begun.response(encode(PlatformChallengeResponseData(CHALLENGE)))
    begun.server.receive(response)
    assert begun.server.is_complete
    with pytest.raises(SequenceError):
        begun.server.receive(response)


def test_rdesktops_bare_response() -> None:
    """QUIRK(rdesktop 1.9): the challenge without the fields around it."""
    begun = Begun()
    begun.server.receive(begun.request)
    begun.server.receive(begun.response(CHALLENGE))
    assert begun.server.is_complete
    assert begun.server.response == PlatformChallengeResponseData(CHALLENGE)


def test_another_challenge() -> None:
    begun = Begun()
    begun.server.receive(begun.request)
    with pytest.raises(LicensingFailed, match="the challenge was not returned"):
        begun.server.receive(begun.response(encode(PlatformChallengeResponseData(b"other"))))


def test_a_wrong_mac() -> None:
    begun = Begun()
    begun.server.receive(begun.request)
    with pytest.raises(InvalidMac, match="PlatformChallengeResponse"):
        begun.server.receive(begun.response(encode(PlatformChallengeResponseData(CHALLENGE)), bytes(16)))


def test_the_clients_error() -> None:
    error = LicenseError(LicenseErrorCode.NO_LICENSE, StateTransition.TOTAL_ABORT)
    with pytest.raises(LicensingFailed, match="the client says NO_LICENSE"):
        LicensingServer(rsa_key(), entropy()).receive(error)


def test_a_wrong_mac_is_told_to_the_client() -> None:
    class Doubting(LicensingServer):
        def receive(self, message: Any) -> Any:
            raise InvalidMac("PlatformChallengeResponse.MACData", "does not match the decrypted data", 0)

    config = server_config(licensing=asking_for_licenses(Doubting(rsa_key(), entropy())))
    pair = Linked(config, client_config()).run()
    [ended] = pair.client_saw(Disconnected)
    assert isinstance(ended.error, LicensingFailed)
    assert ended.error.error_code == LicenseErrorCode.INVALID_MAC
    assert isinstance(pair.server_saw(Disconnected)[0].error, InvalidMac)
