"""Licenses that outlive the program."""

from dataclasses import replace
from pathlib import Path

import pytest

from pyrdpmux.harness.peers.errors import ClientError
from pyrdpmux.harness.peers.license_file import MAX_LICENSE_SIZE, LicenseFolder
from pyrdpmux.rdp.pdu.licensing.license import NewLicenseInfo
from pyrdpmux.rdp.pdu.licensing.request import ProductInfo

ISSUED = NewLicenseInfo(0x00060000, b"scope\0", b"company", b"product", b"license")
PRODUCT = ProductInfo(0x00060000, b"company", b"product")


def test_it_is_there_the_next_time(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "licenses"
    store = LicenseFolder(folder)
    assert store.load(PRODUCT, ()) is None
    store.save(ISSUED)
    store.save(replace(ISSUED, license_info=b"upgraded"))
    store.save(replace(ISSUED, version=0x00050002))
    assert LicenseFolder(folder).load(PRODUCT, (b"scope\0",)) == b"upgraded"
    files = list(folder.iterdir())
    assert len(files) == 2
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"nonsense", "no license: "), (bytes(MAX_LICENSE_SIZE + 1), "more than 65536 bytes")],
)
def test_a_bad_file_is_named(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "bad.license").write_bytes(data)
    with pytest.raises(ClientError, match=rf"bad\.license: {text}"):
        LicenseFolder(tmp_path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.license").mkdir()
    with pytest.raises(ClientError, match=r"folder\.license: cannot read: Is a directory"):
        LicenseFolder(tmp_path)
