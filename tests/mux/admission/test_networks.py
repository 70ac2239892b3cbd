import pytest

from pyrdpmux.mux.admission.networks import ExemptNetworks, Origin


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "192.0.2.1", False),
        ("/run/socket", "/run/socket", True),
    ],
)
def test_who_is_the_same(one: str, other: str, is_same: bool) -> None:
    assert (Origin.of(one).narrow == Origin.of(other).narrow) == is_same


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8:0:ffff::1", True),
        ("2001:db8::1", "2001:db8:1::1", False),
    ],
)
def test_what_one_owner_often_has(one: str, other: str, is_same: bool) -> None:
    assert (Origin.of(one).wide == Origin.of(other).wide) == is_same


def test_exempt_networks() -> None:
    exempt = ExemptNetworks(("192.0.2.0/24", "2001:db8::/32", "198.51.100.7"))
    assert all(
        address in exempt for address in ("192.0.2.9", "::ffff:192.0.2.9", "2001:db8:5::1", "198.51.100.7")
    )
    assert not any(address in exempt for address in ("192.0.3.9", "2001:db9::1", "198.51.100.8", "", "x"))
    with pytest.raises(ValueError):
        ExemptNetworks(("nowhere",))
