"""The certificates of standard RDP security: the specification's example and recorded ones."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.files.certificate_file import load_or_create
from pyrdpmux.rdp.standard_security.server_certificate import (
    ProprietaryCertificate,
    RsaKey,
    RsaPublicKey,
    ServerCertificate,
    X509CertificateChain,
    proprietary_certificate,
    public_key_of_server,
)
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import VECTORS
from tests.rows import Row, row_tests, unhex

#: MS-RDPBCGR 4.1.4, the serverCertificate of the annotated sequence
EXAMPLE = """
    01000000                                          # dwVersion
    01000000 01000000                                 # dwSigAlgId, dwKeyAlgId
    0600 5c00                                         # wPublicKeyBlobType, wPublicKeyBlobLen
    52534131 48000000 00020000 3f000000 01000100      # magic, keylen, bitlen, datalen, pubExp
    cb81feba6d61c35505d55f2e87f87194 d6f1a5cbf15f0c3df8700296c4fb9bc8
    3c2d55aee8ff3275ea6879e5a201fd31 a0b11f55a61fc1f6d18388632656 12bc
    0000000000000000                                  # modulus and its padding
    0800 4800                                         # wSignatureBlobType, wSignatureBlobLen
    e9e1d628468b4ef50adffdee2199acb4 e18f5f815782ef9d9652632718 29dbb3
    4afd9ada42adb56921890e1dc04c1aa8 aa713e0f54b99ae499683f6cd6768461
    0000000000000000                                  # signature and its padding
"""
EXAMPLE_KEY = RsaPublicKey(int.from_bytes(unhex(EXAMPLE)[36:100], "little"), 65537, 512)
#: MS-RDPBCGR 4.8
SAMPLE_KEY = RsaKey(
    RsaPublicKey(
        int.from_bytes(
            bytes.fromhex(
                "37a870fe9ab9a854cb9879447ab9eb3806ea26a147ea19705df352887021b59e"
                "50b4e1f51ad82d514d1aad797c8946b0cc667402d8285d9dd7cafc600f38f9b3"
            ),
            "little",
        ),
        65537,
        512,
    ),
    int.from_bytes(
        bytes.fromhex(
            "c107e7d4d3388d36f59e8b960d5565082825a32ec768d644852d32f672a89bba"
            "5e8282f05c0ceb6b126aa74515ce41e003e5e66ddffd58610b07a47bb3f37194"
        ),
        "little",
    ),
)

ROWS = [
    Row(
        "proprietary (MS-RDPBCGR 4.1.4)",
        ServerCertificate(ProprietaryCertificate(EXAMPLE_KEY, unhex(EXAMPLE)[112:])),
        EXAMPLE,
    ),
    Row(
        "X.509 chain, temporary (constructed)",
        ServerCertificate(X509CertificateChain((b"root", b"server")), is_temporary=True),
        """02000080 02000000 04000000 726f6f74 06000000 736572766572
           00000000000000000000000000000000""",
    ),
]

TestRows = row_tests(ROWS)


@pytest.fixture(scope="module")
def key() -> RsaKey:
    return RsaKey.generate(1024)


def test_the_specification_s_example_is_signed_and_signs_alike() -> None:
    example = ProprietaryCertificate(EXAMPLE_KEY, unhex(EXAMPLE)[112:])
    assert example.is_valid
    assert ProprietaryCertificate.sign(EXAMPLE_KEY) == example


def test_a_windows_server_s_certificate_is_signed_and_comes_back_byte_for_byte() -> None:
    path = VECTORS / "zeek" / "rdp-proprietary-encryption.pcap"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    data = path.read_bytes()
    start = data.index(b"RSA1") - 16
    value = decode(ServerCertificate, data[start : start + 184])
    assert isinstance(value.certificate, ProprietaryCertificate)
    assert value.certificate.is_valid
    assert value.certificate.public_key.bit_length == 512
    assert encode(value) == data[start : start + 184]


def test_a_windows_server_s_chain_comes_back_byte_for_byte() -> None:
    path = VECTORS / "zeek" / "rdp-x509.pcap"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    data = path.read_bytes()
    # dwVersion (temporary or not), two certificates, then a length and a SEQUENCE
    start = next(
        at
        for at in range(len(data) - 16)
        if data[at : at + 3] == b"\2\0\0" and data[at + 4 : at + 8] == b"\2\0\0\0" and data[at + 12] == 0x30
    )
    size = int.from_bytes(data[start - 36 : start - 32], "little")
    chain = data[start : start + size]
    value = decode(ServerCertificate, chain)
    assert isinstance(value.certificate, X509CertificateChain)
    assert len(value.certificate.certificates) == 2
    assert public_key_of_server(chain).bit_length >= 512
    # The padding holds what the server had in memory.
    assert encode(value)[:-16] == chain[:-16]


def test_our_certificate_is_read_back(key: RsaKey) -> None:
    data = proprietary_certificate(key)
    value = decode(ServerCertificate, data).certificate
    assert isinstance(value, ProprietaryCertificate)
    assert value.is_valid
    assert public_key_of_server(data) == key.public


def test_a_changed_certificate_is_not_valid(key: RsaKey) -> None:
    data = bytearray(proprietary_certificate(key))
    data[60] ^= 1
    value = decode(ServerCertificate, bytes(data)).certificate
    assert isinstance(value, ProprietaryCertificate)
    assert not value.is_valid
    assert not ProprietaryCertificate(key.public, b"\1" * 100).is_valid
    assert not ProprietaryCertificate(key.public, b"").is_valid


def test_the_client_random_of_4_8() -> None:
    client_random = b"\xff\xee" + bytes(29) + b"\xff"
    encrypted = SAMPLE_KEY.public.encrypt(client_random)
    assert len(encrypted) == 72
    assert encrypted[-8:] == bytes(8)
    assert encrypted[:32] != client_random
    assert SAMPLE_KEY.decrypt(encrypted, 32) == client_random
    assert SAMPLE_KEY.decrypt(encrypted[:64], 32) == client_random


@given(st.binary(min_size=32, max_size=32))
def test_any_client_random_comes_through(client_random: bytes) -> None:
    assert SAMPLE_KEY.decrypt(SAMPLE_KEY.public.encrypt(client_random), 32) == client_random


def test_what_is_not_for_our_key_is_refused() -> None:
    with pytest.raises(DecodeError, match="not encrypted with our"):
        SAMPLE_KEY.decrypt(b"\x55" * 64, 32)
    with pytest.raises(DecodeError, match="at most 72"):
        SAMPLE_KEY.decrypt(bytes(73), 32)


def test_the_private_key_does_not_show() -> None:
    assert str(SAMPLE_KEY.private_exponent) not in repr(SAMPLE_KEY)


def test_an_x509_chain_gives_its_last_key(tmp_path_factory: pytest.TempPathFactory) -> None:
    from datetime import UTC, datetime

    own = load_or_create(tmp_path_factory.mktemp("x509"), "x", datetime(2026, 11, 22, tzinfo=UTC))
    chain = encode(ServerCertificate(X509CertificateChain((b"root", own.der))))
    public = public_key_of_server(chain)
    parsed = x509.load_der_x509_certificate(own.der).public_key()
    spki = parsed.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    assert public.bit_length == 2048
    assert public.modulus.to_bytes(256, "big") in spki
    assert public.exponent == 65537


@pytest.mark.parametrize(
    ("at", "value", "path"),
    [
        (0, "03", "ServerCertificate.dwVersion"),
        (4, "02", "ServerCertificate.certData.dwSigAlgId"),
        (12, "07", "ServerCertificate.certData.wPublicKeyBlobType"),
        (16, "00", "ServerCertificate.certData.PublicKeyBlob.magic"),
        (20, "49", "ServerCertificate.certData.PublicKeyBlob.keylen"),
        (24, "00000000", "ServerCertificate.certData.PublicKeyBlob.bitlen"),
        (24, "00000100", "ServerCertificate.certData.PublicKeyBlob.bitlen"),
        (28, "40", "ServerCertificate.certData.PublicKeyBlob.datalen"),
        (36, "00" * 64, "ServerCertificate.certData.PublicKeyBlob.modulus"),
    ],
)
def test_what_is_wrong_is_named(at: int, value: str, path: str) -> None:
    data = bytearray(unhex(EXAMPLE))
    changed = bytes.fromhex(value)
    data[at : at + len(changed)] = changed
    with pytest.raises(DecodeError) as caught:
        decode(ServerCertificate, bytes(data))
    assert caught.value.path == path


@pytest.mark.parametrize("count", [0, 201, 0xFFFFFFFF])
def test_a_chain_has_a_limit(count: int) -> None:
    with pytest.raises(DecodeError, match="expected 1 to 200"):
        decode(X509CertificateChain, count.to_bytes(4, "little") + bytes(2000))
    with pytest.raises(DecodeError, match="at most"):
        decode(X509CertificateChain, b"\1\0\0\0\1\0\1\0")


@given(st.sampled_from(["01000000", "02000000", "02000080"]), st.binary(max_size=120))
def test_random_bytes_raise_decode_errors_only(version: str, data: bytes) -> None:
    try:
        value = decode(ServerCertificate, bytes.fromhex(version) + data)
    except DecodeError:
        return
    encode(value)


@given(st.binary(max_size=120))
def test_random_certificates_raise_decode_errors_only(data: bytes) -> None:
    for certificate in (data, b"\x30" + bytes([len(data)]) + data):
        with pytest.raises(DecodeError):
            public_key_of_server(encode(ServerCertificate(X509CertificateChain((certificate,)))))
