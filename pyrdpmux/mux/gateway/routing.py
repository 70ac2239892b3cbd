"""Which VM a client means: by preconnection blob, routing token, user name, or cookie, in this order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.connection.server.destination import Destination

TOKEN_PREFIXES: Final = ("cookie: msts=", "tsv://ms terminal services plugin.1.", "vm=")
"""What may stand in front of the name in a routing token; without any of them all of it is the name."""

CUT_COOKIE: Final = 9
"""Characters of a user's name that mstsc puts into its cookie."""

Exists = Callable[[str], bool]
"""Whether there is a VM of this name."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A VM, if one is meant, and the user without it."""

    vm: str | None
    user: str
    domain: str


def asked_for(destination: Destination) -> str | None:
    """The VM that the client asks for, whether there is one or not; None: none in particular."""
    preconnection = destination.preconnection
    if preconnection is not None and (preconnection.target or preconnection.id):
        return preconnection.target or str(preconnection.id)
    if destination.routing is None or destination.cookie is not None:
        return None
    token = destination.routing.decode("utf-8", "replace").strip()
    for prefix in TOKEN_PREFIXES:
        if token.lower().startswith(prefix):
            return token[len(prefix) :] or None
    return token or None


def wish_of(destination: Destination, user: str, domain: str, exists: Exists) -> Wish:
    """What this user wants there. A name that is a VM's is taken for it: VM\\USER, USER@VM, or the cookie."""
    user, domain = _split(user, domain)
    vm, user, domain = _by_user(user, domain, exists)
    if asked := asked_for(destination):
        return Wish(asked, user, domain)
    if vm is None and destination.cookie is not None:
        cookie = destination.cookie.decode("utf-8", "replace")
        vm = cookie if not _is_users_name(cookie, user, domain) and exists(cookie) else None
    return Wish(vm, user, domain)


def _is_users_name(cookie: str, user: str, domain: str) -> bool:
    """What clients say of themselves, without anybody having asked for a VM; mstsc cuts it off.

    VMs may choose how they are called: one that is called like a user must not get all of that user's logons.
    """
    said = cookie.casefold()
    names = [user.casefold(), f"{domain}\\{user}".casefold()]
    return said in names or (len(said) >= CUT_COOKIE and any(name.startswith(said) for name in names))


def _split(user: str, domain: str) -> tuple[str, str]:
    """Without NLA, some clients leave the domain in the user's name."""
    if not domain and "\\" in user:
        domain, _, user = user.partition("\\")
    return user, domain


def _by_user(user: str, domain: str, exists: Exists) -> tuple[str | None, str, str]:
    if domain and exists(domain):
        return domain, user, ""
    name, at, vm = user.rpartition("@")
    if at and exists(vm):
        return vm, name, domain
    return None, user, domain
