"""The client's side of an exchange, message by message: order, repetitions, and what ends it."""

from typing import Any

import pytest

from pyrdpmux.errors import LicensingFailed, LimitExceeded, SequenceError
from pyrdpmux.harness.peers.licensing_server import LicensingServer
from pyrdpmux.rdp.licensing.client import (
    MAX_CHALLENGE_SIZE,
    MAX_LICENSE_SIZE,
    MAX_MESSAGES,
    PLATFORM_ID,
    ClientIdentity,
    LicensingClient,
)
from pyrdpmux.rdp.licensing.store import LicenseStore, MemoryLicenseStore
from pyrdpmux.rdp.pdu.licensing import LicensingMessage, LicensingPdu, MessageType, UnknownLicensingMessage
from pyrdpmux.rdp.pdu.licensing.blob import BlobType, LicenseBlob
from pyrdpmux.rdp.pdu.licensing.challenge import ClientHardwareId, PlatformChallenge
from pyrdpmux.rdp.pdu.licensing.error import LicenseError, LicenseErrorCode, StateTransition
from pyrdpmux.rdp.pdu.licensing.license import NewLicense, NewLicenseInfo, UpgradeLicense
from pyrdpmux.rdp.pdu.licensing.request import LicenseInformation, NewLicenseRequest, ProductInfo
from pyrdpmux.wire import encode
from tests.pair.linked import entropy, rsa_key

EMPTY = LicenseBlob(BlobType.ANY)
VALID = LicenseError(LicenseErrorCode.VALID_CLIENT, StateTransition.NO_TRANSITION)
RESET = LicenseError(LicenseErrorCode.INVALID_SCOPE, StateTransition.RESET_PHASE_TO_START)
RESEND = LicenseError(LicenseErrorCode.INVALID_MESSAGE_LENGTH, StateTransition.RESEND_LAST_MESSAGE)


def client(user: str = "alice", store: LicenseStore | None = None) -> LicensingClient:
    identity = ClientIdentity(
        user_name=user, machine_name="desk", hardware_id=ClientHardwareId(PLATFORM_ID, bytes(16))
    )
    return LicensingClient(identity, entropy(), store)


def server() -> LicensingServer:
    return LicensingServer(rsa_key(), entropy())


def answer(exchange: LicensingClient, message: LicensingMessage) -> Any:
    exchange.receive(message)
    answers = exchange.take_answers()
    return answers[0] if answers else None


@pytest.mark.parametrize(
    "message",
    [
        PlatformChallenge(EMPTY, bytes(16)),
        NewLicense(EMPTY, bytes(16)),
        UpgradeLicense(EMPTY, bytes(16)),
        NewLicenseRequest(bytes(32), EMPTY, EMPTY, EMPTY),
        UnknownLicensingMessage(MessageType(0x20)),
    ],
)
def test_out_of_order(message: LicensingMessage) -> None:
    exchange = client()
    with pytest.raises(SequenceError, match="expected ServerLicenseRequest or LicenseError"):
        exchange.receive(message)
    assert exchange.take_answers() == []


def test_a_second_request_is_out_of_order() -> None:
    exchange, other = client(), server()
    answer(exchange, other.begin())
    with pytest.raises(SequenceError, match="expected PlatformChallenge or NewLicense"):
        exchange.receive(other.begin())


def test_no_license_is_needed_at_any_time() -> None:
    for begun in (False, True):
        exchange = client()
        if begun:
            answer(exchange, server().begin())
        assert answer(exchange, VALID) is None
        assert exchange.is_complete


def test_a_reset_begins_anew() -> None:
    exchange = client()
    answer(exchange, server().begin())
    assert answer(exchange, RESET) is None
    other = server()
    challenge = other.receive(answer(exchange, other.begin()))
    issued = other.receive(answer(exchange, challenge))
    assert answer(exchange, issued) is None
    assert exchange.is_complete


def test_the_last_message_is_sent_again() -> None:
    exchange = client()
    request = answer(exchange, server().begin())
    assert answer(exchange, RESEND) == request


def test_nothing_was_sent_that_could_be_again() -> None:
    with pytest.raises(LicensingFailed, match="INVALID_MESSAGE_LENGTH"):
        client().receive(RESEND)


def test_repetitions_end() -> None:
    exchange = client()
    answer(exchange, server().begin())
    for _ in range(MAX_MESSAGES - 1):
        answer(exchange, RESEND)
    with pytest.raises(LimitExceeded, match="MAX_MESSAGES: 9"):
        exchange.receive(RESEND)


def sealed(exchange: LicensingClient, plain: bytes) -> tuple[LicenseBlob, bytes]:
    """Encrypted with the keys of an exchange, which only its two ends know."""
    keys = exchange._keys
    assert keys is not None
    return LicenseBlob(BlobType.ENCRYPTED_DATA, keys.encrypt(plain)), keys.mac(plain)


@pytest.mark.parametrize(("size", "fits"), [(MAX_CHALLENGE_SIZE, True), (MAX_CHALLENGE_SIZE + 1, False)])
def test_a_challenge_whose_answer_would_not_fit(size: int, fits: bool) -> None:
    exchange = client()
    answer(exchange, server().begin())
    challenge = PlatformChallenge(*sealed(exchange, bytes(size)))
    if fits:
        assert len(encode(LicensingPdu(answer(exchange, challenge)))) < 0x10000
    else:
        with pytest.raises(LimitExceeded, match="MAX_CHALLENGE_SIZE"):
            exchange.receive(challenge)


@pytest.mark.parametrize(("size", "fits"), [(MAX_LICENSE_SIZE, True), (MAX_LICENSE_SIZE + 1, False)])
def test_a_license_that_could_not_be_shown(size: int, fits: bool) -> None:
    """It is not taken, nor shown if the store has one all the same."""
    issued = NewLicenseInfo(0, b"", b"", b"", bytes(size))
    exchange = client()
    answer(exchange, server().begin())
    message = NewLicense(*sealed(exchange, encode(issued)))
    if fits:
        exchange.receive(message)
    else:
        with pytest.raises(LimitExceeded, match="MAX_LICENSE_SIZE"):
            exchange.receive(message)

    class Store(MemoryLicenseStore):
        def load(self, product: ProductInfo, scopes: tuple[bytes, ...]) -> bytes:
            return bytes(size)

    shown = answer(client(store=Store()), server().begin())
    assert isinstance(shown, LicenseInformation if fits else NewLicenseRequest)
    assert len(encode(LicensingPdu(shown))) < 0x10000


def test_names_are_ansi() -> None:
    request = answer(client("J\u00f6rg \u2603"), server().begin())
    assert request.client_user_name == LicenseBlob(BlobType.CLIENT_USER_NAME, b"J\xf6rg ?\0")
    assert request.client_machine_name.data == b"desk\0"
