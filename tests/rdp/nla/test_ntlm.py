"""NTLM's roles against each other and against pyspnego."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings

from pyrdpmux.errors import AuthenticationFailed, DecodeError, PeerError, SequenceError, StateError
from pyrdpmux.rdp.nla.ntlm import MAX_MESSAGE_SIZE, NtlmServer
from pyrdpmux.rdp.nla.ntlm_av_pairs import AvId, AvPairs
from pyrdpmux.rdp.nla.ntlm_messages import (
    AuthenticateMessage,
    ChallengeMessage,
    NegotiateFlags,
    Ntlmv2Response,
    Version,
)
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import NOW, PASSWORD, ntlm_client, ntlm_server

BINDINGS = bytes(range(16))


@pytest.mark.parametrize("without", [0, NegotiateFlags.KEY_EXCH, NegotiateFlags.NEGOTIATE_56])
@pytest.mark.parametrize("domain", ["", ".", "CONSOLE", "elsewhere"])
def test_our_client_and_our_server(without: int, domain: str) -> None:
    server, client = ntlm_server(), ntlm_client(domain=domain, user="ALICE", without=without)
    assert server.step(client.step(server.step(client.step(b"")))) == b""
    assert server.is_complete
    assert client.is_complete
    assert (server.user, server.domain, server.has_mic) == ("ALICE", domain, True)
    assert server.session.unwrap(client.session.wrap(b"secret")) == b"secret"
    assert client.session.unwrap(server.session.wrap(b"answer")) == b"answer"


def test_the_challenge_says_who_we_are() -> None:
    challenge = decode(ChallengeMessage, ntlm_server().step(ntlm_client().step(b"")))
    pairs = challenge.target_info
    assert pairs is not None
    assert pairs.get(AvId.NB_COMPUTER_NAME) == "CONSOLE".encode("utf-16-le")
    assert pairs.get(AvId.NB_DOMAIN_NAME) == "WORKGROUP".encode("utf-16-le")
    assert pairs.timestamp == NOW
    assert challenge.flags & NegotiateFlags.TARGET_TYPE_SERVER


def ntlm_context(password: str = PASSWORD, **options: object) -> spnego.ContextProxy:
    use_ntlm = spnego.NegotiateOptions.use_ntlm
    return spnego.client("alice", password, "console", protocol="ntlm", options=use_ntlm, **options)  # type: ignore[arg-type]


def test_pyspnego_logs_on_and_talks() -> None:
    server, client = ntlm_server(), ntlm_context()
    assert server.step(client.step(server.step(client.step() or b"")) or b"") == b""
    assert client.complete
    assert server.has_mic
    assert server.session.unwrap(client.wrap(b"from them").data) == b"from them"
    assert client.unwrap(server.session.wrap(b"from us")).data == b"from us"
    server.session.verify(b"signed", client.sign(b"signed"))
    client.verify(b"signed", server.session.sign(b"signed"))


def test_pyspnego_as_server_takes_our_client(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    file = Path(str(tmp_path)) / "users"
    file.write_text(f"CONSOLE:alice:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))
    server = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    client = ntlm_client()
    server.step(client.step(server.step(client.step(b"")) or b""))
    assert server.complete
    assert server.unwrap(client.session.wrap(b"from us")).data == b"from us"
    assert client.session.unwrap(server.wrap(b"from them").data) == b"from them"


@pytest.mark.parametrize("password", ["", "password", PASSWORD.lower()])
def test_a_wrong_password_is_an_authentication_failure(password: str) -> None:
    server, client = ntlm_server(), ntlm_context(password)
    token = client.step(server.step(client.step() or b"")) or b""
    with pytest.raises(AuthenticationFailed, match="wrong password") as caught:
        server.step(token)
    assert caught.value.nt_status == 0xC000006D
    assert not server.is_complete
    with pytest.raises(StateError):
        _ = server.session
    with pytest.raises(SequenceError):
        server.step(token)


def test_an_unknown_user_is_told_the_same() -> None:
    reasons = []
    for user, password in (("nobody", PASSWORD), ("alice", "wrong")):
        server, client = ntlm_server(), ntlm_client(password, user)
        with pytest.raises(AuthenticationFailed) as caught:
            server.step(client.step(server.step(client.step(b""))))
        reasons.append(caught.value.reason.replace(user, "X"))
    assert reasons[0] == reasons[1]


def attack(change: Callable[[AuthenticateMessage], AuthenticateMessage]) -> None:
    """A logon whose last message is changed on the way."""
    server, client = ntlm_server(), ntlm_client()
    message = decode(AuthenticateMessage, client.step(server.step(client.step(b""))))
    assert encode(change(message)) != encode(message)
    server.step(encode(change(message)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda m: replace(m, workstation=b"x\0"), "MIC over"),
        (lambda m: replace(m, mic=bytes(16)), "MIC over"),
        (lambda m: replace(m, mic=None), "MIC is missing"),
        (lambda m: replace(m, flags=m.flags & ~NegotiateFlags.NEGOTIATE_128), "NEGOTIATE_128"),
        (lambda m: replace(m, flags=m.flags ^ NegotiateFlags.KEY_EXCH), "MIC over"),
        (lambda m: replace(m, encrypted_random_session_key=b"short"), "session key of 5 bytes"),
        (lambda m: replace(m, nt_challenge_response=b""), "anonymous"),
        (lambda m: replace(m, user_name=b"", nt_challenge_response=b""), "anonymous"),
        (lambda m: replace(m, nt_challenge_response=bytes(24)), "NTLMv1"),
        (lambda m: replace(m, domain_name=b"x\0"), "wrong password"),
    ],
)
def test_attacks_are_refused(
    change: Callable[[AuthenticateMessage], AuthenticateMessage], reason: str
) -> None:
    with pytest.raises(AuthenticationFailed, match=reason):
        attack(change)


def test_half_a_character_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="UserName"):
        attack(lambda m: replace(m, user_name=b"abc"))


def test_a_message_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(DecodeError, match="at most"):
        ntlm_server().step(bytes(MAX_MESSAGE_SIZE + 1))


def test_a_weak_client_is_refused() -> None:
    flags = NegotiateFlags.NEGOTIATE_128 | NegotiateFlags.EXTENDED_SESSIONSECURITY
    with pytest.raises(AuthenticationFailed, match=r"EXTENDED_SESSIONSECURITY\|NEGOTIATE_128"):
        ntlm_server().step(ntlm_client(without=flags).step(b""))


@pytest.mark.parametrize(
    ("ours", "theirs", "is_accepted"),
    [
        (None, BINDINGS, True),
        (BINDINGS, BINDINGS, True),
        (BINDINGS, bytes(16), True),
        (BINDINGS, b"\1" * 16, False),
        (BINDINGS, b"short", False),
    ],
)
def test_channel_bindings(ours: bytes | None, theirs: bytes, is_accepted: bool) -> None:
    server, client = ntlm_server(ours), ntlm_client(channel_bindings=theirs)
    token = client.step(server.step(client.step(b"")))
    if is_accepted:
        server.step(token)
        assert server.is_complete
        return
    with pytest.raises(AuthenticationFailed, match="channel bindings"):
        server.step(token)


def test_pyspnego_s_channel_bindings_are_understood() -> None:
    import hashlib

    bindings = GssChannelBindings(application_data=b"tls-server-end-point:hash")
    for ours, is_accepted in ((hashlib.md5(bindings.pack()).digest(), True), (BINDINGS, False)):
        server, client = ntlm_server(ours), ntlm_context(channel_bindings=bindings)
        token = client.step(server.step(client.step() or b"")) or b""
        if is_accepted:
            server.step(token)
            assert server.is_complete
        else:
            with pytest.raises(AuthenticationFailed, match="channel bindings"):
                server.step(token)


def test_a_server_without_time_gets_an_answer_without_mic() -> None:
    client = ntlm_client()
    client.step(b"")
    flags = decode(ChallengeMessage, ntlm_server().step(ntlm_client().step(b""))).flags
    challenge = ChallengeMessage(flags, bytes(8), b"", AvPairs(), Version())
    message = decode(AuthenticateMessage, client.step(encode(challenge)))
    response = decode(Ntlmv2Response, message.nt_challenge_response)
    assert response.timestamp == NOW
    assert response.av_pairs.flags == 0
    assert not client.has_mic
    with pytest.raises(SequenceError):
        client.step(b"")


def test_a_password_does_not_show() -> None:
    assert "ssword" not in repr(ntlm_client()) + repr(ntlm_server())


@given(st.binary(max_size=120), st.booleans())
def test_random_messages_raise_peer_errors_only(data: bytes, is_second: bool) -> None:
    server: NtlmServer = ntlm_server()
    if is_second:
        server.step(ntlm_client().step(b""))
        data = b"NTLMSSP\0\3\0\0\0" + data
    with pytest.raises(PeerError):
        server.step(data)
