"""Standard RDP security: both sides, all methods, key updates, and what can be checked on paper."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, StateError
from pyrdpmux.rdp.standard_security.encryption import (
    PACKETS_PER_KEY,
    EncryptionMethod,
    StandardSecurity,
    expand_fips_key,
    reduce_key,
    security_verifier,
    session_keys,
    update_key,
)

CLIENT_RANDOM = bytes(range(32))
SERVER_RANDOM = bytes(range(100, 132))
METHODS = [
    EncryptionMethod.BITS_40,
    EncryptionMethod.BITS_56,
    EncryptionMethod.BITS_128,
    EncryptionMethod.FIPS,
]


def pair(method: EncryptionMethod) -> tuple[StandardSecurity, StandardSecurity]:
    return (
        StandardSecurity.for_server(CLIENT_RANDOM, SERVER_RANDOM, method),
        StandardSecurity.for_client(CLIENT_RANDOM, SERVER_RANDOM, method),
    )


def carry(sender: StandardSecurity, receiver: StandardSecurity, data: bytes) -> None:
    signature, cipher = sender.encrypt(data)
    assert len(signature) == 8
    pad_size = len(cipher) - len(data)
    plain = receiver.decrypt(cipher, signature, is_salted=sender.salts_output, pad_size=pad_size)
    assert plain == data
    assert receiver.is_fips or pad_size == 0


@pytest.mark.parametrize("method", METHODS)
@given(packets=st.lists(st.tuples(st.booleans(), st.booleans(), st.binary(max_size=40)), max_size=6))
def test_both_directions(method: EncryptionMethod, packets: list[tuple[bool, bool, bytes]]) -> None:
    server, client = pair(method)
    for from_server, is_salted, data in packets:
        sender, receiver = (server, client) if from_server else (client, server)
        sender.salts_output = is_salted
        carry(sender, receiver, data)


@pytest.mark.parametrize("method", METHODS)
def test_a_long_session_outlives_its_keys(method: EncryptionMethod) -> None:
    server, client = pair(method)
    client.salts_output = True
    for i in range(2 * PACKETS_PER_KEY + 3):
        carry(client, server, b"%d" % i)
    carry(server, client, b"the other direction has its own count")


def test_a_key_is_used_for_4096_packets() -> None:
    _, client = pair(EncryptionMethod.BITS_128)
    _, _, key = session_keys(CLIENT_RANDOM, SERVER_RANDOM)
    fresh_after_update = StandardSecurity.for_client(CLIENT_RANDOM, SERVER_RANDOM, EncryptionMethod.BITS_128)
    for _ in range(PACKETS_PER_KEY):
        fresh_after_update.encrypt(b"")  # empty packets leave the key stream at its beginning
    assert client.encrypt(bytes(8))[1] != fresh_after_update.encrypt(bytes(8))[1]
    from pyrdpmux.rdp.crypto.rc4 import rc4

    _, again = pair(EncryptionMethod.BITS_128)
    for _ in range(PACKETS_PER_KEY - 1):
        again.encrypt(b"")
    assert again.encrypt(bytes(8))[1] == rc4(key).update(bytes(8))
    updated = update_key(key, key, EncryptionMethod.BITS_128)
    assert again.encrypt(bytes(8))[1] == rc4(updated).update(bytes(8))


def test_weak_keys_are_salted() -> None:
    key = bytes(range(16))
    assert reduce_key(key, EncryptionMethod.BITS_40).hex() == "d1269e0304050607"
    assert reduce_key(key, EncryptionMethod.BITS_56).hex() == "d101020304050607"
    assert reduce_key(key, EncryptionMethod.BITS_128) == key
    weak = reduce_key(key, EncryptionMethod.BITS_40)
    assert update_key(weak, weak, EncryptionMethod.BITS_40)[:3].hex() == "d1269e"
    assert len(update_key(weak, weak, EncryptionMethod.BITS_40)) == 8


def test_session_keys_step_by_step() -> None:
    """5.3.5.1 written out once more, without helpers."""
    both = CLIENT_RANDOM + SERVER_RANDOM
    pre_master = CLIENT_RANDOM[:24] + SERVER_RANDOM[:24]
    master = b""
    for salt in (b"\x41", b"\x42\x42", b"\x43\x43\x43"):
        master += hashlib.md5(pre_master + hashlib.sha1(salt + pre_master + both).digest()).digest()
    blob = b""
    for salt in (b"\x58", b"\x59\x59", b"\x5a\x5a\x5a"):
        blob += hashlib.md5(master + hashlib.sha1(salt + master + both).digest()).digest()
    mac, to_client, to_server = session_keys(CLIENT_RANDOM, SERVER_RANDOM)
    assert mac == blob[:16]
    assert to_client == hashlib.md5(blob[16:32] + both).digest()
    assert to_server == hashlib.md5(blob[32:48] + both).digest()


def test_the_signature_step_by_step() -> None:
    """5.3.6.1 and 5.3.6.1.1."""
    mac, _, _ = session_keys(CLIENT_RANDOM, SERVER_RANDOM)
    _, client = pair(EncryptionMethod.BITS_128)
    inner = hashlib.sha1(mac + b"\x36" * 40 + b"\4\0\0\0" + b"data").digest()
    assert client.encrypt(b"data")[0] == hashlib.md5(mac + b"\x5c" * 48 + inner).digest()[:8]
    client.salts_output = True
    inner = hashlib.sha1(mac + b"\x36" * 40 + b"\4\0\0\0" + b"data" + b"\1\0\0\0").digest()
    assert client.encrypt(b"data")[0] == hashlib.md5(mac + b"\x5c" * 48 + inner).digest()[:8]


def test_the_fips_key_of_5_3_5_2() -> None:
    expanded = expand_fips_key(bytes.fromhex("d15ec47eda") + bytes(16))
    assert len(expanded) == 24
    assert expanded[:5].hex() == "513d107626"
    assert all(byte.bit_count() % 2 for byte in expanded)


@pytest.mark.parametrize("method", METHODS)
def test_what_is_changed_replayed_or_cut_is_refused(method: EncryptionMethod) -> None:
    _, client = pair(method)
    signature, cipher = client.encrypt(b"sixteen bytes ab")
    for at in range(len(cipher)):
        changed = bytearray(cipher)
        changed[at] ^= 1
        with pytest.raises(DecodeError, match="signature"):
            pair(method)[0].decrypt(bytes(changed), signature)
    with pytest.raises(DecodeError, match="signature"):
        pair(method)[0].decrypt(cipher, b"")
    with pytest.raises(DecodeError):
        pair(method)[0].decrypt(cipher[:8], signature)
    server, _ = pair(method)
    assert server.decrypt(cipher, signature) == b"sixteen bytes ab"
    with pytest.raises(DecodeError, match="signature"):
        server.decrypt(cipher, signature)


@pytest.mark.parametrize(("size", "pad_size"), [(7, 0), (8, 8), (8, 255), (0, 1), (9, 1)])
def test_impossible_fips_padding_is_refused(size: int, pad_size: int) -> None:
    server, _ = pair(EncryptionMethod.FIPS)
    with pytest.raises(DecodeError, match="padding"):
        server.decrypt(bytes(size), bytes(8), pad_size=pad_size)


@pytest.mark.parametrize("method", [EncryptionMethod.NONE, EncryptionMethod(3), EncryptionMethod(0x100)])
def test_it_needs_exactly_one_method(method: EncryptionMethod) -> None:
    with pytest.raises(StateError):
        StandardSecurity.for_server(CLIENT_RANDOM, SERVER_RANDOM, method)


def test_descriptions_have_no_keys() -> None:
    assert [repr(pair(method)[0]) for method in METHODS] == [
        "<StandardSecurity RC4 with 40 bits>",
        "<StandardSecurity RC4 with 56 bits>",
        "<StandardSecurity RC4 with 128 bits>",
        "<StandardSecurity triple DES (FIPS)>",
    ]


def test_the_security_verifier_is_an_hmac_md5() -> None:
    # RFC 2202 2, test case 1
    assert security_verifier(b"\x0b" * 16, b"Hi There").hex() == "9294727a3638bb1c13f48ef8158bfc9d"
