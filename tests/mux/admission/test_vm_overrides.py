"""What a VM may change about who gets in, and what it may not."""

from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.admission.vm_overrides import VmOverrides
from pyrdpmux.mux.config import Config, SecuritySettings, VmSettings
from pyrdpmux.rdp.connection.events import Activated, SecurityEstablished
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.tls.accounts import set_password
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.mux.rdp_client import connected
from tests.mux.serving import noise, run, served, show

NLA = SecuritySettings()
TLS = SecuritySettings(nla=False, tls=True)
RDP = SecuritySettings(nla=False, rdp=True)


@pytest.fixture
def config(certificate_directory: Path, tmp_path: Path) -> Config:
    set_password(tmp_path / "accounts.sam", "alice", "", "a")
    set_password(tmp_path / "own.sam", "bob", "", "b")
    return Config(certificate_dir=certificate_directory, state_dir=tmp_path)


def knows(factory: ConnectionFactory, user: str) -> bool:
    return factory.accounts("vm").nt_hash(user, "") is not None


def test_no_wish_is_no_opinion() -> None:
    wishes = VmOverrides()
    assert (wishes.proof("vm"), wishes.accounts("vm")) == (None, None)
    wishes.set_accounts("vm", Path("/own.sam"))
    assert (wishes.proof("vm"), wishes.accounts("vm")) == (True, Path("/own.sam"))
    assert (wishes.proof(None), wishes.accounts(None), wishes.proof("other")) == (None, None, None)
    wishes.set_proof("vm", False)
    assert wishes.proof("vm") is False
    wishes.set_proof("vm", None)
    wishes.set_accounts("vm", None)
    assert (wishes.proof("vm"), wishes.accounts("vm")) == (None, None)


def test_accounts_that_a_vm_brings_along(config: Config, tmp_path: Path) -> None:
    factory = ConnectionFactory(config)
    factory.set_accounts("vm", tmp_path / "own.sam")
    assert (knows(factory, "alice"), knows(factory, "bob")) == (False, True)
    assert factory.accounts("another").nt_hash("alice", "") is not None
    factory.set_accounts("vm", None)
    assert (knows(factory, "alice"), knows(factory, "bob")) == (True, False)


def test_the_administrators_word_on_a_vm_is_worth_more(config: Config, tmp_path: Path) -> None:
    vms = {"vm": VmSettings(accounts=tmp_path / "accounts.sam")}
    factory = ConnectionFactory(replace(config, vms=vms))
    factory.set_accounts("vm", tmp_path / "own.sam")
    assert (knows(factory, "alice"), knows(factory, "bob")) == (True, False)


@pytest.mark.parametrize("security", [NLA, TLS, RDP, SecuritySettings(tls=True, rdp=True)])
@pytest.mark.parametrize("has_file", [False, True])
def test_who_asks_for_proof_leaves_no_other_way_in(
    config: Config, tmp_path: Path, security: SecuritySettings, has_file: bool
) -> None:
    factory = ConnectionFactory(replace(config, security=security))
    if has_file:
        factory.set_accounts("vm", tmp_path / "own.sam")
    else:
        factory.require_authentication("vm", True)
    assert factory.requires_authentication("vm")
    policy = factory.policy("vm")
    assert policy.accounts is not None
    assert policy.tls_context is not None
    assert (policy.allow_tls, policy.standard) == (False, None)


@pytest.mark.parametrize(
    ("security", "is_required"),
    [(NLA, True), (TLS, False), (RDP, False), (SecuritySettings(nla=True, tls=True), False)],
)
def test_what_is_told_is_what_is_done(config: Config, security: SecuritySettings, is_required: bool) -> None:
    factory = ConnectionFactory(replace(config, security=security))
    assert factory.requires_authentication("vm") is is_required
    factory.require_authentication("vm", False)
    assert not factory.requires_authentication("vm")
    policy = factory.policy("vm")
    assert (policy.accounts, policy.allow_tls) == (None, True)


def test_new_connections_follow_the_wish(config: Config) -> None:
    factory = ConnectionFactory(config)

    async def scenario() -> None:
        async with served(factory) as console:
            show(console, noise(64, 64))
            factory.require_authentication("vm", False)
            async with connected(console.port) as client:
                await client.until(lambda: bool(client.seen(Activated)))
                [security] = client.seen(SecurityEstablished)
                assert security.protocol is SecurityProtocol.SSL
                assert console.frame_rate == 100
                factory.require_authentication("vm", True)
                assert client.connection.is_active, "it concerns new connections only"

    run(scenario)


def test_there_is_no_way_around_through_another_door(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the gateway somebody may have come in without a password."""
    open_door = ConnectionFactory(replace(config, security=TLS))

    async def scenario() -> None:
        async with served(open_door) as console:
            show(console, noise(64, 64))
            connect = open_door.connect
            monkeypatch.setattr(open_door, "connect", lambda name, display: connect("another", display))
            open_door.require_authentication("vm", True)
            async with connected(console.port) as client:
                await client.until(lambda: client.error_info is not None)
                assert client.error_info is ErrorInfo.SERVER_DENIED_CONNECTION
            assert console.frame_rate == 5, "nobody looks"

    run(scenario)
