"""Who may see a VM, and who may type into it."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias


class Access(Enum):
    """What somebody may do with a VM."""

    NONE = auto()
    VIEW = auto()
    CONTROL = auto()


@dataclass(frozen=True, slots=True)
class Proved:
    """An account, by its own name, whose password has been proved."""

    user: str
    domain: str = ""

    def is_one_of(self, names: Collection[str]) -> bool:
        """Whether ``names`` has this account: ``user``, or ``DOMAIN\\user`` for one that has a domain."""
        return any(_folded(*split_name(name)) == self._folded for name in names)

    def is_same(self, other: "Principal") -> bool:
        """The same person, as far as that is proved."""
        return isinstance(other, Proved) and self._folded == other._folded

    @property
    def _folded(self) -> tuple[str, str]:
        return _folded(self.domain, self.user)


@dataclass(frozen=True, slots=True)
class Claimed:
    """The name in a Client Info PDU of somebody who came without NLA. It proves nothing and opens nothing."""

    user: str = ""
    domain: str = ""

    def is_same(self, other: "Principal") -> bool:
        """Always False: a claimed name is nobody's."""
        return False


Principal: TypeAlias = Proved | Claimed
"""Somebody at a console: an account that was proved, or a name that was only claimed."""

ANYBODY: Final = Claimed()


def split_name(name: str) -> tuple[str, str]:
    """Domain and user of ``DOMAIN\\user``."""
    domain, _, user = name.rpartition("\\")
    return domain, user


def _folded(domain: str, user: str) -> tuple[str, str]:
    return domain.upper(), user.upper()


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The lists of one VM, groups taken apart. None at all: everybody who may log on."""

    users: tuple[str, ...] = ()
    view_only_users: tuple[str, ...] = ()
    #: nobody types, whoever it is
    is_view_only: bool = False
    #: there are lists, even if they should be empty
    is_restricted: bool = False

    def access_of(self, principal: Principal) -> Access:
        """Lists are about accounts: who has not proved to be one is on none of them."""
        if self.is_restricted:
            if not isinstance(principal, Proved):
                return Access.NONE
            if principal.is_one_of(self.view_only_users):
                return Access.VIEW
            if not principal.is_one_of(self.users):
                return Access.NONE
        return Access.VIEW if self.is_view_only else Access.CONTROL
