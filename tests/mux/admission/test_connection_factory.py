import logging
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.admission.connection_factory import HEARTBEAT_SECONDS, ConnectionFactory
from pyrdpmux.mux.admission.identities import CERTIFICATE_FILE, KEY_FILE, load_certificate
from pyrdpmux.mux.settings.config import Config, SecuritySettings, VmSettings
from pyrdpmux.rdp.connection.events import AutoReconnectCookieReceived, SecurityEstablished
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.mux.rdp_client import RdpClient, connected
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


def test_viewers_hear_heartbeats(config: Config) -> None:
    server = ConnectionFactory(config).server_config("vm", (640, 480), lambda proof: True)
    assert server.heartbeat_seconds == HEARTBEAT_SECONDS > 0


def test_what_is_not_allowed_is_not_offered(config: Config) -> None:
    nla = ConnectionFactory(config).policy("vm")
    assert nla.asks_owner
    assert (nla.allow_tls, nla.standard) == (False, None)
    rdp = ConnectionFactory(replace(config, security=RDP)).policy("vm")
    assert (rdp.asks_owner, rdp.tls_context, rdp.allow_tls) == (False, None, False)
    assert rdp.standard is not None


def test_nla_lets_the_right_password_in(config: Config) -> None:
    factory = ConnectionFactory(config, accounts=Accounts().with_password("alice", "", "secret"))

    async def scenario() -> None:
        async with served(factory) as console:
            async with connected(console.port, user="alice", password="secret") as client:
                show(console, noise(64, 64))
                await client.until_shows(console.screen.pixels)
                [viewer] = console.viewers
                assert viewer.principal.user == "alice"
            async with connected(console.port, user="alice", password="wrong") as client:
                await client.until(lambda: client.is_closed)
                assert not client.connection.is_active
            assert console.viewers == []

    run(scenario)


def test_tls_alone_is_refused_where_nla_is_wanted(config: Config) -> None:
    factory = ConnectionFactory(config, accounts=Accounts())

    async def scenario() -> None:
        async with (
            served(factory) as console,
            connected(console.port, protocols=SecurityProtocol.SSL) as client,
        ):
            await client.until(lambda: client.is_closed)
            assert not client.seen(SecurityEstablished)

    run(scenario)


def test_standard_rdp_security_if_it_must_be(config: Config) -> None:
    factory = ConnectionFactory(replace(config, security=RDP))

    async def scenario() -> None:
        async with (
            served(factory) as console,
            connected(console.port, protocols=SecurityProtocol.RDP) as client,
        ):
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)

    run(scenario)


def test_a_cookie_brings_a_viewer_back(factory: ConnectionFactory, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
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


def test_each_vm_has_its_certificate(config: Config, tmp_path: Path) -> None:
    vms = {"own": VmSettings(certificate_dir=tmp_path / "own")}
    factory = ConnectionFactory(replace(config, vms=vms))
    common, own = factory.policy("any"), factory.policy("own")
    assert common.certificate == load_certificate(config.certificate_path())
    assert own.certificate == load_certificate(tmp_path / "own")
    assert own.certificate != common.certificate
    assert own.tls_context is not common.tls_context


def test_a_new_certificate_drops_nobody(config: Config, tmp_path: Path) -> None:
    config = replace(config, certificate_dir=tmp_path, security=SecuritySettings(nla=False, tls=True))
    ours = load_certificate(tmp_path)
    factory = ConnectionFactory(config)

    def certificate_of(client: RdpClient) -> bytes | None:
        assert client.connection.tls is not None
        return client.connection.tls.peer_certificate_der()

    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as before:
            await before.until(lambda: before.connection.is_active)
            ours.certificate_path.unlink()
            ours.key_path.unlink()
            factory.reload(config)
            assert factory.policy("vm").certificate != ours
            async with connected(console.port) as after:
                await after.until(lambda: after.connection.is_active)
                assert certificate_of(after) != certificate_of(before)
            show(console, noise(64, 64))
            await before.until_shows(console.screen.pixels)

    run(scenario)


def test_a_certificate_that_cannot_be_used_changes_nothing(config: Config, tmp_path: Path) -> None:
    factory = ConnectionFactory(config)
    policy = factory.policy("vm")
    (tmp_path / CERTIFICATE_FILE).write_text("not a certificate")
    with pytest.raises(ConfigError, match=CERTIFICATE_FILE):
        factory.reload(replace(config, certificate_dir=tmp_path))
    assert factory.policy("vm").tls_context is policy.tls_context


def is_decided(client: RdpClient) -> bool:
    return client.connection.is_active or client.is_closed


def test_who_may_not_be_here_hears_it_as_early_as_can_be(config: Config) -> None:
    accounts = Accounts().with_password("alice", "", "secret").with_password("bob", "", "secret")
    factory = ConnectionFactory(config, accounts=accounts)

    async def scenario() -> None:
        protocols = SecurityProtocol.SSL | SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX
        async with served(factory, settings=VmSettings(users=("alice",))) as console:
            for user in ("alice", "bob"):
                async with connected(
                    console.port, user=user, password="secret", protocols=protocols
                ) as client:
                    await client.until(partial(is_decided, client))
                    assert client.connection.is_active == (user == "alice")

    run(scenario)
