"""Row 1: who has proved to be somebody to one VM's accounts is nobody to all the others.

Every order of registering, leaving and reloading that moves the ground under a logon that is under way: the
account was found in the accounts of a guest of another user; when NLA is over, they are somebody else's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, Final

import numpy as np
import pytest

from tests.hostile.house import SIGN, color_of
from tests.hostile.scene import POLITE, scene
from tests.hostile.target import ALICE, A, B, HouseProgram, Settings, Target, eventually, running, uuid_of
from tests.hostile.visitor import Visitor, stroke, visiting, welcome

OTHER: Final = B + 1
"""The attacker's guest."""

UID: Final = 65534
KEY: Final = 0x10
FORGED: Final = {"user": ALICE["user"], "password": "the attacker's own"}
"""A name that the common accounts have, too."""


def after_nla(visitor: Visitor) -> bool:
    """The password was taken, and the client has said nothing since."""
    return any(type(event).__name__ == "SecurityEstablished" for event in visitor.events)


Name = Callable[[str], dict[str, Any]]
"""How a client says which VM it means."""

ROUTES: Final[dict[str, Name]] = {
    "VM\\USER": lambda vm: {"user": f"{vm}\\{FORGED['user']}"},
    "domain": lambda vm: {"user": FORGED["user"], "domain": vm},
    "USER@VM": lambda vm: {"user": f"{FORGED['user']}@{vm}"},
    "cookie": lambda vm: {"user": FORGED["user"], "cookie": vm.encode()},
    "token": lambda vm: {"user": FORGED["user"], "routing": f"vm={vm}".encode()},
}


class World:
    """Alice's VM, and a guest of another user with accounts of its own."""

    def __init__(self, target: Target, house: HouseProgram) -> None:
        self.target = target
        self.house = house
        self.accounts = target.folder / "attacker.sam"
        target.set_password(self.accounts, FORGED, UID)

    async def open(self) -> None:
        refusal = await self.house.add(OTHER, auth_file=str(self.accounts))
        assert not refusal, refusal
        await self.target.until_running(uuid_of(OTHER))

    # -- what happens between the proof and what follows ------------------------------------------

    async def leave(self) -> None:
        await self.house.tell("leave", OTHER)
        await self._until_gone()

    async def vanish(self) -> None:
        """Dead without a word: its console waits for it."""
        await self.house.tell("vanish", OTHER)
        await asyncio.sleep(0.2)

    async def return_with_the_common_accounts(self) -> None:
        """Gone and back, without accounts of its own."""
        await self.leave()
        assert not await self.house.add(OTHER)

    async def be_replaced_by_the_administrator(self) -> None:
        """Another VM of that identity, root's, without accounts of its own."""
        await self.leave()
        assert not await self.target.house.add(OTHER)
        await self.target.until_running(uuid_of(OTHER))

    async def _until_gone(self) -> None:
        async def gone() -> bool:
            return uuid_of(OTHER) not in await self.target.vms()

        await eventually(gone)


Change = Callable[[World], Awaitable[None]]

CHANGES: Final[tuple[Change, ...]] = (
    World.leave,
    World.vanish,
    World.return_with_the_common_accounts,
    World.be_replaced_by_the_administrator,
)


async def log_on_meanwhile(world: World, route: str, change: Change) -> list[str]:
    """What went wrong for alice: what the attacker was shown, and which keys reached whom."""
    target = world.target
    await target.house.tell("forget", A)
    account = {"password": FORGED["password"], **ROUTES[route](uuid_of(OTHER))}
    hold: list[Visitor] = []
    async with visiting(
        target.gateway, source="127.0.1.1", hold=lambda _: bool(hold) and after_nla(hold[0]), **account
    ) as visitor:
        hold.append(visitor)
        await visitor.until_held()
        assert visitor.is_proved, "the attack did not even begin"
        await change(world)
        visitor.go_on()
        await visitor.until_active(2)
        if visitor.is_active:
            await asyncio.sleep(0.3)
            visitor.type(*stroke(KEY))
            await asyncio.sleep(0.3)
        return await complaints(world, visitor)


async def complaints(world: World, visitor: Visitor) -> list[str]:
    found = []
    if visitor.picture.shape[:2] == (480, 640) and is_of_a_vm(visitor) and visitor.is_active:
        found.append("shown a VM")
    for vm_id in (A, OTHER):
        if (await world.target.house.heard(vm_id))["pressed"]:
            found.append(f"typed into {uuid_of(vm_id)}")
    return found


def is_of_a_vm(visitor: Visitor) -> bool:
    """What the guests of these tests show, and the daemon's own cards never do."""
    sign = visitor.picture[SIGN.y + 8, SIGN.x + 8, :3]
    return any((sign == np.array(color_of(keys), np.uint8)).all() for keys in range(3))


@pytest.mark.root
@pytest.mark.parametrize("route", ROUTES)
@scene
async def test_a_proof_to_one_vm_opens_no_other(route: str) -> None:
    """The audit's attack, and all its relatives: the guest is gone, or another one, when NLA is over."""
    async with running() as target:
        house = await target.open_house(UID)
        found = {}
        for change in CHANGES:
            world = World(target, house)
            await world.open()
            found[change.__name__] = await log_on_meanwhile(world, route, change)
            await put_away(world)
    assert not {name: wrong for name, wrong in found.items() if wrong}


async def put_away(world: World) -> None:
    """Whoever has the attacker's VM now."""
    for house in (world.house, world.target.house):
        await house.tell("leave_if_there", OTHER)
    # That a VM has left which nobody looks at is read within a second.
    for _ in range(40):
        if uuid_of(OTHER) not in await world.target.vms():
            break
        await asyncio.sleep(0.05)
    async with asyncio.timeout(70):
        while uuid_of(OTHER) in await world.target.vms():
            assert not await world.house.add(OTHER, auth_file=str(world.accounts))
            await world.house.tell("leave", OTHER)
            await asyncio.sleep(0.05)


@pytest.mark.root
@pytest.mark.parametrize("route", ["VM\\USER", "USER@VM"])
@scene
async def test_a_reload_in_the_middle_opens_nothing(route: str) -> None:
    """The VM's accounts are the attacker's file at first; after the reload they are the administrator's."""
    async with running() as target:
        own = target.state / "own.sam"
        target.set_password(own, FORGED)
        settings = Settings(vms={uuid_of(B): {"accounts": str(own), "users": ["alice"]}})
        target.configure(settings)
        await target.ask("reload")
        hold: list[Visitor] = []
        account = {"password": FORGED["password"], **ROUTES[route](uuid_of(B))}
        async with visiting(
            target.gateway, hold=lambda _: bool(hold) and after_nla(hold[0]), **account
        ) as visitor:
            hold.append(visitor)
            await visitor.until_held()
            assert visitor.is_proved
            target.configure(Settings(vms={uuid_of(B): {"users": ["alice"]}}))
            await target.ask("reload")
            visitor.go_on()
            await visitor.until_over(5)
            assert not is_of_a_vm(visitor), "the accounts that this was proved to are not the VM's any more"
            assert not visitor.is_active


@pytest.mark.root
@scene
async def test_the_list_of_vms_is_of_those_whose_accounts_have_proved() -> None:
    """Logged on at a VM with accounts of its own, nobody gets on to VMs of the common ones; and the list
    that the common ones open has no VM with accounts of its own in it."""
    async with running() as target, AsyncExitStack() as stack:
        world = World(target, await target.open_house(UID))
        await world.open()
        found = await welcome(target.gateway, source=POLITE, **ALICE)
        assert found.is_active, "alice has one VM, and comes to it"
        account = {"password": FORGED["password"], **ROUTES["VM\\USER"](uuid_of(OTHER))}
        inside = await stack.enter_async_context(visiting(target.gateway, source="127.0.1.1", **account))
        assert await inside.until_active(), "its own VM is the attacker's to see"
        await world.leave()
        await inside.until_over(2)
        assert not inside.is_active
        assert (await target.house.heard(A))["pressed"] == 0


@scene
async def test_what_the_right_password_opens_it_still_opens() -> None:
    """Every way to name a VM leads to it with the password of its accounts."""
    async with running() as target:
        for route, name in ROUTES.items():
            account = {**name(uuid_of(A)), "password": ALICE["password"]}
            assert (await welcome(target.gateway, source=POLITE, **account)).is_active, route
        for domain in ("", "SOMEWHERE"):
            assert (await welcome(await target.port(A), source=POLITE, domain=domain, **ALICE)).is_active
