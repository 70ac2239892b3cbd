"""Who may log on is what libvirt said last."""

from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.mux.admission.identities import load_certificate
from pyrdpmux.mux.libvirt.credentials import Credentials, load_identity
from pyrdpmux.rdp.crypto.md4 import nt_hash


def test_nobody_before_it_is_said() -> None:
    credentials = Credentials()
    assert credentials.nt_hash("", "") is None
    assert credentials.find("alice", "") is None


def test_the_last_word_counts() -> None:
    credentials = Credentials()
    credentials.set("alice", "one", "")
    assert credentials.nt_hash("ALICE", "ANYWHERE") == nt_hash("one")
    credentials.set("bob", "two", "LAB")
    assert credentials.nt_hash("alice", "") is None
    assert credentials.nt_hash("bob", "lab") == nt_hash("two")
    assert credentials.nt_hash("bob", "other") is None
    account = credentials.find("bob", "LAB")
    assert account is not None
    assert account.user == "bob"


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("alice", ""), ("", "")])
def test_empty_ones_admit_nobody(user: str, password: str) -> None:
    credentials = Credentials()
    credentials.set("alice", "one", "")
    credentials.set(user, password, "")
    assert credentials.nt_hash("alice", "") is None
    assert credentials.nt_hash("", "") is None


def test_certificates(certificate_directory: Path, tmp_path: Path) -> None:
    found = load_certificate(certificate_directory)
    identity = load_identity(found.certificate_path, found.key_path)
    assert identity.certificate.der == found.der
    with pytest.raises(ConfigError):
        load_identity(found.certificate_path, tmp_path / "key.pem")
