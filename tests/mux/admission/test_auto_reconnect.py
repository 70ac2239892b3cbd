import hashlib
import hmac
import itertools

from pyrdpmux.mux.admission.auto_reconnect import (
    LIFETIME_SECONDS,
    MAX_COOKIES,
    MAX_STORES,
    CookieStore,
    CookieStores,
)

CLIENT_RANDOM = bytes(32)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def make_store() -> tuple[CookieStore, Clock]:
    numbers = itertools.count(1)
    clock = Clock()
    return CookieStore(lambda size: next(numbers).to_bytes(size, "big"), clock), clock


def verifier(random_bits: bytes) -> bytes:
    return hmac.new(random_bits, CLIENT_RANDOM, hashlib.md5).digest()


def test_a_cookie_opens_once() -> None:
    store, _ = make_store()
    logon_id, random_bits = store.issue("alice")
    assert len(random_bits) == 16
    assert store.verify(logon_id, verifier(random_bits), CLIENT_RANDOM) == "alice"
    assert store.verify(logon_id, verifier(random_bits), CLIENT_RANDOM) is None


def test_a_wrong_verifier_opens_nothing_and_spoils_nothing() -> None:
    store, _ = make_store()
    logon_id, random_bits = store.issue("alice")
    assert store.verify(logon_id, bytes(16), CLIENT_RANDOM) is None
    assert store.verify(logon_id, b"", CLIENT_RANDOM) is None
    assert store.verify(logon_id + 1, verifier(random_bits), CLIENT_RANDOM) is None
    assert store.verify(logon_id, verifier(random_bits), bytes(31)) is None
    assert store.verify(logon_id, verifier(random_bits), CLIENT_RANDOM) == "alice"


def test_a_cookie_expires() -> None:
    store, clock = make_store()
    logon_id, random_bits = store.issue("alice")
    clock.now = LIFETIME_SECONDS
    assert store.verify(logon_id, verifier(random_bits), CLIENT_RANDOM) is None


def test_the_oldest_cookie_makes_room() -> None:
    store, _ = make_store()
    first, first_bits = store.issue("alice")
    second, second_bits = store.issue("bob")
    for number in range(MAX_COOKIES - 1):
        store.issue(f"user {number}")
    assert len(store) == MAX_COOKIES
    assert store.verify(first, verifier(first_bits), CLIENT_RANDOM) is None
    assert store.verify(second, verifier(second_bits), CLIENT_RANDOM) == "bob"


def test_cookies_of_a_vm_are_no_use_at_another() -> None:
    stores = CookieStores(lambda size: b"7" * size)
    logon_id, random_bits = stores.of("one").issue("alice")
    assert stores.of("two").verify(logon_id, verifier(random_bits), CLIENT_RANDOM) is None
    assert stores.of("one").verify(logon_id, verifier(random_bits), CLIENT_RANDOM) == "alice"


def test_vms_that_come_under_ever_new_names_do_not_fill_the_memory() -> None:
    stores = CookieStores(lambda size: b"7" * size)
    oldest = stores.of("vm-0")
    in_use = stores.of("vm-1")
    for number in range(2, MAX_STORES):
        stores.of(f"vm-{number}")
    assert stores.of("vm-1") is in_use
    stores.of("one more")
    assert stores.of("vm-1") is in_use
    assert stores.of("vm-0") is not oldest
