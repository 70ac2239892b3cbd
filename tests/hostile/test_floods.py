"""Row 5: a viewer with every right on VM B, and on no other, sends as much as it can."""

import asyncio
from typing import Any

import pytest

from tests.hostile.attack import attacking
from tests.hostile.floods import CHANNEL, EVENTS, FLOODS, SECRET, channel, input_pdu, keys, mouse, scancodes
from tests.hostile.observer import MEBIBYTE
from tests.hostile.scene import assert_prompt, looking, scene
from tests.hostile.target import MALLORY, A, B, Settings, Target, eventually, running, uuid_of
from tests.hostile.visitor import Visitor, visiting

KEYS = 5
LONGEST_TURN = 0.05
"""Seconds; a slice is 2 ms, and a step that cannot be cut may run over it."""


async def shares(target: Target) -> dict[str, list[dict[str, Any]]]:
    """What each has had of the daemon's time, by kind."""
    found: dict[str, list[dict[str, Any]]] = {}
    for share in (await target.ask("snapshot"))["shares"]:
        found.setdefault(share["kind"], []).append(share)
    return found


async def until_heard(target: Target, vm_id: int, pressed: int) -> dict[str, Any]:
    """What the VM has heard, once it is that many keys."""
    async with asyncio.timeout(30):
        while True:
            heard = await target.house.heard(vm_id)
            if heard["pressed"] >= pressed:
                return heard
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", FLOODS)
@scene
async def test_the_viewer_of_another_vm_is_answered_at_once(kind: str) -> None:
    """The daemon computes little between her key and her pixel, whatever the other one sends."""
    async with running() as target:
        port = await target.port(B)
        async with looking(target) as alice:
            held = target.observer.memory
            flood = {"port": port, "kind": kind, "repeats": int(kind == "burst")}
            async with target.observer.watching() as most, attacking("flood", **flood, **MALLORY):
                answers = await alice.press_several(KEYS)
            assert_prompt(answers)
            assert most.memory - held < 50 * MEBIBYTE
        heard = await target.house.heard(A)
        assert heard["pressed"] == KEYS, "her keys, and nobody else's"
        assert heard["down"] == []


@scene
async def test_nobody_works_for_long_at_a_time() -> None:
    """As the daemon itself has noted: the turns of a viewer that floods are as short as anybody's.

    By the clock, and the kernel may give the processor to somebody else in the midst of a turn: what is long
    for a reason is so each time.
    """
    longest = [await longest_turn()]
    while longest[-1] >= LONGEST_TURN and len(longest) < 3:
        longest.append(await longest_turn())
    assert min(longest) < LONGEST_TURN


async def longest_turn() -> float:
    """Seconds, of any viewer while one of them floods."""
    async with running() as target:
        port = await target.port(B)
        async with looking(target) as alice:
            async with attacking("flood", port=port, kind="scancodes", **MALLORY):
                await alice.press_several(KEYS)
            viewers = (await shares(target))["viewer"]
            assert sum(share["turns"] for share in viewers) > KEYS
            return float(max(share["longest"] for share in viewers))


async def mallory_sends(target: Target, frames: bytes, **more: Any) -> None:
    """All of it at once, as a viewer of VM B; the last key tells that it has been taken."""
    async with visiting(await target.port(B), source="127.0.1.1", **MALLORY, **more) as visitor:
        assert await visitor.until_active()
        visitor.is_blind = True
        visitor.send(frames)
        await visitor.drained()
        await asyncio.sleep(0.5)
        await until_settled(target, visitor)


async def until_settled(target: Target, visitor: Visitor) -> None:
    """Until the daemon has no more to do for a while."""
    async with asyncio.timeout(60):
        while True:
            before = target.observer.loop_seconds
            await asyncio.sleep(0.25)
            if target.observer.loop_seconds - before < 0.02:
                return


@scene
async def test_moves_of_the_mouse_join_and_the_last_one_counts() -> None:
    async with running() as target:
        sent = 20 * EVENTS
        await mallory_sends(target, input_pdu_of_moves() * (sent // EVENTS))
        heard = await target.house.heard(B)
        assert heard["position"] == [(EVENTS - 1) % 600, (EVENTS - 1) % 400], "where the pointer was put last"
        assert heard["moves"] < sent / 4, "nobody sees a pointer move thousands of times a second"


def input_pdu_of_moves() -> bytes:
    """One of the PDUs that the flood is made of."""
    frames = mouse(None)  # type: ignore[arg-type]
    return frames[: len(frames) // 64]


@scene
async def test_no_key_stays_down_after_a_flood() -> None:
    """What is too much may be left out, but not the end of a key alone."""
    async with running() as target:
        pdu = input_pdu(keys(EVENTS - 1))
        await mallory_sends(target, pdu * 100)
        assert (await target.house.heard(B))["pressed"] > 0

        async def all_up() -> bool:
            """What was sent is worked off within the budget of a viewer, or dropped with her."""
            heard = await target.house.heard(B)
            return not heard["down"]

        await eventually(all_up)
        await asyncio.sleep(1)
        assert await all_up()


@scene
async def test_input_of_who_may_only_look_reaches_nobody() -> None:
    rules = {uuid_of(B): {"view-only-users": ["mallory"]}}
    async with running(Settings(vms=rules)) as target:
        port = await target.port(B)
        async with looking(target) as alice:
            async with attacking("flood", port=port, kind="scancodes", **MALLORY) as attack:
                answers = await alice.press_several(KEYS)
            assert attack.report["bytes"] > 1000
            assert_prompt(answers)
        heard = await target.house.heard(B)
        assert (heard["pressed"], heard["moves"]) == (0, 0)


@scene
async def test_what_a_channel_carries_is_not_in_the_log() -> None:
    """Row 11: with -v, a clipboard's length may be logged, and nothing of what is in it."""
    async with running(Settings(options=("-v",))) as target:
        async with visiting(await target.port(B), **MALLORY, channels=(CHANNEL,)) as visitor:
            assert await visitor.until_active()
            visitor.send(channel(visitor.connection)[: len(scancodes(visitor.connection))])
            await visitor.drained()
            await asyncio.sleep(0.5)
        log = "\n".join(target.observer.log_lines)
        assert "DEBUG" in log
        assert SECRET.decode().strip()[:20] not in log
        assert "of the second" not in log, "a password"
        assert not list(target.observer.forgeries())
