"""Record protection below what OpenSSL lets us choose: RFC vectors, and each suite against its own seal."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.tls_ciphers import SUITES, Suite, Tls13, expand_label, prf, tls12_readers


def test_expand_label_is_that_of_rfc_8448() -> None:
    """RFC 8448 section 3, {server} derive write traffic keys for handshake data."""
    secret = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    assert expand_label("sha256", secret, b"key", 16).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand_label("sha256", secret, b"iv", 12).hex() == "5d313eb2671276ee13000b30"


def test_prf_is_the_published_one() -> None:
    """The P_SHA256 test vector of the IETF TLS list (2009): 16 bytes of secret and seed."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    assert (
        prf("sha256", secret, b"test label", seed, 100).hex().startswith("e3f229ba727be17b8d122620557cd453")
    )


TLS13_SUITES = [number for number in SUITES if number >> 8 == 0x13]
SECRET = bytes(range(48))


def seal(suite: Suite, secret: bytes, number: int, content: bytes) -> bytes:
    """RFC 8446 5.2, the sender's half, for records numbered below 256."""
    key = expand_label(suite.hash_name, secret, b"key", suite.key_size)
    iv = bytearray(expand_label(suite.hash_name, secret, b"iv", 12))
    iv[-1] ^= number
    size = len(content) + suite.tag_size
    additional = b"\x17\x03\x03" + bytes([size >> 8, size & 0xFF])
    if suite.aead is AESGCM:
        return AESGCM(key).encrypt(bytes(iv), content, additional)
    if suite.aead is ChaCha20Poly1305:
        return ChaCha20Poly1305(key).encrypt(bytes(iv), content, additional)
    return AESCCM(key, suite.tag_size).encrypt(bytes(iv), content, additional)


@pytest.mark.parametrize("number", TLS13_SUITES, ids=hex)
def test_tls_1_3_records_with_padding_and_key_update(number: int) -> None:
    suite = SUITES[number]
    reader = Tls13(suite, SECRET)
    assert reader.open(23, 0x0303, seal(suite, SECRET, 0, b"hello\x17")) == (23, b"hello")
    assert reader.open(23, 0x0303, seal(suite, SECRET, 1, b"padded\x16\0\0\0")) == (22, b"padded")
    size = {"sha256": 32, "sha384": 48}[suite.hash_name]
    following = expand_label(suite.hash_name, SECRET, b"traffic upd", size)
    assert reader.updated().open(23, 0x0303, seal(suite, following, 0, b"new\x17")) == (23, b"new")


def test_a_record_of_nothing_but_padding_is_refused() -> None:
    suite = SUITES[0x1301]
    with pytest.raises(CaptureError, match="nothing but padding"):
        Tls13(suite, SECRET).open(23, 0x0303, seal(suite, SECRET, 0, b"\0\0"))


def test_a_suite_without_aead_is_refused_in_tls_1_3() -> None:
    with pytest.raises(CaptureError, match="without AEAD"):
        Tls13(SUITES[0x002F], SECRET)


@pytest.mark.parametrize("number", sorted(SUITES), ids=hex)
@pytest.mark.parametrize("fragment", [b"", bytes(31), bytes(64)], ids=len)
def test_short_and_wrong_records_are_capture_errors(number: int, fragment: bytes) -> None:
    for reader in tls12_readers(SUITES[number], bytes(48), bytes(32), bytes(32), False):
        with pytest.raises(CaptureError):
            reader.open(23, 0x0303, fragment)
    for reader in tls12_readers(SUITES[number], bytes(48), bytes(32), bytes(32), True):
        with pytest.raises(CaptureError):
            reader.open(23, 0x0303, fragment)
