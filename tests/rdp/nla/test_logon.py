"""Challenge and response in, session key out: what can be asked without knowing a hash."""

import hmac
import pickle
from collections.abc import Callable

import pytest

from pyrdpmux.errors import AuthenticationFailed, SequenceError, StateError
from pyrdpmux.rdp.crypto.md4 import nt_hash
from pyrdpmux.rdp.nla import logon as module
from pyrdpmux.rdp.nla.accounts import Account, Accounts
from pyrdpmux.rdp.nla.credssp import CredSspClient, CredSspServer
from pyrdpmux.rdp.nla.logon import NtlmLogon, Proof, check_ntlm
from pyrdpmux.rdp.nla.ntlm import NtlmServer
from pyrdpmux.rdp.nla.ntlm_session import nt_proof, response_key
from pyrdpmux.rdp.nla.spnego import SpnegoClient, SpnegoServer
from tests.rdp.nla.support import ACCOUNTS, NAMES, NOW, counting_entropy, ntlm_client
from tests.rdp.nla.test_credssp import PUBLIC_KEY, VERSIONS, make_client, wall_clock

CHALLENGE = bytes(range(8))
CLIENT_PART = b"\1\1" + bytes(42)


def logon_with(stored: bytes, user: str = "alice", domain: str = "LAB", said: str | None = None) -> NtlmLogon:
    """A response of somebody with this hash; the name and domain that are said may be others."""
    proof = nt_proof(response_key(stored, user, domain), CHALLENGE, CLIENT_PART)
    return NtlmLogon(user, domain if said is None else said, CHALLENGE, proof + CLIENT_PART)


class TestCheck:
    def test_the_right_hash_gives_a_key(self) -> None:
        proof = check_ntlm(logon_with(nt_hash("secret")), nt_hash("secret"))
        assert proof is not None
        assert (proof.user, proof.domain, proof.ticket) == ("alice", "LAB", None)
        assert len(proof.session_base_key) == 16

    def test_a_key_without_the_domain_is_good_too(self) -> None:
        assert check_ntlm(logon_with(nt_hash("secret"), domain="", said="LAB"), nt_hash("secret"))
        assert (
            check_ntlm(logon_with(nt_hash("secret"), domain="OTHER", said="LAB"), nt_hash("secret")) is None
        )

    @pytest.mark.parametrize("stored", [nt_hash("other"), bytes(16), None], ids=["other", "zero", "none"])
    def test_others_are_not(self, stored: bytes | None) -> None:
        assert check_ntlm(logon_with(nt_hash("secret")), stored) is None

    @pytest.mark.parametrize("response", [b"", b"\0" * 15, b"\0" * 16, b"\xff" * 24])
    def test_a_response_of_any_length_is_wrong_and_no_more(self, response: bytes) -> None:
        assert check_ntlm(NtlmLogon("alice", "", CHALLENGE, response), nt_hash("secret")) is None

    def test_no_response_is_right_for_somebody_who_does_not_exist(self) -> None:
        """Also none that is made with what stands in for the hash."""
        assert check_ntlm(logon_with(module._NO_HASH), None) is None

    @pytest.mark.parametrize("made_with", [nt_hash("guess"), module._NO_HASH], ids=["guess", "stand-in"])
    def test_an_unknown_user_costs_what_a_wrong_password_costs(
        self, made_with: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        logon = logon_with(made_with)
        work: list[str] = []

        def counted(name: str, function: Callable[..., object]) -> Callable[..., object]:
            def call(*args: object) -> object:
                work.append(name)
                return function(*args)

            return call

        for name in ("response_key", "nt_proof", "session_base_key"):
            monkeypatch.setattr(module, name, counted(name, getattr(module, name)))
        monkeypatch.setattr(
            "pyrdpmux.rdp.nla.logon.hmac.compare_digest", counted("compare", hmac.compare_digest)
        )
        assert check_ntlm(logon, nt_hash("another")) is None
        wrong, work[:] = list(work), []
        assert check_ntlm(logon, None) is None
        assert work == wrong
        assert len(work) == 6

    def test_secrets_do_not_print(self) -> None:
        logon = logon_with(nt_hash("secret"))
        proof = check_ntlm(logon, nt_hash("secret"))
        assert repr(logon) == "NtlmLogon(user='alice', domain='LAB')"
        assert repr(proof) == "Proof(user='alice', domain='LAB', ticket=None)"

    def test_both_can_go_to_another_process(self) -> None:
        logon = logon_with(nt_hash("secret"))
        assert pickle.loads(pickle.dumps(logon)) == logon
        proof = Proof(b"k" * 16, "alice", "", ("vm", 7))
        assert pickle.loads(pickle.dumps(proof)) == proof


class TestAccounts:
    accounts = Accounts((Account("Alice", "", nt_hash("secret")), Account("alice", "lab", nt_hash("lab"))))

    @pytest.mark.parametrize(
        ("logon", "who"),
        [
            (logon_with(nt_hash("secret"), "ALICE", "ANYWHERE"), ("Alice", "")),
            (logon_with(nt_hash("lab"), "ALICE", "LAB"), ("alice", "lab")),
            (logon_with(nt_hash("secret"), "ALICE", "LAB"), None),
            (logon_with(nt_hash("secret"), "bob", "LAB"), None),
        ],
    )
    def test_a_proof_names_the_account(self, logon: NtlmLogon, who: tuple[str, str] | None) -> None:
        proof = self.accounts.check(logon)
        assert (None if proof is None else (proof.user, proof.domain)) == who


class TestLater:
    """The roles wait for an answer where there is nobody who answers at once."""

    def ntlm(self) -> NtlmServer:
        return NtlmServer(NAMES, None, NOW, counting_entropy())

    def credssp(self) -> CredSspServer:
        return CredSspServer(None, PUBLIC_KEY, "console", wall_clock, counting_entropy())

    def test_ntlm(self) -> None:
        server, client = self.ntlm(), ntlm_client()
        assert server.logon is None
        assert server.step(client.step(server.step(client.step(b"")))) == b""
        assert not server.is_complete
        assert server.logon is not None
        assert (server.logon.user, server.logon.domain) == ("alice", "CONSOLE")
        proof = ACCOUNTS.check(server.logon)
        server.answer(proof)
        assert server.is_complete
        assert server.proof is proof
        assert server.logon is None
        assert server.session.unwrap(client.session.wrap(b"secret")) == b"secret"

    def test_ntlm_takes_one_answer_and_only_to_a_question(self) -> None:
        server, client = self.ntlm(), ntlm_client()
        for _ in range(2):
            with pytest.raises(StateError):
                server.answer(None)
        token = client.step(server.step(client.step(b"")))
        server.step(token)
        with pytest.raises(SequenceError):
            server.step(token)
        with pytest.raises(AuthenticationFailed, match="wrong password"):
            server.answer(None)
        with pytest.raises(StateError):
            server.answer(Proof(bytes(16), "alice", ""))
        assert not server.is_complete

    def test_a_key_that_is_not_the_clients_is_noticed(self) -> None:
        """Who answers wrongly lets nobody in: the MIC is made with the real key."""
        server, client = self.ntlm(), ntlm_client()
        server.step(client.step(server.step(client.step(b""))))
        with pytest.raises(AuthenticationFailed, match="MIC"):
            server.answer(Proof(bytes(16), "alice", ""))

    def test_spnego(self) -> None:
        server, client = SpnegoServer(self.ntlm()), SpnegoClient(ntlm_client())
        assert server.step(client.step(server.step(client.step(b"")))) == b""
        assert server.logon is not None
        assert not server.is_complete
        client.step(server.answer(ACCOUNTS.check(server.logon)))
        assert server.is_complete
        assert client.is_complete

    def exchange(self, server: CredSspServer, client: CredSspClient) -> None:
        """As far as they come."""
        while data := client.data_to_send():
            server.receive_data(data)
            client.receive_data(server.data_to_send())

    @pytest.mark.parametrize("negotiation", [ntlm_client, lambda: SpnegoClient(ntlm_client())])
    @pytest.mark.parametrize("version", VERSIONS)
    def test_credssp(self, version: int, negotiation: Callable[[], SpnegoClient]) -> None:
        server, client = self.credssp(), make_client(version=version, negotiation=negotiation())
        self.exchange(server, client)
        assert server.logon is not None
        assert not server.is_complete
        server.answer(ACCOUNTS.check(server.logon))
        client.receive_data(server.data_to_send())
        self.exchange(server, client)
        assert server.is_complete
        assert client.is_complete
        assert server.proof is not None
        assert server.proof.user == "alice"

    def test_what_comes_meanwhile_is_kept(self) -> None:
        """A client that sends its pubKeyAuth on its own may do so before our answer."""
        server, client = self.credssp(), make_client()
        server.receive_data(client.data_to_send())
        client.receive_data(server.data_to_send())
        data = client.data_to_send()
        server.receive_data(data + b"\x30")
        assert server.logon is not None
        server.receive_data(b"\x03")
        server.answer(ACCOUNTS.check(server.logon))
        assert server.trailing_data() == b"\x30\x03"

    def test_no_is_told_as_ever(self) -> None:
        server, client = self.credssp(), make_client("wrong")
        self.exchange(server, client)
        assert server.logon is not None
        assert ACCOUNTS.check(server.logon) is None
        with pytest.raises(AuthenticationFailed, match="wrong password"):
            server.answer(None)
        with pytest.raises(AuthenticationFailed) as told:
            client.receive_data(server.data_to_send())
        assert told.value.nt_status == 0xC000006D
        with pytest.raises(StateError):
            server.answer(None)
