"""NTLMv2's cryptography against the values of MS-NLMP 4.2.4 and FreeRDP's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import AuthenticationFailed
from pyrdpmux.rdp.crypto.md4 import nt_hash
from pyrdpmux.rdp.crypto.rc4 import rc4
from pyrdpmux.rdp.nla.ntlm_messages import NegotiateFlags
from pyrdpmux.rdp.nla.ntlm_session import NtlmSession, nt_proof, response_key, session_base_key, upper
from tests.rdp.nla.support import VECTORS

#: MS-NLMP 4.2.1
RANDOM_SESSION_KEY = b"\x55" * 16
SERVER_CHALLENGE = bytes.fromhex("0123456789abcdef")
TEMP = bytes.fromhex(
    "01010000000000000000000000000000aaaaaaaaaaaaaaaa00000000"
    "02000c0044006f006d00610069006e0001000c00530065007200760065007200"
    "0000000000000000"
)
KEY_EXCH = NegotiateFlags.KEY_EXCH


def test_responses_and_keys_of_4_2_4() -> None:
    key = response_key(nt_hash("Password"), "User", "Domain")
    assert key.hex() == "0c868a403bfd7a93a3001ef22ef02e3f"  # 4.2.4.1.1
    proof = nt_proof(key, SERVER_CHALLENGE, TEMP)
    assert proof.hex() == "68cd0ab851e51c96aabc927bebef6a1c"  # 4.2.4.2.2
    base = session_base_key(key, proof)
    assert base.hex() == "8de40ccadbc14a82f15cb0ad0de95ca3"  # 4.2.4.1.2
    assert rc4(base).update(RANDOM_SESSION_KEY).hex() == "c5dad2544fc9799094ce1ce90bc9d03e"  # 4.2.4.2.3


def test_sealing_of_4_2_4_4() -> None:
    client = NtlmSession(RANDOM_SESSION_KEY, KEY_EXCH, is_client=True)
    sealed = client.wrap("Plaintext".encode("utf-16-le"))
    assert sealed[:16].hex() == "010000007fb38ec5c55d497600000000"
    assert sealed[16:].hex() == "54e50165bf1936dc996020c1811b0f06fb5f"


def test_freerdp_s_hashes() -> None:
    folder = VECTORS / "freerdp" / "c-arrays"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")

    def vector(name: str) -> bytes:
        return (folder / f"TestSspiNTLM.TEST_{name}.bin").read_bytes()

    assert nt_hash("") == vector("EMPTY_PWD_NTLM_HASH")
    assert response_key(vector("NTLM_HASH"), "Username", "Domain") == vector("NTLM_V2_HASH")


def test_upper_case_is_that_of_windows() -> None:
    assert upper("Stra\u00dfe \u00e4\u00f6 user") == "STRA\u00dfE \u00c4\u00d6 USER"


def sessions(flags: NegotiateFlags) -> tuple[NtlmSession, NtlmSession]:
    return NtlmSession(RANDOM_SESSION_KEY, flags, True), NtlmSession(RANDOM_SESSION_KEY, flags, False)


@given(
    st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=8),
    st.sampled_from([KEY_EXCH, NegotiateFlags(0)]),
)
def test_both_directions_in_any_order(messages: list[tuple[bool, bytes]], flags: NegotiateFlags) -> None:
    client, server = sessions(flags)
    for from_client, message in messages:
        sender, receiver = (client, server) if from_client else (server, client)
        sealed = sender.wrap(message)
        assert receiver.unwrap(sealed) == message
        receiver.verify(message, sender.sign(message))


@pytest.mark.parametrize("flags", [KEY_EXCH, NegotiateFlags(0)])
def test_a_mech_list_mic_counts_but_leaves_the_key_stream_alone(flags: NegotiateFlags) -> None:
    client, server = sessions(flags)
    server.verify_mech_list(b"mechs", client.sign_mech_list(b"mechs"))
    sealed = client.wrap(b"first message")
    assert sealed[12:16] == b"\1\0\0\0"
    fresh, _ = sessions(flags)
    assert fresh.wrap(b"first message")[16:] == sealed[16:]
    assert server.unwrap(sealed) == b"first message"


def test_what_is_changed_replayed_or_cut_is_refused() -> None:
    client, _ = sessions(KEY_EXCH)
    sealed = client.wrap(b"message")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 0x80
        with pytest.raises(AuthenticationFailed):
            sessions(KEY_EXCH)[1].unwrap(bytes(changed))
    for size in range(len(sealed)):
        with pytest.raises(AuthenticationFailed):
            sessions(KEY_EXCH)[1].unwrap(sealed[:size])
    _, server = sessions(KEY_EXCH)
    assert server.unwrap(sealed) == b"message"
    with pytest.raises(AuthenticationFailed):
        server.unwrap(sealed)
