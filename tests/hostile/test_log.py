"""Row 11: what strangers and guests say of themselves forges no line of the log, and fills none."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.hostile.scene import scene
from tests.hostile.target import ALICE, A, B, Settings, Target, running, uuid_of
from tests.hostile.visitor import PATIENCE, visiting, welcome

OTHER: Final = B + 1
FORGED: Final = "2026-01-01 00:00:00,000 ERROR   [c1 vm=x alice] Logged on"
EVIL: Final = f"\n{FORGED}\r\x1b[2J\x1b]0;owned\x07\x85\u2028%s%n\u202e"
LONG: Final = "A" * 60_000
MAX_LINE: Final = 2000
"""Bytes of one line, whatever a peer says; ours with a path and a reason are shorter by far."""


async def settle(target: Target) -> list[str]:
    """The log, once what was done has reached it."""
    await asyncio.sleep(0.5)
    assert await target.ask("vms")
    return target.observer.log_lines


def assert_clean(target: Target, lines: list[str]) -> None:
    assert not [line for line in lines if line.startswith(FORGED)]
    assert not list(target.observer.forgeries())
    assert max(len(line.encode()) for line in lines) < MAX_LINE


VERBOSITIES: Final = pytest.mark.parametrize("options", [(), ("-v",)], ids=["quiet", "verbose"])


@VERBOSITIES
@scene
async def test_the_file_that_a_guest_names(options: tuple[str, ...]) -> None:
    async with running(Settings(options=options)) as target:
        for number, path in enumerate([f"/x{EVIL}", f"/{LONG}", f"relative{EVIL}"]):
            await target.house.add(OTHER + number, auth_file=path)
            who = {"user": "x", "password": "x", "domain": uuid_of(OTHER + number)}
            await welcome(target.gateway, source="127.0.1.1", seconds=PATIENCE, **who)
        assert_clean(target, await settle(target))


def without_breaks(word: str) -> bytes:
    """As much as a routing token can carry."""
    return word.replace("\r", "").replace("\n", "").encode()[:180]


WORDS: Final[dict[str, Callable[[str], dict[str, Any]]]] = {
    "user": lambda word: {"user": word, "password": "x"},
    "domain": lambda word: {"user": "x", "domain": word, "password": "x"},
    "cookie": lambda word: {**ALICE, "cookie": without_breaks(word)},
    "token": lambda word: {**ALICE, "routing": b"vm=" + without_breaks(word)},
    "client name": lambda word: {**ALICE, "client_name": word[:15]},
}


@VERBOSITIES
@scene
async def test_what_a_stranger_says(options: tuple[str, ...]) -> None:
    limits = {"failed-logons-per-minute": 0}
    async with running(Settings(options=options, limits=limits)) as target:
        said = [
            (door, words(word))
            for door in (target.gateway, await target.port(A))
            for words in WORDS.values()
            for word in (EVIL, EVIL[1:], LONG[:200] + EVIL)
        ]
        for at in range(0, len(said), 10):
            some = said[at : at + 10]
            await asyncio.gather(*[welcome(door, source="127.0.1.1", seconds=3, **who) for door, who in some])
        assert_clean(target, await settle(target))


@scene
async def test_refusals_are_counted_and_not_listed() -> None:
    """One who guessed too often, and goes on coming: a line each would be his to write."""
    async with running() as target:
        for _ in range(4):
            await welcome(target.gateway, source="127.0.1.1", user="alice", password="guess")
        before = len(await settle(target))
        for _ in range(10):
            guess = {"user": "alice", "password": "guess"}
            again = [welcome(target.gateway, source="127.0.1.1", seconds=0.3, **guess) for _ in range(30)]
            await asyncio.gather(*again)
        lines = (await settle(target))[before:]
        assert len(lines) < 100, "of three hundred connections"


@scene
async def test_no_password_and_no_proof_is_in_the_log() -> None:
    async with running(Settings(options=("-vv",))) as target:
        async with visiting(await target.port(A), **ALICE) as visitor:
            assert await visitor.until_active()
        log = "\n".join(await settle(target))
        assert ALICE["password"] not in log
        [line] = [line for line in target.accounts.read_text().splitlines() if line.startswith("alice")]
        assert line.split(":")[3] not in log.lower()
