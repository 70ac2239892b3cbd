"""What a VM may change about who gets in, and what it may not."""

import asyncio
import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.files.sam_file import set_password
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.admission.vm_overrides import OwnAccounts, VmOverrides
from pyrdpmux.mux.settings.config import Config, SecuritySettings, VmSettings
from pyrdpmux.rdp.connection.events import Activated, SecurityEstablished
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.mux.rdp_client import connected, eventually
from tests.mux.serving import noise, run, served, show

NLA = SecuritySettings()
TLS = SecuritySettings(nla=False, tls=True)
RDP = SecuritySettings(nla=False, rdp=True)


@pytest.fixture
def config(certificate_directory: Path, tmp_path: Path) -> Config:
    set_password(tmp_path / "accounts.sam", "alice", "", "a")
    set_password(tmp_path / "own.sam", "bob", "", "b")
    return Config(certificate_dir=certificate_directory, state_dir=tmp_path)


def knows(factory: ConnectionFactory, user: str, name: str = "vm") -> bool:
    async def read() -> bool:
        return (await factory.accounts.source(name).read()).find(user, "") is not None

    return asyncio.run(read())


def test_nothing_said_is_no_opinion() -> None:
    overrides, epochs = VmOverrides(), itertools.count(1)

    def own(path: Path | None, uid: int | None = None) -> bool:
        return overrides.set_accounts("vm", path, uid, lambda: next(epochs))

    assert (overrides.proof("vm"), overrides.accounts("vm")) == (None, None)
    assert own(Path("/own.sam"))
    assert not own(Path("/own.sam")), "it is no news"
    assert overrides.accounts("vm") == OwnAccounts(Path("/own.sam"), None, 1)
    assert own(Path("/own.sam"), 1000), "another user's file"
    assert overrides.proof("vm") is True
    assert (overrides.proof(None), overrides.accounts(None), overrides.proof("other")) == (None, None, None)
    overrides.set_proof("vm", False)
    assert overrides.proof("vm") is False
    overrides.set_proof("vm", None)
    assert own(None)
    assert not own(None)
    assert (overrides.proof("vm"), overrides.accounts("vm")) == (None, None)


def test_accounts_that_a_vm_brings_along(config: Config, tmp_path: Path) -> None:
    factory = ConnectionFactory(config)
    factory.set_accounts("vm", tmp_path / "own.sam")
    assert (knows(factory, "alice"), knows(factory, "bob")) == (False, True)
    assert knows(factory, "alice", "another")
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
    assert policy.asks_owner
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
    assert (policy.asks_owner, policy.allow_tls) == (False, True)


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
                await eventually(lambda: console.is_watched)
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
            monkeypatch.setattr(open_door, "connect", lambda name, *rest: connect("another", *rest))
            open_door.require_authentication("vm", True)
            async with connected(console.port) as client:
                await client.until(lambda: client.error_info is not None)
                assert client.error_info is ErrorInfo.SERVER_DENIED_CONNECTION
            assert not console.is_watched, "nobody looks"

    run(scenario)
