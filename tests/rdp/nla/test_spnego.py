"""SPNEGO's roles against each other, against pyspnego, and fed with mstsc's first token."""

import pytest
import spnego
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import AuthenticationFailed, DecodeError, PeerError, SequenceError
from pyrdpmux.rdp.nla.ntlm_messages import NegotiateFlags
from pyrdpmux.rdp.nla.spnego import SpnegoClient, SpnegoServer
from pyrdpmux.rdp.nla.spnego_tokens import (
    MECH_KERBEROS,
    MECH_MS_KERBEROS,
    MECH_NTLM,
    NegState,
    NegTokenInit,
    NegTokenResp,
    decode_token,
)
from pyrdpmux.rdp.nla.ts_request import TSRequest
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import PASSWORD, ntlm_client, ntlm_server, recorded_units


def response(token: bytes) -> NegTokenResp:
    value = decode_token(token)
    assert isinstance(value, NegTokenResp)
    return value


def talk(server: SpnegoServer, client: SpnegoClient) -> None:
    assert server.session.unwrap(client.session.wrap(b"question")) == b"question"
    assert client.session.unwrap(server.session.wrap(b"answer")) == b"answer"


@pytest.mark.parametrize("without", [0, NegotiateFlags.KEY_EXCH])
def test_ntlm_as_the_first_choice(without: int) -> None:
    server, client = SpnegoServer(ntlm_server()), SpnegoClient(ntlm_client(without=without))
    challenge = server.step(client.step(b""))
    assert response(challenge).neg_state == NegState.ACCEPT_INCOMPLETE
    assert response(challenge).supported_mech == MECH_NTLM
    last = server.step(client.step(challenge))
    assert response(last).neg_state == NegState.ACCEPT_COMPLETED
    assert response(last).mech_list_mic is not None
    assert not client.is_complete
    assert client.step(last) == b""
    assert client.is_complete
    assert server.is_complete
    assert server.user == "alice"
    talk(server, client)


def test_ntlm_as_the_second_choice_with_an_optimistic_token_for_the_first() -> None:
    server = SpnegoServer(ntlm_server())
    client = SpnegoClient(ntlm_client(), (MECH_MS_KERBEROS, MECH_KERBEROS, MECH_NTLM), b"a Kerberos ticket")
    choice = server.step(client.step(b""))
    assert response(choice) == NegTokenResp(NegState.REQUEST_MIC, MECH_NTLM)
    challenge = server.step(client.step(choice))
    client.step(server.step(client.step(challenge)))
    assert server.is_complete
    assert client.is_complete
    talk(server, client)


def test_mstsc_s_offer_of_kerberos_first_is_answered_with_ntlm() -> None:
    units = [data for name, data in recorded_units("tsreq") if name.endswith("#2 c2s")]
    tokens = [decode(TSRequest, data).nego_token or b"" for data in units]
    for token in tokens[:2]:
        server = SpnegoServer(ntlm_server())
        assert response(server.step(token)) == NegTokenResp(NegState.REQUEST_MIC, MECH_NTLM)
    assert tokens[2].startswith(b"NTLMSSP\0")
    server = SpnegoServer(ntlm_server())
    assert server.step(tokens[2]).startswith(b"NTLMSSP\0\2")


def test_bare_ntlm_needs_no_spnego() -> None:
    server, client = SpnegoServer(ntlm_server()), ntlm_client()
    assert server.step(client.step(server.step(client.step(b"")))) == b""
    assert server.is_complete
    assert server.session.unwrap(client.session.wrap(b"x")) == b"x"


def test_bare_ntlm_stays_bare() -> None:
    server, client = SpnegoServer(ntlm_server()), ntlm_client()
    answer = client.step(server.step(client.step(b"")))
    with pytest.raises(SequenceError):
        server.step(encode(NegTokenResp(response_token=answer)))


def test_ntlm_as_the_first_choice_without_a_token() -> None:
    server, client = SpnegoServer(ntlm_server()), ntlm_client()
    first = server.step(encode(NegTokenInit((MECH_NTLM,))))
    assert response(first) == NegTokenResp(NegState.ACCEPT_INCOMPLETE, MECH_NTLM)
    challenge = response(server.step(encode(NegTokenResp(response_token=client.step(b"")))))
    answer = NegTokenResp(response_token=client.step(challenge.response_token or b""))
    last = response(server.step(encode(answer)))
    # The client sent no mechListMIC and needs none, as its own first choice was taken.
    assert last == NegTokenResp(NegState.ACCEPT_COMPLETED)


def use_ntlm(password: str = PASSWORD) -> spnego.ContextProxy:
    options = spnego.NegotiateOptions.use_negotiate
    return spnego.client("alice", password, "console", protocol="negotiate", options=options)


def test_pyspnego_negotiates_ntlm() -> None:
    server, client = SpnegoServer(ntlm_server()), use_ntlm()
    token = client.step()
    while token:
        answer = server.step(token)
        token = client.step(answer)
    assert server.is_complete
    assert client.complete
    assert client.negotiated_protocol == "ntlm"
    assert server.session.unwrap(client.wrap(b"question").data) == b"question"
    assert client.unwrap(server.session.wrap(b"answer")).data == b"answer"


def test_pyspnego_with_a_wrong_password_is_refused() -> None:
    server, client = SpnegoServer(ntlm_server()), use_ntlm("wrong")
    token = client.step(server.step(client.step() or b""))
    with pytest.raises(AuthenticationFailed):
        server.step(token or b"")


def test_pyspnego_as_server_takes_our_client(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("spnego") / "users"
    file.write_text(f"CONSOLE:alice:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))
    server = spnego.server(protocol="negotiate", options=spnego.NegotiateOptions.use_negotiate)
    client = SpnegoClient(ntlm_client())
    answer = client.step(b"")
    while not client.is_complete:
        answer = client.step(server.step(answer) or b"")
    assert server.complete
    assert server.unwrap(client.session.wrap(b"from us")).data == b"from us"


def test_a_removed_choice_is_noticed() -> None:
    """RFC 4178 7: an attacker takes Kerberos out of the client's offer."""
    server = SpnegoServer(ntlm_server())
    client = SpnegoClient(ntlm_client(), (MECH_NTLM, MECH_KERBEROS))
    offer = decode_token(client.step(b""))
    assert isinstance(offer, NegTokenInit)
    challenge = server.step(encode(NegTokenInit((MECH_NTLM,), offer.mech_token)))
    with pytest.raises(AuthenticationFailed, match="signature"):
        server.step(client.step(challenge))


def test_a_missing_mech_list_mic_is_refused_where_it_is_needed() -> None:
    server = SpnegoServer(ntlm_server())
    client = SpnegoClient(ntlm_client(), (MECH_KERBEROS, MECH_NTLM))
    answer = response(client.step(server.step(client.step(server.step(client.step(b""))))))
    with pytest.raises(AuthenticationFailed, match="mechListMIC"):
        server.step(encode(NegTokenResp(response_token=answer.response_token)))


def test_a_client_without_ntlm_is_refused() -> None:
    with pytest.raises(AuthenticationFailed, match="does not offer NTLM"):
        SpnegoServer(ntlm_server()).step(encode(NegTokenInit((MECH_KERBEROS,), b"ticket")))


def test_a_client_that_rejects_is_believed() -> None:
    server = SpnegoServer(ntlm_server())
    server.step(SpnegoClient(ntlm_client()).step(b""))
    with pytest.raises(AuthenticationFailed, match="rejects"):
        server.step(encode(NegTokenResp(NegState.REJECT)))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (NegTokenResp(NegState.REJECT), "rejects"),
        (NegTokenResp(NegState.ACCEPT_INCOMPLETE, MECH_KERBEROS), "not NTLM"),
    ],
)
def test_our_client_refuses_wrong_answers(answer: NegTokenResp, reason: str) -> None:
    client = SpnegoClient(ntlm_client())
    client.step(b"")
    with pytest.raises(AuthenticationFailed, match=reason):
        client.step(encode(answer))


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (NegTokenResp(NegState.ACCEPT_COMPLETED), "missing"),
        (NegTokenResp(NegState.ACCEPT_COMPLETED, mech_list_mic=bytes(16)), "signature"),
        (NegTokenResp(NegState.ACCEPT_INCOMPLETE), "complete"),
    ],
)
def test_our_client_insists_on_the_server_s_mic(last: NegTokenResp, reason: str) -> None:
    server, client = SpnegoServer(ntlm_server()), SpnegoClient(ntlm_client())
    server.step(client.step(server.step(client.step(b""))))
    with pytest.raises(AuthenticationFailed, match=reason):
        client.step(encode(last))


def test_tokens_out_of_order_are_sequence_errors() -> None:
    init = encode(NegTokenInit((MECH_NTLM,)))
    with pytest.raises(SequenceError):
        SpnegoServer(ntlm_server()).step(encode(NegTokenResp()))
    server = SpnegoServer(ntlm_server())
    server.step(init)
    with pytest.raises(SequenceError):
        server.step(init)
    with pytest.raises(SequenceError):
        server.step(encode(NegTokenResp()))
    client = SpnegoClient(ntlm_client())
    client.step(b"")
    with pytest.raises(SequenceError):
        client.step(init)


@given(st.binary(max_size=100))
def test_random_tokens_raise_peer_errors_only(data: bytes) -> None:
    client = SpnegoClient(ntlm_client())
    client.step(b"")
    with pytest.raises(PeerError):
        SpnegoServer(ntlm_server()).step(data)
    with pytest.raises(DecodeError):
        client.step(data)
