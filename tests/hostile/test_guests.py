"""Rows 7 and 10: guests with pictures too large and too often, and with pictures that are not theirs."""

import asyncio
from typing import Final

import numpy as np
import pytest

from tests.hostile.attack import attacking
from tests.hostile.observer import MEBIBYTE
from tests.hostile.raw_guest import remove_shared, share_secret
from tests.hostile.scene import assert_prompt, looking, scene
from tests.hostile.target import MALLORY, B, Settings, running, uuid_of
from tests.hostile.visitor import visiting

OTHER: Final = B + 1
UID: Final = 65534
KEYS: Final = 10
UHD: Final = (3840, 2160)
UHD_8K: Final = (7680, 4320)
SECRET: Final = 0x00A0B0C0


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (UHD, 4),
        (UHD_8K, 1),
        pytest.param(UHD_8K, 4, marks=pytest.mark.long),
    ],
)
@scene
async def test_large_pictures_of_one_delay_nobody_else(size: tuple[int, int], count: int) -> None:
    """Copied in slices: whoever looks at another VM waits for one of them at most."""
    async with running() as target, looking(target) as alice:
        held = target.observer.memory
        width, height = size
        load = {"bus": target.bus, "first": OTHER, "count": count, "width": width, "height": height}
        async with target.observer.watching() as most, attacking("pictures", **load, hertz=60) as attack:
            # the first copy of an 8K picture takes about a second of its guest's share
            answers = await alice.press_several(3 * KEYS)
        assert_prompt(answers)
        assert attack.report["answers"] > 0, "the guest is answered, too"
        picture = width * height * 4
        assert most.memory - held < count * 3 * picture + 50 * MEBIBYTE


@scene
async def test_sizes_that_change_all_the_time_delay_nobody() -> None:
    async with running() as target, looking(target) as alice:
        held = target.observer.memory
        load = {"bus": target.bus, "first": OTHER, "hertz": 200}
        async with target.observer.watching() as most, attacking("resizes", **load):
            answers = await alice.press_several(KEYS)
        assert_prompt(answers)
        assert most.memory - held < 3 * UHD[0] * UHD[1] * 4 + 50 * MEBIBYTE


@pytest.mark.root
@scene
async def test_nobody_shows_the_memory_of_root() -> None:
    """A guest of another user names an object that only root may read; the daemon may, too."""
    share_secret(OTHER, 640, 480, SECRET)
    try:
        rules = {uuid_of(OTHER): {"users": ["mallory"]}}
        async with running(Settings(vms=rules)) as target:
            house = await target.open_house(UID)
            assert not await house.tell(
                "add_raw", {"vm_id": OTHER, "uuid": uuid_of(OTHER), "size": (640, 480)}
            )
            async with visiting(await target.port(OTHER), **MALLORY) as visitor:
                assert await visitor.until_active()
                for _ in range(10):
                    await house.tell("raw_update", OTHER)
                    await asyncio.sleep(0.1)
                secret = np.array([SECRET & 255, SECRET >> 8 & 255, SECRET >> 16], np.uint8)
                shown = (visitor.picture[..., :3] == secret).all(axis=2)
                assert not shown.any(), f"{int(shown.sum())} pixels of root's"
    finally:
        remove_shared(OTHER)
