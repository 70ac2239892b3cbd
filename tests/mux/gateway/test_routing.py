import pytest

from pyrdpmux.mux.gateway.routing import Wish, asked_for, wish_of
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.preconnection import Preconnection


def exists(name: str) -> bool:
    return name.casefold() in ("build7", "mail", "build-lon", "corp\\buil")


def cookie(name: bytes) -> Destination:
    return Destination(None, b"Cookie: mstshash=" + name, name)


def token(line: bytes) -> Destination:
    return Destination(None, line, None)


@pytest.mark.parametrize(
    ("destination", "name"),
    [
        (Destination(), None),
        (Destination(Preconnection(blob="build7\0")), "build7"),
        (Destination(Preconnection(blob="build7;EnhancedMode=1\0")), "build7"),
        (Destination(Preconnection(id=3901)), "3901"),
        (Destination(Preconnection(id=3901, blob="build7")), "build7"),
        (Destination(Preconnection(blob="\0"), b"vm=mail"), "mail"),
        (Destination(Preconnection(blob="build7"), b"vm=mail"), "build7"),
        (token(b"vm=build7"), "build7"),
        (token(b"VM=build7"), "build7"),
        (token(b"build7"), "build7"),
        (token(b"Cookie: msts=build7"), "build7"),
        (token(b"tsv://MS Terminal Services Plugin.1.build7"), "build7"),
        (token(b"nowhere"), "nowhere"),
        (token(b"vm="), None),
        (token(b" "), None),
        (token(b"\xff"), "\N{REPLACEMENT CHARACTER}"),
        (cookie(b"build7"), None),
    ],
)
def test_what_is_asked_for(destination: Destination, name: str | None) -> None:
    assert asked_for(destination) == name


@pytest.mark.parametrize(
    ("destination", "user", "domain", "wish"),
    [
        (Destination(), "alice", "", Wish(None, "alice", "")),
        (Destination(), "alice", "CORP", Wish(None, "alice", "CORP")),
        (Destination(), "alice", "build7", Wish("build7", "alice", "")),
        (Destination(), "alice", "BUILD7", Wish("BUILD7", "alice", "")),
        (Destination(), "build7\\alice", "", Wish("build7", "alice", "")),
        (Destination(), "alice@mail", "", Wish("mail", "alice", "")),
        (Destination(), "alice@mail", "CORP", Wish("mail", "alice", "CORP")),
        (Destination(), "alice@corp.example", "", Wish(None, "alice@corp.example", "")),
        (cookie(b"alice"), "alice", "", Wish(None, "alice", "")),
        (cookie(b"build7"), "alice", "", Wish("build7", "alice", "")),
        (cookie(b"build7"), "alice", "mail", Wish("mail", "alice", "")),
        # the user's own name, which clients put there by themselves, asks for no VM
        (cookie(b"Build7"), "build7", "", Wish(None, "build7", "")),
        (cookie(b"build7"), "build7", "CORP", Wish(None, "build7", "CORP")),
        (cookie(b"build7"), "build71", "", Wish("build7", "build71", "")),
        (cookie(b"build-lon"), "build-long", "", Wish(None, "build-long", "")),
        (cookie(b"corp\\buil"), "build7", "CORP", Wish(None, "build7", "CORP")),
        (token(b"nowhere"), "alice", "mail", Wish("nowhere", "alice", "")),
    ],
)
def test_what_is_wished(destination: Destination, user: str, domain: str, wish: Wish) -> None:
    assert wish_of(destination, user, domain, exists) == wish
