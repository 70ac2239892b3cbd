"""What a guest makes us do is done in turns of its share, and then it has to wait for three times as long.

Not only pictures: whatever a hypervisor sends unasked could otherwise keep the loop busy for ever.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pyrdpmux.net.fair import LoopShare

REST_FACTOR: Final = 3
"""Times what was worked, until what comes next is looked at: a quarter of our time at most."""


async def work(share: LoopShare, steps: Iterable[object], clock: Callable[[], float] | None = None) -> float:
    """Take all steps in turns of the share, which may have other work too. Returns how long to rest."""
    now = clock or asyncio.get_running_loop().time
    spent = 0.0

    def timed() -> Iterator[None]:
        nonlocal spent
        began = now()
        for _ in steps:
            spent += now() - began
            yield
            began = now()
        spent += now() - began

    await share.work(timed())
    return REST_FACTOR * spent
