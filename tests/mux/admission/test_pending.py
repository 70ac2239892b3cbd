"""Who goes when there is no room for one more."""

from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.pending import Pending, PendingTable


class Table:
    """Notes who had to go, as ``address#number``."""

    def __init__(self, limit: int, suspects: set[str] | None = None) -> None:
        self.table = PendingTable(limit, lambda origin: origin.narrow in (suspects or ()))
        self.gone: list[str] = []
        self._count = 0

    def enter(self, address: str, *, is_exempt: bool = False) -> Pending:
        self._count += 1
        name = f"{address}#{self._count}"
        return self.table.enter(Origin.of(address), lambda: self.gone.append(name), is_exempt=is_exempt)


def test_the_oldest_of_the_most_loaded_goes() -> None:
    made = Table(4)
    for address in ("10.0.0.1", "10.1.0.1", "10.1.0.1", "10.2.0.1"):
        made.enter(address)
    assert made.gone == []
    made.enter("10.3.0.1")
    assert made.gone == ["10.1.0.1#2"]
    assert (len(made.table), made.table.evicted) == (4, 1)


def test_a_thousand_sockets_of_one_push_out_its_own() -> None:
    made = Table(64)
    polite = [made.enter(f"10.{n}.0.1") for n in range(20)]
    for n in range(1000):
        made.enter(f"10.99.0.{n % 60}")
    assert all(name.startswith("10.99.") for name in made.gone)
    assert all(made.table.of(place.origin) == 1 for place in polite)


def test_where_addresses_are_even_the_wider_network_decides() -> None:
    made = Table(4)
    for address in ("10.9.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"):
        made.enter(address)
    made.enter("10.8.0.1")
    assert made.gone == ["10.0.0.1#2"]


def test_an_ipv6_customer_counts_as_one() -> None:
    made = Table(4)
    made.enter("2001:db8:0:1::1")
    for n in range(2, 9):
        made.enter(f"2001:db8:0:2::{n}")
    assert all("0:2::" in name for name in made.gone)


def test_who_keeps_failing_goes_first_and_who_is_exempt_last() -> None:
    made = Table(3, {"10.0.0.1"})
    for address in ("10.1.0.1", "10.1.0.1", "10.0.0.1"):
        made.enter(address)
    made.enter("10.2.0.1")
    assert made.gone == ["10.0.0.1#3"]
    made = Table(3)
    for _ in range(3):
        made.enter("10.0.0.1", is_exempt=True)
    made.enter("10.1.0.1")
    assert made.gone == ["10.1.0.1#4"], "it is not exempt"


def test_who_has_left_makes_room() -> None:
    made = Table(2)
    first = made.enter("10.0.0.1")
    made.enter("10.0.0.1")
    made.table.leave(first)
    made.table.leave(first)
    made.enter("10.0.0.1")
    assert made.gone == []
    assert made.table.of(Origin.of("10.0.0.1")) == 2


def test_neighbors_of_an_exempt_address_are_not_exempt() -> None:
    """One address of a /64 is the proxy's, another is an attacker's, who shall not push out third ones."""
    table = PendingTable(limit=4)
    gone: list[str] = []
    for name, address, is_exempt in [
        ("proxy", "2001:db8::1", True),
        ("polite", "192.0.2.1", False),
        ("first", "2001:db8::2", False),
        ("second", "2001:db8::2", False),
        ("third", "2001:db8::2", False),
    ]:
        table.enter(Origin.of(address), lambda name=name: gone.append(name), is_exempt=is_exempt)  # type: ignore[misc]
    assert gone == ["first"]
