"""Which license is for which request."""

from dataclasses import replace

import pytest

from pyrdpmux.rdp.licensing.store import MemoryLicenseStore
from pyrdpmux.rdp.pdu.licensing.license import NewLicenseInfo
from pyrdpmux.rdp.pdu.licensing.request import ProductInfo

ISSUED = NewLicenseInfo(0x00060000, b"scope\0", b"company", b"product", b"license")
PRODUCT = ProductInfo(0x00060000, b"company", b"product")


@pytest.mark.parametrize(
    ("product", "scopes", "found"),
    [
        (PRODUCT, (b"scope\0",), True),
        (PRODUCT, (b"other\0", b"scope\0"), True),
        (PRODUCT, (), True),
        (replace(PRODUCT, version=0x00050002), (b"scope\0",), True),
        (replace(PRODUCT, version=0x000A0000), (b"scope\0",), False),
        (replace(PRODUCT, company_name=b"another"), (b"scope\0",), False),
        (replace(PRODUCT, product_id=b"another"), (b"scope\0",), False),
        (PRODUCT, (b"other\0",), False),
    ],
)
def test_what_fits(product: ProductInfo, scopes: tuple[bytes, ...], found: bool) -> None:
    store = MemoryLicenseStore([ISSUED])
    assert store.load(product, scopes) == (b"license" if found else None)


def test_the_lowest_version_that_will_do() -> None:
    store = MemoryLicenseStore([replace(ISSUED, version=0x000A0000, license_info=b"later"), ISSUED])
    assert store.load(PRODUCT, ()) == b"license"


def test_a_new_license_replaces_the_one_of_its_kind() -> None:
    store = MemoryLicenseStore([ISSUED])
    store.save(replace(ISSUED, license_info=b"upgraded"))
    assert store.load(PRODUCT, ()) == b"upgraded"
