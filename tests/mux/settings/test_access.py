import pytest

from pyrdpmux.mux.settings.access import ANYBODY, Access, AccessRules, Claimed, Principal, Proved

ALICE = Proved("alice", "")
CORP_ALICE = Proved("alice", "CORP")
CLAIMED_ALICE = Claimed("alice")


@pytest.mark.parametrize(
    ("rules", "principal", "access"),
    [
        (AccessRules(), ANYBODY, Access.CONTROL),
        (AccessRules(), ALICE, Access.CONTROL),
        (AccessRules(is_view_only=True), ALICE, Access.VIEW),
        (AccessRules(users=("alice",), is_restricted=True), ALICE, Access.CONTROL),
        (AccessRules(users=("ALICE",), is_restricted=True), ALICE, Access.CONTROL),
        (AccessRules(users=("alice",), is_restricted=True), CLAIMED_ALICE, Access.NONE),
        (AccessRules(users=("alice",), is_restricted=True), CORP_ALICE, Access.NONE),
        (AccessRules(users=("corp\\Alice",), is_restricted=True), CORP_ALICE, Access.CONTROL),
        (AccessRules(users=("corp\\Alice",), is_restricted=True), ALICE, Access.NONE),
        (AccessRules(users=("bob",), is_restricted=True), ALICE, Access.NONE),
        (AccessRules(is_restricted=True), ALICE, Access.NONE),
        (AccessRules(view_only_users=("alice",), is_restricted=True), ALICE, Access.VIEW),
        (AccessRules(users=("alice",), view_only_users=("alice",), is_restricted=True), ALICE, Access.VIEW),
        (AccessRules(users=("alice",), is_view_only=True, is_restricted=True), ALICE, Access.VIEW),
    ],
)
def test_what_somebody_may_do(rules: AccessRules, principal: Principal, access: Access) -> None:
    assert rules.access_of(principal) is access


def test_only_who_has_proved_it_is_the_same() -> None:
    assert ALICE.is_same(Proved("Alice", ""))
    assert not ALICE.is_same(CORP_ALICE)
    assert not ALICE.is_same(CLAIMED_ALICE)
    assert not CLAIMED_ALICE.is_same(CLAIMED_ALICE)
