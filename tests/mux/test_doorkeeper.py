import logging
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.config import Config, SecuritySettings, VmSettings
from pyrdpmux.mux.doorkeeper import CERTIFICATE_FILE, KEY_FILE, Doorkeeper, load_certificate
from pyrdpmux.rdp.connection.events import AutoReconnectCookieReceived, SecurityEstablished
from pyrdpmux.rdp.tls.accounts import Accounts, set_password
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.mux.rdp_client import connected
from tests.mux.serving import noise, run, served, show

NLA = SecuritySettings()
RDP = SecuritySettings(nla=False, rdp=True)


@pytest.fixture
def config(certificate_directory: Path, tmp_path: Path) -> Config:
    return Config(certificate_dir=certificate_directory, state_dir=tmp_path)


def test_a_certificate_of_ours_is_made_once(certificate_directory: Path) -> None:
    assert load_certificate(certificate_directory) == load_certificate(certificate_directory)


def test_the_administrators_certificate_wins(certificate_directory: Path, tmp_path: Path) -> None:
    ours = load_certificate(certificate_directory)
    shutil.copy(ours.certificate_path, tmp_path / CERTIFICATE_FILE)
    shutil.copy(ours.key_path, tmp_path / KEY_FILE)
    assert load_certificate(tmp_path).certificate_path == tmp_path / CERTIFICATE_FILE
    (tmp_path / KEY_FILE).unlink()
    with pytest.raises(ConfigError, match=KEY_FILE):
        load_certificate(tmp_path)


def test_each_vm_has_its_accounts(config: Config, tmp_path: Path) -> None:
    set_password(tmp_path / "accounts.sam", "alice", "", "a")
    set_password(tmp_path / "own.sam", "bob", "", "b")
    vms = {"own": VmSettings(accounts=tmp_path / "own.sam")}
    doorkeeper = Doorkeeper(replace(config, vms=vms))
    common, own = doorkeeper.accounts("any"), doorkeeper.accounts("own")
    assert [bool(common.nt_hash(user, "")) for user in ("alice", "bob")] == [True, False]
    assert [bool(own.nt_hash(user, "")) for user in ("alice", "bob")] == [False, True]
    assert doorkeeper.accounts("another") is common
    assert doorkeeper.policy("own").accounts is own


def test_what_is_not_allowed_is_not_offered(config: Config) -> None:
    nla = Doorkeeper(config).policy("vm")
    assert nla.accounts is not None
    assert (nla.allow_tls, nla.standard) == (False, None)
    rdp = Doorkeeper(replace(config, security=RDP)).policy("vm")
    assert (rdp.accounts, rdp.tls_context, rdp.allow_tls) == (None, None, False)
    assert rdp.standard is not None


def test_nla_lets_the_right_password_in(config: Config) -> None:
    doorkeeper = Doorkeeper(config, accounts=Accounts().with_password("alice", "", "secret"))

    async def scenario() -> None:
        async with served(doorkeeper) as console:
            async with connected(console.port, user="alice", password="secret") as client:
                show(console, noise(64, 64))
                await client.until_shows(console.screen.pixels)
                [viewer] = console.viewers
                assert viewer.user == "alice"
            async with connected(console.port, user="alice", password="wrong") as client:
                await client.until(lambda: client.is_closed)
                assert not client.connection.is_active
            assert console.viewers == []

    run(scenario)


def test_tls_alone_is_refused_where_nla_is_wanted(config: Config) -> None:
    doorkeeper = Doorkeeper(config, accounts=Accounts())

    async def scenario() -> None:
        async with (
            served(doorkeeper) as console,
            connected(console.port, protocols=SecurityProtocol.SSL) as client,
        ):
            await client.until(lambda: client.is_closed)
            assert not client.seen(SecurityEstablished)

    run(scenario)


def test_standard_rdp_security_if_it_must_be(config: Config) -> None:
    doorkeeper = Doorkeeper(replace(config, security=RDP))

    async def scenario() -> None:
        async with (
            served(doorkeeper) as console,
            connected(console.port, protocols=SecurityProtocol.RDP) as client,
        ):
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)

    run(scenario)


def test_a_cookie_brings_a_viewer_back(doorkeeper: Doorkeeper, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console:
            async with connected(console.port, user="alice") as client:
                await client.until(lambda: bool(client.seen(AutoReconnectCookieReceived)))
                [cookie] = client.seen(AutoReconnectCookieReceived)
                client.drop()
            back = (cookie.logon_id, cookie.random_bits)
            async with connected(console.port, user="alice", auto_reconnect=back) as client:
                await client.until(lambda: client.connection.is_active)

    with caplog.at_level(logging.INFO):
        run(scenario)
    assert caplog.text.count("came back") == 1
