"""Rows 2, 3 and 11: strangers on the network, who hold connections, talk nonsense, fill memory and log."""

import asyncio
import json
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.hostile.attack import ATTACKERS, attacking
from tests.hostile.observer import MEBIBYTE
from tests.hostile.scene import all_welcome, assert_prompt, looking, scene
from tests.hostile.strangers import JUNK, REQUEST, is_closed, open_socket
from tests.hostile.target import ALICE, ROOT, A, Settings, Target, eventually, running
from tests.hostile.visitor import Visitor, at_the_challenge, visiting, welcome

POLITE = [f"127.0.2.{number}" for number in range(1, 21)]
TWO = ATTACKERS[:2]

BOUNDED = ("auto_reconnect._Cookie",)
"""What is kept of those who may come back, with a bound of its own."""

PENDING = 256
"""Connections that have not logged on, of the whole daemon, as it is configured by default."""


async def until_closed(plug: socket.socket) -> None:
    """By the daemon."""

    async def closed() -> bool:
        return is_closed(plug)

    await eventually(closed)
    plug.close()


async def doors(target: Target) -> list[int]:
    return [target.gateway, await target.port(A)]


@pytest.mark.parametrize("attack", ["silent", "drip", "tls_silent"])
@scene
async def test_sixteen_sockets_from_two_addresses_keep_nobody_out(attack: str) -> None:
    async with running() as target:
        for port in await doors(target):
            async with attacking(attack, port=port, sources=TWO, count=8):
                found = await all_welcome(port, POLITE[:3], ALICE)
            assert [visit.is_active for visit in found] == [True] * 3


@scene
async def test_sockets_at_one_vm_keep_nobody_from_another() -> None:
    async with running() as target:
        silent = {"port": await target.port(A), "sources": ATTACKERS, "count": 8}
        async with attacking("silent", **silent):
            assert (await welcome(target.gateway, source=POLITE[0], **ALICE)).is_active


@pytest.mark.parametrize("door", [0, 1], ids=["gateway", "VM"])
@scene
async def test_five_hundred_half_open_sockets_keep_nobody_out(door: int) -> None:
    """They come back whenever they are closed; twenty polite ones from elsewhere are all answered."""
    async with running() as target:
        port = (await doors(target))[door]
        async with target.observer.watching() as most, attacking("half_open", port=port, count=500):
            found = await all_welcome(port, POLITE, ALICE)
            pending = (await target.ask("snapshot"))["admission"]["pending"]
        assert [visit.is_active for visit in found] == [True] * 20
        assert pending <= PENDING, "no more than there is room for"
        assert most.descriptors < PENDING + 100


@scene
async def test_who_was_there_before_stays_there() -> None:
    """Somebody looks at a certificate warning while five hundred sockets come: the room that they take is
    not hers. A viewer who has logged on is not concerned at all."""
    async with running() as target, looking(target) as alice:
        async with visiting(target.gateway, source="127.0.3.1", hold=at_the_challenge, **ALICE) as thinking:
            await thinking.until_held()
            async with attacking("half_open", port=target.gateway, count=500):
                await asyncio.sleep(1)
                thinking.go_on()
                assert await thinking.until_active()
        assert_prompt(await alice.press_several(3))


async def waiting(stack: AsyncExitStack, target: Target, sources: list[str]) -> list[Visitor]:
    """One from each of these addresses, in this order, that has done TLS and thinks about its password."""
    visitors = []
    for source in sources:
        visit = visiting(target.gateway, source=source, hold=at_the_challenge, **ALICE)
        visitors.append(await stack.enter_async_context(visit))
        await visitors[-1].until_held()
    return visitors


async def who_is_left(visitors: list[Visitor]) -> list[bool]:
    """Whether each may still go on; all are asked to."""
    for visitor in visitors:
        visitor.go_on()
    return [await visitor.until_active() for visitor in visitors]


@scene
async def test_the_oldest_of_the_most_loaded_network_goes() -> None:
    """With room for eight: six of one network and two of another; the next one takes the first's oldest."""
    async with running(Settings(limits={"pending": 8})) as target, AsyncExitStack() as stack:
        there = await waiting(stack, target, [*["127.0.1.1"] * 6, "127.0.4.1", "127.0.4.2"])
        assert (await welcome(target.gateway, source=POLITE[0], **ALICE)).is_active
        assert await who_is_left(there) == [False, *[True] * 7]


@scene
async def test_addresses_of_one_network_are_one_guest() -> None:
    """With room for ten: eight addresses of a /24 are more than two of another, though each has one only."""
    async with running(Settings(limits={"pending": 10})) as target, AsyncExitStack() as stack:
        there = await waiting(stack, target, ["127.0.4.1", "127.0.4.2", *ATTACKERS[:8]])
        assert (await welcome(target.gateway, source=POLITE[0], **ALICE)).is_active
        assert await who_is_left(there) == [True, True, False, *[True] * 7]


@pytest.mark.long
@scene
async def test_silence_ends_after_ten_seconds_and_a_password_may_take_two_minutes() -> None:
    async with running() as target, AsyncExitStack() as stack:
        silent = await open_socket(target.gateway, ATTACKERS[0])
        asked = await open_socket(target.gateway, ATTACKERS[1])
        asked.send(REQUEST)
        thinking = await stack.enter_async_context(
            visiting(target.gateway, source=POLITE[0], hold=at_the_challenge, **ALICE)
        )
        await thinking.until_held()
        await until_closed(silent)
        await until_closed(asked)
        await asyncio.sleep(60)
        thinking.go_on()
        assert await thinking.until_active()


@scene
async def test_nonsense_costs_no_memory() -> None:
    """Two thousand connections that say four bytes and stay: nothing is allocated before the logon but what
    the handshake needs, and those that linger count."""
    async with running() as target:
        assert (await welcome(target.gateway, source=POLITE[0], **ALICE)).is_active
        held = target.observer.memory
        junk = attacking("junk", port=target.gateway, per_second=500)
        async with target.observer.watching() as most, junk as attack:
            await asyncio.sleep(4)
            assert (await welcome(target.gateway, source=POLITE[1], **ALICE)).is_active
        assert attack.report["connections"] > 1000
        assert most.memory - held < 20 * MEBIBYTE
        assert most.descriptors < PENDING + 100, "who lingers counts"


@scene
async def test_nonsense_is_logged_in_a_few_lines() -> None:
    """One line per kind of refusal and second, not two per connection."""
    async with running() as target:
        before = len(target.observer.log_lines)
        async with attacking("junk", port=target.gateway, per_second=300) as attack:
            await asyncio.sleep(4)
        lines = target.observer.log_lines[before:]
        assert len(lines) < attack.report["connections"] / 4
        assert not list(target.observer.forgeries())


@pytest.mark.network_namespace
def test_a_network_of_ipv6_is_one_guest_however_many_addresses_it_has() -> None:
    """Three hundred addresses of a /64, in a namespace that has them; see :mod:`.ipv6_scene`."""
    command = ["unshare", "--net", sys.executable, "-m", "tests.hostile.ipv6_scene"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["others_welcome"] == [True] * 10
    assert found["earlier_is_left"] is True
    assert found["guesser_is_refused"] is True
    assert found["neighbor_is_welcome"] is True


async def counted(target: Target) -> dict[str, int]:
    """How many objects of each of our classes the daemon has; its collector does not run."""
    told: dict[str, int] = (await target.ask("count"))["objects"]
    return told


async def goes_wrong(target: Target, kind: str) -> None:
    """A connection that has ended, of this kind."""
    match kind:
        case "junk":
            plug = await open_socket(target.gateway, ATTACKERS[0])
            plug.send(JUNK)
            await until_closed(plug)
        case "cut":
            async with visiting(target.gateway, source=ATTACKERS[0], hold=at_the_challenge, **ALICE) as one:
                await one.until_held()
        case "password":
            await welcome(target.gateway, source=ATTACKERS[0], user="alice", password="wrong")
        case _:
            assert (await welcome(target.gateway, source=ATTACKERS[0], **ALICE)).is_active


@pytest.mark.parametrize("kind", ["junk", "cut", "password", "session"])
@scene
async def test_what_has_ended_is_freed_without_the_collector(kind: str) -> None:
    """A cycle of references waits for the collector, and with it all that it holds."""
    limits: dict[str, Any] = {"failed-logons-per-minute": 0}
    async with running(Settings(module="tests.hostile.without_collector", limits=limits)) as target:
        for _ in range(4):
            await goes_wrong(target, kind)
        await asyncio.sleep(1.5)
        before = await counted(target)
        for _ in range(10):
            await goes_wrong(target, kind)
        await asyncio.sleep(1.5)
        after = await counted(target)
    grown = {name: count - before.get(name, 0) for name, count in after.items()}
    assert not {name: more for name, more in grown.items() if more >= 10 and not name.endswith(BOUNDED)}
