"""Where a client keeps the licenses that it was issued (MS-RDPELE 3.3.1.8)."""

from collections.abc import Iterable
from typing import Protocol

from pyrdpmux.rdp.pdu.licensing.license import NewLicenseInfo
from pyrdpmux.rdp.pdu.licensing.request import ProductInfo


class LicenseStore(Protocol):
    """Given by the owner of a client connection; called while PDUs are handled, so neither may wait."""

    def load(self, product: ProductInfo, scopes: tuple[bytes, ...]) -> bytes | None:
        """The license for this product that one of ``scopes`` has issued; None without one."""
        ...

    def save(self, issued: NewLicenseInfo) -> None:
        """Keep a license; it replaces the one with the same version, scope, company and product."""
        ...


def is_for(issued: NewLicenseInfo, product: ProductInfo, scopes: tuple[bytes, ...]) -> bool:
    """2.2.2.1, note 4: that company's product in this version or a later one, issued by one of ``scopes``."""
    return (
        issued.company_name == product.company_name
        and issued.product_id == product.product_id
        and issued.version >= product.version
        and (not scopes or issued.scope in scopes)
    )


class MemoryLicenseStore:
    """Licenses for as long as the program runs."""

    def __init__(self, issued: Iterable[NewLicenseInfo] = ()) -> None:
        self._issued = {index_of(each): each for each in issued}

    def load(self, product: ProductInfo, scopes: tuple[bytes, ...]) -> bytes | None:
        fitting = [each for each in self._issued.values() if is_for(each, product, scopes)]
        # The lowest version that will do: a later one is what a later server asks for.
        return min(fitting, key=lambda each: each.version).license_info if fitting else None

    def save(self, issued: NewLicenseInfo) -> None:
        self._issued[index_of(issued)] = issued


def index_of(issued: NewLicenseInfo) -> tuple[int, bytes, bytes, bytes]:
    """3.3.5.6: by what a license is found again."""
    return issued.version, issued.scope, issued.company_name, issued.product_id
