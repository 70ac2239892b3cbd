"""CredSSP's roles against each other and against pyspnego, whose client also does the TLS."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import AuthenticationFailed, DecodeError, LimitExceeded, PeerError, SequenceError
from pyrdpmux.files.certificate_file import load_or_create, server_context
from pyrdpmux.rdp.nla.credssp import CredSspClient, CredSspServer, Negotiation, filetime, take_ts_request
from pyrdpmux.rdp.nla.ntlm_messages import NegotiateFlags
from pyrdpmux.rdp.nla.spnego import SpnegoClient
from pyrdpmux.rdp.nla.spnego_tokens import MECH_KERBEROS, MECH_NTLM
from pyrdpmux.rdp.nla.ts_request import CredentialType, TSCredentials, TSPasswordCreds, TSRequest
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import ACCOUNTS, PASSWORD, counting_entropy, ntlm_client

PUBLIC_KEY = b"\x30\x82\x01\x0a" + bytes(range(200))
VERSIONS = range(2, 7)


def wall_clock() -> float:
    return 1_800_000_000.0


def make_server(
    public_key: bytes = PUBLIC_KEY,
    *,
    channel_bindings: bytes | None = None,
    max_version: int = 6,
    min_version: int = 2,
) -> CredSspServer:
    return CredSspServer(
        ACCOUNTS,
        public_key,
        "console",
        wall_clock,
        counting_entropy(),
        channel_bindings=channel_bindings,
        max_version=max_version,
        min_version=min_version,
    )


def make_client(
    password: str = PASSWORD,
    *,
    public_key: bytes = PUBLIC_KEY,
    negotiation: Negotiation | None = None,
    credentials: TSCredentials | None = None,
    version: int = 6,
) -> CredSspClient:
    return CredSspClient(
        "alice",
        "DOMAIN",
        password,
        public_key,
        wall_clock,
        counting_entropy(),
        negotiation=negotiation,
        credentials=credentials,
        max_version=version,
    )


def pieces(data: bytes, size: int | None) -> Iterator[bytes]:
    step = size or len(data) or 1
    for at in range(0, len(data), step):
        yield data[at : at + step]


def run(server: CredSspServer, client: CredSspClient, size: int | None = None) -> None:
    """Carry bytes both ways until there are none."""
    for _ in range(10):
        to_server = client.data_to_send()
        for piece in pieces(to_server, size):
            server.receive_data(piece)
        to_client = server.data_to_send()
        for piece in pieces(to_client, size):
            client.receive_data(piece)
        if not to_server and not to_client:
            return
    pytest.fail("the exchange does not end")


NEGOTIATIONS: dict[str, Callable[[], Negotiation]] = {
    "bare NTLM": ntlm_client,
    "bare NTLM without key exchange": lambda: ntlm_client(without=NegotiateFlags.KEY_EXCH),
    "SPNEGO": lambda: SpnegoClient(ntlm_client()),
    "SPNEGO without key exchange": lambda: SpnegoClient(ntlm_client(without=NegotiateFlags.KEY_EXCH)),
    "SPNEGO, Kerberos preferred": lambda: SpnegoClient(ntlm_client(), (MECH_KERBEROS, MECH_NTLM), b"ticket"),
}


@pytest.mark.parametrize("name", NEGOTIATIONS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_and_negotiation(version: int, name: str) -> None:
    server, client = make_server(), make_client(version=version, negotiation=NEGOTIATIONS[name]())
    run(server, client)
    assert server.is_complete
    assert client.is_complete
    assert server.version == client.version == version
    assert server.user == "alice"
    assert server.credentials is not None
    assert server.credentials.password == TSPasswordCreds("DOMAIN", "alice", PASSWORD)
    assert server.trailing_data() == b""


@pytest.mark.parametrize("version", VERSIONS)
def test_an_older_server_is_met_at_its_version(version: int) -> None:
    server, client = make_server(max_version=version), make_client()
    run(server, client)
    assert server.is_complete
    assert client.is_complete
    assert client.version == server.version == version


def test_a_newer_client_is_met_at_six() -> None:
    server, client = make_server(), make_client(version=9)
    run(server, client)
    assert server.is_complete
    assert server.version == client.version == 6


@pytest.mark.parametrize("size", [1, 7, None])
def test_chunks_do_not_matter_and_what_follows_is_kept(size: int | None) -> None:
    server, client = make_server(), make_client()
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send() + b"\0\0\0\0")
    assert client.trailing_data() == b"\0\0\0\0"
    for piece in pieces(client.data_to_send() + b"\3\0\0\7RDP", size):
        server.receive_data(piece)
    assert server.is_complete
    assert server.trailing_data() == b"\3\0\0\7RDP"
    assert server.trailing_data() == b""
    run(make_server(), make_client(), size)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["bare NTLM", "SPNEGO"])
def test_a_wrong_password_is_told_to_clients_that_can_show_it(version: int, name: str) -> None:
    ntlm = ntlm_client("wrong")
    server = make_server()
    client = make_client(version=version, negotiation=ntlm if name == "bare NTLM" else SpnegoClient(ntlm))
    with pytest.raises(AuthenticationFailed, match="wrong password for 'alice'"):
        run(server, client)
    answer = server.data_to_send()
    assert not server.is_complete
    if version in (2, 5):
        assert answer == b""
        return
    assert decode(TSRequest, answer) == TSRequest(6, error_code=0xC000006D)
    with pytest.raises(AuthenticationFailed) as caught:
        client.receive_data(answer)
    assert caught.value.nt_status == 0xC000006D
    with pytest.raises(SequenceError):
        server.receive_data(b"\x30")
    with pytest.raises(SequenceError):
        client.receive_data(b"\x30")


def test_a_version_below_the_least_allowed_is_refused() -> None:
    server, client = make_server(min_version=5), make_client(version=4)
    with pytest.raises(AuthenticationFailed, match="version 4, at least 5") as caught:
        run(server, client)
    assert caught.value.nt_status == 0xC00000BB
    assert decode(TSRequest, server.data_to_send()).error_code == 0xC00000BB


@pytest.mark.parametrize("version", [4, 6])
def test_another_certificate_in_between_is_noticed_by_the_server(version: int) -> None:
    server, client = make_server(b"\x30other"), make_client(version=version)
    with pytest.raises(AuthenticationFailed, match="another certificate"):
        run(server, client)


class RelayedServer(CredSspServer):
    """A server that cannot check the client's pubKeyAuth and replays it."""

    def _check_public_key(self, sealed: bytes, nonce: bytes | None) -> bytes:
        session = self._spnego.session
        return session.wrap(session.unwrap(sealed))


@pytest.mark.parametrize("version", [4, 6])
def test_a_replayed_public_key_is_noticed_by_the_client(version: int) -> None:
    server = RelayedServer(ACCOUNTS, PUBLIC_KEY, "console", wall_clock, counting_entropy())
    client = make_client(version=version)
    with pytest.raises(AuthenticationFailed, match="not for its certificate"):
        run(server, client)
    assert server.credentials is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: replace(m, client_nonce=None), "without a clientNonce"),
        (lambda m: replace(m, client_nonce=b"short"), "without a clientNonce"),
        (lambda m: replace(m, client_nonce=bytes(32)), "another certificate"),
        (lambda m: replace(m, pub_key_auth=b""), "no room"),
        (lambda m: replace(m, pub_key_auth=bytes(48)), "signature"),
        (lambda m: replace(m, error_code=0xC0000001), "gives up"),
    ],
)
def test_a_wrong_second_message_is_refused(change: Callable[[TSRequest], TSRequest], reason: str) -> None:
    server, client = make_server(), make_client()
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    message = decode(TSRequest, client.data_to_send())
    with pytest.raises(AuthenticationFailed, match=reason):
        server.receive_data(encode(change(message)))
    assert decode(TSRequest, server.data_to_send()).error_code == 0xC000006D


def test_restricted_admin_delegates_nothing() -> None:
    for nothing in (TSPasswordCreds(), b""):
        server = make_server()
        run(server, make_client(credentials=TSCredentials(CredentialType.PASSWORD, nothing)))
        assert server.is_complete
        assert server.user == "alice"
        assert server.credentials == TSCredentials(CredentialType.PASSWORD, nothing)


def test_other_credentials_are_kept_as_they_came() -> None:
    server = make_server()
    guard = TSCredentials(CredentialType.REMOTE_GUARD, b"\x30\x00")
    run(server, make_client(credentials=guard))
    assert server.credentials == guard


def test_messages_out_of_order_are_sequence_errors() -> None:
    with pytest.raises(SequenceError, match="negoTokens"):
        make_server().receive_data(encode(TSRequest(6, pub_key_auth=b"x")))
    server, client = make_server(), make_client()
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    server.receive_data(client.data_to_send())
    with pytest.raises(SequenceError, match="authInfo"):
        server.receive_data(encode(TSRequest(6, (b"x",))))
    with pytest.raises(SequenceError, match="negoTokens"):
        make_client().receive_data(encode(TSRequest(6)))
    spnego_server = make_server()
    spnego_client = make_client(negotiation=SpnegoClient(ntlm_client()))
    for _ in range(2):
        spnego_server.receive_data(spnego_client.data_to_send())
        spnego_client.receive_data(spnego_server.data_to_send())
    with pytest.raises(SequenceError, match="pubKeyAuth"):
        spnego_server.receive_data(encode(TSRequest(6, (b"x",))))


def test_a_client_insists_on_the_public_key() -> None:
    server, client = make_server(), make_client()
    server.receive_data(client.data_to_send())
    client.receive_data(server.data_to_send())
    with pytest.raises(SequenceError, match="pubKeyAuth"):
        client.receive_data(encode(TSRequest(6, (b"x",))))


def test_credentials_that_are_none_are_decode_errors() -> None:
    class Delegating(CredSspClient):
        def _on_public_key(self, request: TSRequest) -> None:
            session = self._negotiation.session
            session.unwrap(request.pub_key_auth or b"")
            self._send(TSRequest(6, auth_info=session.wrap(b"nonsense")))

    server = make_server()
    with pytest.raises(DecodeError, match="TSCredentials"):
        run(server, Delegating("alice", "", PASSWORD, PUBLIC_KEY, wall_clock, counting_entropy()))
    assert server.data_to_send() == b""


def test_passwords_do_not_show() -> None:
    server, client = make_server(), make_client()
    run(server, client)
    assert "ssword" not in repr(server) + repr(client) + repr(server.credentials)


def test_frames_are_cut_out_of_a_buffer() -> None:
    frame = encode(TSRequest(6, (b"x" * 200,)))
    buffer = bytearray()
    for byte in frame:
        assert take_ts_request(buffer) is None
        buffer.append(byte)
    buffer += b"rest"
    assert take_ts_request(buffer) == frame
    assert buffer == b"rest"
    with pytest.raises(DecodeError):
        take_ts_request(buffer)
    with pytest.raises(LimitExceeded):
        take_ts_request(bytearray.fromhex("3084ffffffff"))


def test_filetime_counts_from_1601() -> None:
    assert filetime(0) == 116444736000000000
    assert filetime(-11644473600) == 0
    assert filetime(1.5) == 116444736015000000


@given(st.binary(max_size=100), st.integers(0, 2))
def test_random_bytes_raise_peer_errors_only(data: bytes, after: int) -> None:
    server, client = make_server(), make_client()
    for _ in range(after):
        server.receive_data(client.data_to_send())
        client.receive_data(server.data_to_send())
    # A random frame, then random contents in a well-formed one.
    for candidate in (data, encode(TSRequest(6, (data,), data, data, None, data))):
        try:
            server.receive_data(candidate)
        except PeerError:
            break
    assert not server.is_complete
    try:
        client.receive_data(b"\x30" + bytes([len(data)]) + data)
    except PeerError:
        assert not client.is_complete


# -- pyspnego ------------------------------------------------------------------------------------


@dataclass
class Terminal:
    """Our side as a server process would hold it: TLS, and CredSSP inside."""

    certificate: Certificate
    context: ssl.SSLContext

    def admit(self, client: spnego.ContextProxy, server: CredSspServer) -> None:
        tls = TlsEndpoint(self.context, server_side=True)
        token = client.step()
        for _ in range(12):
            tls.receive_data(token or b"")
            try:
                server.receive_data(tls.read())
            finally:
                if answer := server.data_to_send():
                    tls.write(answer)
                self.answer = tls.data_to_send()
            if server.is_complete:
                return
            token = client.step(self.answer)
        pytest.fail("the exchange does not end")


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    certificate = load_or_create(tmp_path_factory.mktemp("credssp"), "localhost", now)
    return Terminal(certificate, server_context(certificate.certificate_path, certificate.key_path))


def their_client(
    password: str = PASSWORD, protocol: str = "negotiate", username: str = "alice"
) -> spnego.ContextProxy:
    use_ntlm = spnego.NegotiateOptions.use_ntlm if protocol == "ntlm" else spnego.NegotiateOptions.none
    inner = spnego.client(username, password, "console", protocol=protocol, options=use_ntlm)
    return spnego.client(username, password, "console", protocol="credssp", credssp_negotiate_context=inner)


@pytest.mark.parametrize("protocol", ["negotiate", "ntlm"])
@pytest.mark.parametrize("username", ["alice", "LAB\\Alice"])
def test_pyspnego_logs_on(terminal: Terminal, protocol: str, username: str) -> None:
    client = their_client(protocol=protocol, username=username)
    server = make_server(
        terminal.certificate.public_key_der, channel_bindings=terminal.certificate.channel_bindings
    )
    terminal.admit(client, server)
    assert client.complete
    assert server.version == 6
    assert server.user.lower() == "alice"
    assert server.domain == ("LAB" if "LAB" in username else "")
    assert server.credentials is not None
    assert server.credentials.password is not None
    assert server.credentials.password.password == PASSWORD


@pytest.mark.parametrize("version", VERSIONS)
def test_pyspnego_logs_on_with_an_older_server(terminal: Terminal, version: int) -> None:
    client = their_client()
    server = make_server(terminal.certificate.public_key_der, max_version=version)
    terminal.admit(client, server)
    assert client.complete
    assert server.version == version


@pytest.mark.parametrize("protocol", ["negotiate", "ntlm"])
def test_pyspnego_understands_that_the_password_is_wrong(terminal: Terminal, protocol: str) -> None:
    client = their_client("wrong", protocol)
    server = make_server(terminal.certificate.public_key_der)
    with pytest.raises(AuthenticationFailed, match="wrong password"):
        terminal.admit(client, server)
    with pytest.raises(spnego.exceptions.InvalidCredentialError):
        client.step(terminal.answer)


def test_pyspnego_notices_another_certificate(terminal: Terminal) -> None:
    server = RelayedServer(ACCOUNTS, b"\x30other", "console", wall_clock, counting_entropy())
    with pytest.raises(spnego.exceptions.BadBindingsError):
        terminal.admit(their_client(), server)
