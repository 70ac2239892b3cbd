"""Rows 8 and 9: how many may register, and who may register what."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import pytest

from tests.hostile.attack import attacking
from tests.hostile.scene import all_welcome, assert_prompt, looking, scene
from tests.hostile.target import ALICE, MALLORY, A, B, HouseProgram, Settings, eventually, running, uuid_of
from tests.hostile.visitor import Visitor, stroke, visiting

OTHER: Final = B + 1
UID: Final = 65534
THIRD_UID: Final = 1
"""Of users that the system knows, which the bus insists on: nobody and daemon."""
POLITE: Final = [f"127.0.2.{number}" for number in range(1, 10)]
DESCRIPTORS: Final = 1024
KEY: Final = 0x11
THIEF: Final = 50
"""Of who has the UUID of another: the number is one of its own."""


@scene
async def test_descriptors_are_left_for_who_looks_and_the_log_stays_short() -> None:
    """As many VMs as 1,024 descriptors are enough for, and more that ask again and again."""
    async with running(Settings(descriptors=DESCRIPTORS)) as target, looking(target) as alice:
        flood = {"bus": target.bus, "first": OTHER, "count": 400, "goes_on": True}
        async with attacking("registrations", **flood) as attack:
            log = target.observer.log_bytes
            found = await all_welcome(target.gateway, POLITE, ALICE)
            answers = await alice.press_several(3)
            await asyncio.sleep(2)
            assert target.observer.log_bytes - log < 64 * 1024, "in some seconds"
        assert [visit.is_active for visit in found] == [True] * len(POLITE)
        assert_prompt(answers)
        assert attack.report["registered"] >= 50, "and VMs in any case"


@pytest.mark.parametrize("count", [300, pytest.param(998, marks=pytest.mark.long)])
@scene
async def test_a_thousand_vms_of_one_user_can_be_registered(count: int) -> None:
    """libvirt's QEMUs share one; two are there already."""
    async with running() as target, looking(target) as alice:
        flood = {"bus": target.bus, "first": OTHER, "count": count}
        async with attacking("registrations", **flood) as attack:
            assert len(await target.vms()) == 2 + count
            assert_prompt(await alice.press_several(3))
        assert attack.report == {"registered": count}


@pytest.mark.root
@scene
async def test_a_user_has_a_quota_and_nobody_else_is_concerned() -> None:
    async with running(Settings(librdpmux={"guests-per-uid": 3})) as target:
        house = await target.open_house(UID)
        refusals = [await house.add(OTHER + number) for number in range(5)]
        assert [bool(refusal) for refusal in refusals] == [False] * 3 + [True] * 2
        assert not await (await target.open_house(THIRD_UID)).add(OTHER + 9)
        await house.tell("leave", OTHER)

        async def has_room() -> bool:
            return not await house.add(OTHER + 7)

        await eventually(has_room)


async def keys_of(house: HouseProgram, visitor: Visitor, vm_id: int) -> int:
    """How many keys reach this VM when the viewer types three."""
    await house.tell("forget", vm_id)
    for _ in range(3):
        visitor.type(*stroke(KEY))
    await asyncio.sleep(0.5)
    pressed: int = (await house.heard(vm_id))["pressed"]
    return pressed


@scene
async def test_a_vm_that_lives_is_replaced_by_nobody() -> None:
    """Another process of the same user registers its UUID: the keys stay with the first."""
    async with running() as target, AsyncExitStack() as stack:
        alice = await stack.enter_async_context(visiting(await target.port(A), **ALICE))
        assert await alice.until_active()
        thief = await target.open_house()
        refusal = await thief.add(A + THIEF, uuid=uuid_of(A))
        assert await keys_of(target.house, alice, A) == 3
        assert refusal
        assert alice.is_active


@scene
async def test_a_vm_that_died_may_come_back() -> None:
    """Its process was killed; the same user's next one has its UUID, and its viewers."""
    async with running() as target, AsyncExitStack() as stack:
        alice = await stack.enter_async_context(visiting(await target.port(A), **ALICE))
        assert await alice.until_active()
        target.house.kill()
        house = await target.open_house()

        async def is_back() -> bool:
            return not await house.add(A)

        await eventually(is_back)
        await target.until_running(uuid_of(A))
        assert await keys_of(house, alice, A) == 3


@pytest.mark.root
@pytest.mark.parametrize("how", ["vanish", "leave"])
@scene
async def test_nobody_else_takes_the_identity_of_a_vm_that_has_gone(how: str) -> None:
    """The rules of [vms.X] are about a VM of uid 65534; a stranger of uid 65533 comes in the grace period, or
    just after."""
    rules = {uuid_of(OTHER): {"users": ["mallory"], "uid": UID}}
    async with running(Settings(vms=rules)) as target:
        owner = await target.open_house(UID)
        assert not await owner.add(OTHER)
        await target.until_running(uuid_of(OTHER))
        async with visiting(await target.port(OTHER), **MALLORY) as viewer:
            assert await viewer.until_active()
            await owner.tell(how, OTHER)
            await asyncio.sleep(0.3)
            stranger = await target.open_house(THIRD_UID)
            assert await stranger.add(OTHER), "it is not that user's"
        assert not await owner.add(OTHER), "but the owner's"


@pytest.mark.root
@scene
async def test_a_vm_is_its_user_s_even_before_it_was_ever_there() -> None:
    rules = {uuid_of(OTHER): {"users": ["mallory"], "uid": UID}}
    async with running(Settings(vms=rules)) as target:
        assert await (await target.open_house(THIRD_UID)).add(OTHER)
        assert not await (await target.open_house(UID)).add(OTHER)


@pytest.mark.root
@scene
async def test_a_vm_without_uid_in_its_rules_stays_with_its_first_user_while_it_is_away() -> None:
    async with running(Settings(vms={uuid_of(OTHER): {"users": ["mallory"]}})) as target:
        owner = await target.open_house(UID)
        assert not await owner.add(OTHER)
        await target.until_running(uuid_of(OTHER))
        await owner.tell("vanish", OTHER)
        await asyncio.sleep(0.3)
        assert await (await target.open_house(THIRD_UID)).add(OTHER + 1, uuid=uuid_of(OTHER))
