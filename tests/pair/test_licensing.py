"""Our client and the server that asks for licenses: every way that an exchange can go."""

from dataclasses import replace
from typing import Any

import pytest

from pyrdpmux.errors import DecodeError, LicensingFailed
from pyrdpmux.harness.peers.licensing_server import (
    SCOPE,
    WINDOWS_SERVER_2016,
    LicensingScript,
    LicensingServer,
    asking_for_licenses,
)
from pyrdpmux.rdp.connection.events import Disconnected
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.licensing.keys import InvalidMac
from pyrdpmux.rdp.licensing.store import MemoryLicenseStore
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.pdu.licensing import LicensingPdu
from pyrdpmux.rdp.pdu.licensing.error import LicenseErrorCode
from pyrdpmux.rdp.pdu.licensing.license import NewLicenseInfo
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import (
    Linked,
    client_config,
    entropy,
    rdp_policy,
    rsa_key,
    server_config,
    tls_policy,
    x509_key,
)

LICENSE = LicensingScript().license_info
LEVELS = [EncryptionLevel.LOW, EncryptionLevel.CLIENT_COMPATIBLE, EncryptionLevel.FIPS]


def linked(
    script: LicensingScript, server: Any = None, rdp: EncryptionLevel | None = None, **client: Any
) -> tuple[Linked, LicensingServer]:
    exchange = LicensingServer(rsa_key(), entropy(), script)
    policy = tls_policy() if rdp is None else rdp_policy(level=rdp)
    protocols = SecurityProtocol.SSL if rdp is None else SecurityProtocol.RDP
    config = server_config(policy, licensing=asking_for_licenses(exchange))
    return Linked(config, client_config(protocols=protocols, **client)).run(), exchange


def messages(pair: Linked) -> list[str]:
    """Who sent which licensing message, by the client's trace."""
    tracer = pair.client.config.tracer
    assert isinstance(tracer, ListTracer)
    return [
        f"{way} {type(pdu.message).__name__}"
        for way, _, pdu in tracer.entries
        if isinstance(pdu, LicensingPdu)
    ]


def test_a_new_license_is_issued_and_kept() -> None:
    store = MemoryLicenseStore()
    pair, exchange = linked(LicensingScript(), license_store=store, client_name="desk")
    assert pair.client.is_active
    assert pair.server.is_active
    assert messages(pair) == [
        "< ServerLicenseRequest",
        "> NewLicenseRequest",
        "< PlatformChallenge",
        "> PlatformChallengeResponse",
        "< NewLicense",
    ]
    assert (exchange.user_name, exchange.machine_name) == (b"alice\0", b"desk\0")
    assert exchange.hardware_id is not None
    assert exchange.hardware_id.platform_id == 0x04010000
    assert store.load(WINDOWS_SERVER_2016, (SCOPE,)) == LICENSE


def test_without_a_store_a_license_is_asked_for_all_the_same() -> None:
    pair, _ = linked(LicensingScript())
    assert pair.client.is_active


@pytest.mark.parametrize("reads_encrypted", [False, True])
@pytest.mark.parametrize("level", LEVELS)
def test_under_standard_security(level: EncryptionLevel, reads_encrypted: bool) -> None:
    pair, _ = linked(LicensingScript(reads_encrypted=reads_encrypted), rdp=level)
    assert pair.client.is_active, pair.client_events
    assert pair.server.is_active, pair.server_events


def test_a_server_without_a_certificate_means_that_of_the_connection() -> None:
    pair, exchange = linked(LicensingScript(certificate=b""), rdp=EncryptionLevel.CLIENT_COMPATIBLE)
    assert exchange.is_complete
    assert pair.client.is_active


def test_a_chain_of_certificates_has_the_key_in_its_last() -> None:
    key, chain = x509_key()
    exchange = LicensingServer(key, entropy(), LicensingScript(certificate=chain))
    pair = Linked(server_config(licensing=asking_for_licenses(exchange)), client_config()).run()
    assert exchange.is_complete
    assert pair.client.is_active


def held(version: int = WINDOWS_SERVER_2016.version, data: bytes = b"old") -> NewLicenseInfo:
    product = WINDOWS_SERVER_2016
    return NewLicenseInfo(version, SCOPE, product.company_name, product.product_id, data)


def test_a_valid_license_is_enough() -> None:
    script = LicensingScript(valid_licenses=frozenset([b"old"]))
    pair, exchange = linked(script, license_store=MemoryLicenseStore([held()]))
    assert pair.client.is_active
    assert messages(pair) == ["< ServerLicenseRequest", "> LicenseInformation", "< LicenseError"]
    assert exchange.presented_license == b"old"


def test_an_old_license_is_upgraded() -> None:
    store = MemoryLicenseStore([held()])
    pair, _ = linked(LicensingScript(), license_store=store)
    assert pair.client.is_active
    assert messages(pair)[1:] == [
        "> LicenseInformation",
        "< PlatformChallenge",
        "> PlatformChallengeResponse",
        "< UpgradeLicense",
    ]
    assert store.load(WINDOWS_SERVER_2016, (SCOPE,)) == LICENSE


def test_a_license_for_an_earlier_version_is_not_shown() -> None:
    store = MemoryLicenseStore([held(0x00060000)])
    pair, exchange = linked(LicensingScript(), license_store=store)
    assert pair.client.is_active
    assert exchange.presented_license is None


def test_the_grace_period_ends_well() -> None:
    pair, _ = linked(LicensingScript(refusal=LicenseErrorCode.VALID_CLIENT))
    assert pair.client.is_active


@pytest.mark.parametrize("code", [LicenseErrorCode.NO_LICENSE_SERVER, LicenseErrorCode.INVALID_CLIENT])
def test_a_refusal_is_told_in_words(code: LicenseErrorCode) -> None:
    pair, _ = linked(LicensingScript(refusal=code))
    [ended] = pair.client_saw(Disconnected)
    assert isinstance(ended.error, LicensingFailed)
    assert ended.error.error_code == code
    assert ended.reason.startswith(f"licensing failed: {code.name}, the server")


def test_a_certificate_that_is_none_is_told_to_the_server() -> None:
    pair, _ = linked(LicensingScript(certificate=b"nonsense"))
    [ended] = pair.client_saw(Disconnected)
    assert isinstance(ended.error, DecodeError)
    [told] = pair.server_saw(Disconnected)
    assert isinstance(told.error, LicensingFailed)
    assert told.error.error_code == LicenseErrorCode.INVALID_SERVER_CERTIFICATE


def test_a_wrong_mac_is_told_to_the_server() -> None:
    class Forger(LicensingServer):
        def receive(self, message: Any) -> Any:
            answer: Any = super().receive(message)
            return replace(answer, mac_data=bytes(16))

    exchange = Forger(rsa_key(), entropy())
    config = server_config(licensing=asking_for_licenses(exchange))
    pair = Linked(config, client_config()).run()
    [ended] = pair.client_saw(Disconnected)
    assert isinstance(ended.error, InvalidMac)
    [told] = pair.server_saw(Disconnected)
    assert isinstance(told.error, LicensingFailed)
    assert told.error.error_code == LicenseErrorCode.INVALID_MAC


def test_hardware_data_tell_one_client_from_another() -> None:
    found = set()
    for changes in ({"client_name": "a"}, {"client_name": "b"}, {"hardware_data": bytes(16)}):
        _, exchange = linked(LicensingScript(), **changes)
        assert exchange.hardware_id is not None
        found.add(exchange.hardware_id.data)
    assert len(found) == 3
    assert bytes(16) in found
