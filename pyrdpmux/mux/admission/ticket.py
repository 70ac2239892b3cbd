"""What admission hands out: who somebody is, proved against which accounts, for which VM.

INVARIANT: a name is resolved once, when its password is checked. From then on only the ticket counts:
whoever lets a viewer see a console compares it with what is in force for that console now, and resolves
nothing again.
"""

from dataclasses import dataclass

from pyrdpmux.mux.settings.access import Proved


@dataclass(frozen=True, slots=True)
class AccountsInForce:
    """The accounts that count for a VM. Equal values are the same accounts, unchanged all the time between.

    A source that is replaced gets another epoch, also if it comes back; its contents may change (passwords
    are changed, users are added) without that.
    """

    #: where they come from, for people
    source: str
    epoch: int
    #: of one console alone, by its serial number; None: the common ones
    console: int | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """This principal, proved against these accounts, for this console."""

    principal: Proved
    accounts: AccountsInForce
    #: serial number of the only console that it is for; None: of any that those accounts are in force for
    console: int | None = None

    def objection(self, console: int, in_force: AccountsInForce) -> str | None:
        """Why it does not open this console; None if it does."""
        if self.console not in (None, console):
            return "logged on to another VM, which is gone"
        if self.accounts != in_force:
            return "not logged on with an account of this VM, or its accounts are others by now"
        return None
