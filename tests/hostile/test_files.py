"""Row 4: files that guests name, and what they put in their place later."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from tests.hostile.attack import attacking
from tests.hostile.hypervisors import make_sparse
from tests.hostile.observer import MEBIBYTE
from tests.hostile.scene import POLITE, assert_prompt, looking, scene
from tests.hostile.target import ALICE, B, Target, eventually, running, uuid_of
from tests.hostile.visitor import visiting, welcome

OTHER: Final = B + 1
UID: Final = 65534
THIRD_UID: Final = 65533
SIZE: Final = 512 * MEBIBYTE
HUGE: Final = 2048 * MEBIBYTE
SAM_LINES: Final = 15_000
SAM_FILES: Final = 20
WARM_UP: Final = 5
OWN: Final[dict[str, Any]] = {"user": "owner", "password": "of the guest"}


@pytest.mark.parametrize("size", [SIZE, pytest.param(HUGE, marks=pytest.mark.long)])
@scene
async def test_a_huge_sam_file_costs_nobody_anything(size: int) -> None:
    """Its size is looked at before it is read; alice is answered meanwhile."""
    async with running() as target, looking(target) as alice:
        held = target.observer.memory
        file = {"bus": target.bus, "first": OTHER, "path": str(target.folder / "huge.sam"), "size": size}
        async with target.observer.watching() as most, attacking("sam_file", **file):
            answers = await alice.press_several(5)
            assert (await welcome(target.gateway, source=POLITE, **ALICE)).is_active
        assert_prompt(answers)
        assert most.memory - held < 20 * MEBIBYTE


def a_pipe(path: Path) -> None:
    os.mkfifo(path, 0o644)


def a_huge_file(path: Path) -> None:
    make_sparse(path, SIZE)


def a_link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"), 0o644)
    path.symlink_to(path.with_name("pipe"))


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.root
@pytest.mark.parametrize("swap", [a_pipe, a_huge_file, a_link_to_a_pipe, a_device, a_directory])
@scene
async def test_what_takes_the_file_s_place_later_blocks_nobody(swap: Callable[[Path], None]) -> None:
    """Registered with a good file; then somebody logs on there, for whom it is read again."""
    async with running() as target, looking(target) as alice:
        path = await registered_with_a_file(target)
        held = target.observer.memory
        path.unlink()
        swap(path)
        os.chown(path, UID, UID, follow_symlinks=False)
        async with target.observer.watching() as most:
            attempts = [
                asyncio.create_task(log_on_to_other(target, f"127.0.1.{number}")) for number in range(1, 9)
            ]
            await asyncio.sleep(0.5)
            answers = await alice.press_several(5)
            assert (await welcome(target.gateway, source=POLITE, **ALICE)).is_active
            assert await target.ask("vms")
            assert not any(await asyncio.gather(*attempts)), "nobody is let in"
        assert_prompt(answers)
        assert most.memory - held < 50 * MEBIBYTE


async def registered_with_a_file(target: Target) -> Path:
    """The other user's guest, with which one can log on."""
    path = target.folder / "own.sam"
    target.set_password(path, OWN, UID)
    house = await target.open_house(UID)
    assert not await house.add(OTHER, auth_file=str(path))
    await target.until_running(uuid_of(OTHER))
    assert await log_on_to_other(target, "127.0.1.50")
    return path


async def log_on_to_other(target: Target, source: str, **account: Any) -> bool:
    who = {**OWN, **account, "domain": uuid_of(OTHER)}
    return (await welcome(target.gateway, source=source, seconds=8, **who)).is_active


@pytest.mark.root
@scene
async def test_a_file_of_somebody_else_lets_nobody_in() -> None:
    """The owner is looked at whenever it is read, not at the registration only."""
    async with running() as target:
        path = await registered_with_a_file(target)
        foreign = {**OWN, "password": "of a third one"}
        other = target.folder / "third.sam"
        target.set_password(other, foreign, THIRD_UID)
        os.replace(other, path)
        assert not await log_on_to_other(target, "127.0.1.51", password=foreign["password"])
        path.unlink()
        target.set_password(other, foreign, THIRD_UID)
        path.symlink_to(other)
        assert not await log_on_to_other(target, "127.0.1.52", password=foreign["password"])


@scene
async def test_files_that_nobody_names_any_more_are_forgotten() -> None:
    """A guest comes again and again, each time with another file of a size that is allowed."""
    text = "".join([f"user{number}:::{number:032x}:::\n" for number in range(SAM_LINES)])
    async with running() as target:
        await welcome(target.gateway, source=POLITE, **ALICE)
        for number in range(SAM_FILES):
            if number == WARM_UP:
                held = target.observer.memory
            path = target.folder / f"{number}.sam"
            path.write_text(text)
            assert not await target.house.add(OTHER, auth_file=str(path))
            await log_on_to_other(target, f"127.0.1.{1 + number}")
            await target.house.tell("leave", OTHER)
            await until_gone(target)
        assert target.observer.memory - held < 20 * MEBIBYTE


async def until_gone(target: Target) -> None:
    async def gone() -> bool:
        return uuid_of(OTHER) not in await target.vms()

    await eventually(gone)


@pytest.mark.root
@scene
async def test_somebody_else_s_file_cannot_be_registered() -> None:
    async with running() as target:
        path = target.folder / "third.sam"
        target.set_password(path, OWN, THIRD_UID)
        house = await target.open_house(UID)
        assert await house.add(OTHER, auth_file=str(path))
        async with visiting(target.gateway, **OWN, domain=uuid_of(OTHER)) as visitor:
            assert await visitor.until_over()
            assert not visitor.is_proved
