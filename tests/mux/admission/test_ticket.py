from pyrdpmux.mux.admission.ticket import AccountsInForce, Ticket
from pyrdpmux.mux.settings.access import Proved

ALICE = Proved("alice")
COMMON = AccountsInForce("accounts.sam", 1)
OWN = AccountsInForce("own.sam", 2, console=7)


def test_it_opens_what_it_was_proved_for() -> None:
    assert Ticket(ALICE, COMMON).objection(7, COMMON) is None
    assert Ticket(ALICE, COMMON, console=7).objection(7, COMMON) is None
    assert Ticket(ALICE, OWN, console=7).objection(7, OWN) is None


def test_it_opens_nothing_else() -> None:
    assert "another VM" in (Ticket(ALICE, COMMON, console=7).objection(8, COMMON) or "")
    assert "account" in (Ticket(ALICE, OWN).objection(7, COMMON) or "")
    assert "account" in (Ticket(ALICE, COMMON).objection(7, OWN) or "")
    assert "account" in (Ticket(ALICE, COMMON).objection(7, AccountsInForce("accounts.sam", 3)) or "")
