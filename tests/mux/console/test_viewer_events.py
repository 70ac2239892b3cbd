"""What the log is told of connections: one event each, with fields."""

import logging
from pathlib import Path
from typing import Any

import pytest

from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.settings.config import Config, SecuritySettings, VmSettings
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.mux.rdp_client import connected, eventually
from tests.mux.serving import run, served

ACCOUNTS = Accounts().with_password("alice", "", "secret").with_password("bob", "CORP", "hidden")


@pytest.fixture
def nla(certificate_directory: Path) -> ConnectionFactory:
    config = Config(certificate_dir=certificate_directory)
    return ConnectionFactory(config, accounts=ACCOUNTS)


def events(caplog: pytest.LogCaptureFixture) -> list[Any]:
    return [record for record in caplog.records if hasattr(record, "event")]


def visit(
    caplog: pytest.LogCaptureFixture, factory: ConnectionFactory, settings: VmSettings, **client: Any
) -> list[Any]:
    """The events of one client that connects and is gone again."""

    async def scenario() -> None:
        async with served(factory, settings=settings) as console:
            async with connected(console.port, **client) as made:
                await made.until(lambda: made.is_closed or made.connection.is_active)
            await eventually(lambda: "end" in [getattr(record, "event", "") for record in caplog.records])
            assert isinstance(console, Console)

    with caplog.at_level(logging.INFO):
        run(scenario)
    return events(caplog)


def test_a_session(caplog: pytest.LogCaptureFixture, nla: ConnectionFactory) -> None:
    seen = visit(caplog, nla, VmSettings(), user="bob", domain="CORP", password="hidden")
    assert [record.event for record in seen] == ["connect", "logon", "end"]
    assert {(record.address, record.vm) for record in seen} == {("127.0.0.1", "vm")}
    assert [getattr(record, "user", "") for record in seen] == ["", "CORP\\bob", "CORP\\bob"]
    assert seen[1].getMessage().endswith("] Logged on from 127.0.0.1: user CORP\\bob, authenticated")
    assert 0 < seen[2].seconds < 30
    assert seen[2].bytes_received > 1000
    assert seen[2].bytes_sent > 1000
    assert seen[2].reason


def test_a_wrong_password_is_a_warning_with_an_address(
    caplog: pytest.LogCaptureFixture, nla: ConnectionFactory
) -> None:
    seen = visit(caplog, nla, VmSettings(), user="bob", domain="CORP", password="wrong")
    assert [record.event for record in seen] == ["connect", "failure", "end"]
    failure = seen[1]
    assert failure.levelno == logging.WARNING
    assert (failure.address, failure.user, failure.vm) == ("127.0.0.1", "CORP\\bob", "vm")
    assert failure.getMessage().endswith("vm=vm] Logon failed from 127.0.0.1: user CORP\\bob")


@pytest.mark.parametrize("is_told_early", [True, False], ids=["HYBRID_EX", "HYBRID"])
def test_who_may_not_see_the_vm_is_refused(
    caplog: pytest.LogCaptureFixture, nla: ConnectionFactory, is_told_early: bool
) -> None:
    offer = SecurityProtocol.HYBRID | (SecurityProtocol.HYBRID_EX if is_told_early else SecurityProtocol.RDP)
    rules = VmSettings(users=("carol",))
    seen = visit(caplog, nla, rules, user="alice", password="secret", protocols=offer)
    logon = [] if is_told_early else ["logon"]
    assert [record.event for record in seen] == ["connect", *logon, "refusal", "end"]
    assert (seen[-2].address, seen[-2].user) == ("127.0.0.1", "alice")
    assert seen[-2].reason


def test_who_offers_the_wrong_security_is_refused_in_plain_words(
    caplog: pytest.LogCaptureFixture, nla: ConnectionFactory
) -> None:
    seen = visit(caplog, nla, VmSettings(), protocols=SecurityProtocol.SSL)
    assert [record.event for record in seen] == ["connect", "refusal", "end"]
    assert seen[1].reason == "negotiation failed: NLA is required, the client offers SSL"


def test_whoever_comes_without_nla_is_named_as_one_who_has_proved_nothing(
    caplog: pytest.LogCaptureFixture, certificate_directory: Path
) -> None:
    security = SecuritySettings(nla=False, tls=True)
    factory = ConnectionFactory(Config(certificate_dir=certificate_directory, security=security))
    evil = 'x] Logon failed from 9.9.9.9: user "'
    seen = visit(caplog, factory, VmSettings(), user=evil)
    assert [record.event for record in seen] == ["connect", "logon", "end"]
    shown = r'"x] Logon failed from 9.9.9.9: user \""'
    assert seen[1].getMessage().endswith(f"Logged on from 127.0.0.1: user {shown}, not authenticated")
    assert seen[2].getMessage().partition(" Closed")[0].endswith(f" vm=vm {shown}]")
