"""The server's certificate on disk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from spnego.tls import get_certificate_public_key

from pyrdpmux.errors import ConfigError, DecodeError
from pyrdpmux.files.certificate_file import CERTIFICATE_FILE, KEY_FILE, load, load_or_create, server_context
from pyrdpmux.files.private_file import write_private
from pyrdpmux.rdp.tls.certificate import Certificate, public_key_of
from pyrdpmux.rdp.tls.context import client_context

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return load_or_create(tmp_path_factory.mktemp("certificate") / "state", "console.example", NOW)


def test_it_is_kept(made: Certificate) -> None:
    again = load_or_create(made.key_path.parent, "another name", NOW)
    assert again == made
    assert again.fingerprint == made.fingerprint
    assert len(made.fingerprint) == 95


def test_only_the_owner_reads_the_key(made: Certificate) -> None:
    assert made.key_path.stat().st_mode & 0o777 == 0o600
    assert made.key_path.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in made.key_path.parent.iterdir()) == [CERTIFICATE_FILE, KEY_FILE]


def test_what_is_in_it(made: Certificate) -> None:
    parsed = x509.load_der_x509_certificate(made.der)
    assert parsed.subject.rfc4514_string() == "CN=console.example"
    assert parsed.not_valid_before_utc < NOW < parsed.not_valid_after_utc
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["console.example"]


def test_a_name_that_is_no_host_name_is_possible(tmp_path: Path) -> None:
    for i, name in enumerate(["Büro " * 20, "ä" * 40, "", "two words"]):
        assert load_or_create(tmp_path / str(i), name, NOW).der


def test_the_public_key_is_the_one_credssp_wants(made: Certificate) -> None:
    assert made.public_key_der == get_certificate_public_key(made.der)
    assert made.public_key_der[:2] == b"\x30\x82"  # RSAPublicKey, not SubjectPublicKeyInfo
    assert made.public_key_der in made.der


def certificate_with(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> x509.Certificate:
    name = x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(NOW).not_valid_after(NOW).public_key(key.public_key())
    return builder.sign(key, hashes.SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) else None)


def test_an_ec_key_is_possible(made: Certificate) -> None:
    der = certificate_with(ec.generate_private_key(ec.SECP256R1())).public_bytes(serialization.Encoding.DER)
    assert public_key_of(der)[0] == 4  # an uncompressed point: 04 x y
    assert len(public_key_of(der)) == 65
    assert public_key_of(der) in der
    assert len(Certificate(made.certificate_path, made.key_path, der).channel_bindings) == 16


def test_channel_bindings_are_those_of_another_implementation(made: Certificate) -> None:
    # RFC 5929 4.1: the prefix and the certificate's SHA-256, wrapped as RFC 2744 wants it.
    import hashlib

    from spnego.channel_bindings import GssChannelBindings

    data = b"tls-server-end-point:" + hashlib.sha256(made.der).digest()
    packed = GssChannelBindings(application_data=data).pack()
    assert made.channel_bindings == hashlib.md5(packed).digest()


@pytest.mark.parametrize("data", [b"", b"\x30\x03\x02\x01\x00", b"\xff" * 50])
def test_a_peer_s_broken_certificate_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        public_key_of(data)


def test_an_unusable_kind_of_key_is_refused(tmp_path: Path) -> None:
    der = certificate_with(ed25519.Ed25519PrivateKey.generate())
    with pytest.raises(DecodeError, match="neither"):
        public_key_of(der.public_bytes(serialization.Encoding.DER))
    path = tmp_path / "c.pem"
    path.write_bytes(der.public_bytes(serialization.Encoding.PEM))
    with pytest.raises(ConfigError, match=r"c\.pem: neither"):
        load(path, path)


@pytest.mark.parametrize("broken", [CERTIFICATE_FILE, KEY_FILE])
@pytest.mark.parametrize("how", ["gone", "empty", "garbage"])
def test_a_broken_file_is_named(made: Certificate, tmp_path: Path, broken: str, how: str) -> None:
    for path in (made.certificate_path, made.key_path):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    if how == "gone":
        (tmp_path / broken).unlink()
    else:
        (tmp_path / broken).write_bytes(b"" if how == "empty" else b"-----BEGIN nothing-----\n")
    with pytest.raises(ConfigError, match=broken):
        load_or_create(tmp_path, "x", NOW)
    with pytest.raises(ConfigError, match=broken):
        server_context(tmp_path / CERTIFICATE_FILE, tmp_path / KEY_FILE)


def test_a_key_that_others_may_read_is_refused(made: Certificate, tmp_path: Path) -> None:
    """As Debian has it, a group may; and a link is the administrator's own."""
    write_private(tmp_path / "server.key", made.key_path.read_bytes())
    (tmp_path / "link").symlink_to("server.key")
    for mode in (0o600, 0o400, 0o640, 0o440):
        (tmp_path / "server.key").chmod(mode)
        assert load(made.certificate_path, tmp_path / "link").der == made.der
    (tmp_path / "server.key").chmod(0o644)
    with pytest.raises(ConfigError, match="link: mode 0644, everybody may read it: run `chmod o-rw,g-w "):
        load(made.certificate_path, tmp_path / "link")


def test_a_foreign_key_is_named(made: Certificate, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    foreign = tmp_path / "foreign.key"
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    write_private(foreign, key.private_bytes(*private, serialization.NoEncryption()))
    with pytest.raises(ConfigError, match=r"foreign\.key: the key does not belong"):
        load(made.certificate_path, foreign)
    with pytest.raises(ConfigError, match=r"foreign\.key"):
        server_context(made.certificate_path, foreign)
    write_private(foreign, key.private_bytes(*private, serialization.BestAvailableEncryption(b"x")))
    with pytest.raises(ConfigError, match=r"foreign\.key: the key is encrypted"):
        load(made.certificate_path, foreign)
    with pytest.raises(ConfigError, match=r"foreign\.key"):
        server_context(made.certificate_path, foreign)


def test_a_directory_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="file"):
        load_or_create(tmp_path / "file" / "state", "x", NOW)


def test_a_key_log_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        client_context(tmp_path / "missing" / "log")
