"""Row 6: a VNC server that the daemon was told to show, and that is an enemy."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

import pytest

from tests.hostile.attack import armed
from tests.hostile.observer import MEBIBYTE
from tests.hostile.scene import assert_prompt, looking, scene
from tests.hostile.target import Settings, eventually, running
from tests.mux.support.public_directory import public_directory

NAME: Final = "evil"
KEYS: Final = 5
AFTERWARDS: Final = 3.0
"""Seconds that the daemon may compute on what a server had sent before it closed."""


@pytest.mark.parametrize("attack", ["vnc_copies", "vnc_updates", "vnc_closing"])
@scene
async def test_the_viewer_of_another_vm_is_answered_at_once(attack: str) -> None:
    with public_directory() as folder:
        settings = Settings(vms={NAME: {"source": f"vnc:unix:{folder / 'vnc'}"}})
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(armed(attack, path=str(folder / "vnc")))
            target = await stack.enter_async_context(running(settings))
            alice = await stack.enter_async_context(looking(target))
            await target.until_running(NAME)
            held = target.observer.memory
            await server.go()
            async with target.observer.watching() as most:
                answers = await alice.press_several(KEYS)
            assert_prompt(answers)
            assert most.memory - held < 300 * MEBIBYTE, "its picture of 122 MiB and one more"


@scene
async def test_when_it_closes_its_work_ends() -> None:
    """Two megabytes of copies, of 32 million pixels each, and the end: seen while they are decoded."""
    with public_directory() as folder:
        settings = Settings(vms={NAME: {"source": f"vnc:unix:{folder / 'vnc'}"}})
        path = str(folder / "vnc")
        async with armed("vnc_copies", path=path, megabytes=2) as server, running(settings) as target:
            await target.until_running(NAME)
            await server.go()
            await asyncio.sleep(1)
            await server.abandon()
            computed = target.observer.loop_seconds

            async def knows() -> bool:
                assert target.observer.loop_seconds - computed < AFTERWARDS, "it is still at work"
                return bool((await target.vms())[NAME]["status"] == "lost")

            await eventually(knows)
