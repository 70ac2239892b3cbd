"""Clients that take frames and say that they have them, and draw nothing: many cost little.

    python -m bench.glass.onlookers 127.0.0.1 3901 1920x1080 h264 9

They announce what xfreerdp does, so that a server can send all the same. It says ``ready`` when all are
active, and leaves at the end of its input.
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from bench.glass.client import USER
from pyrdpmux.harness.peers.client import Client
from pyrdpmux.harness.peers.dialing import dial
from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    GraphicsCapabilitySet,
    GraphicsFlags,
)
from pyrdpmux.rdp.channels.graphics.frames import EndFrame
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import Event, GraphicsCommandsReceived

PATIENCE: Final = 60.0

SETS: Final = {
    "h264": (GraphicsCapabilitySet.of(CapabilityVersion.VERSION_10_6),),
    "egfx": (GraphicsCapabilitySet.of(CapabilityVersion.VERSION_10_6, GraphicsFlags.AVC_DISABLED),),
    "none": (),
}


class Onlooker(Client):
    """One of them."""

    _frames = 0

    def _on_event(self, event: Event) -> None:
        if not isinstance(event, GraphicsCommandsReceived):
            super()._on_event(event)
            return
        for pdu in event.pdus:
            if isinstance(pdu, EndFrame):
                self._frames += 1
                self.connection.acknowledge_graphics_frame(pdu.frame_id, 0, self._frames)


async def main(host: str, port: str, size: str, mode: str, count: str) -> None:
    width, height = (int(part) for part in size.split("x"))
    channels = (CHANNEL_NAME,) if SETS[mode] else ()
    settings: dict[str, Any] = {"user": USER, "password": USER}
    settings |= {"dynamic_channels": channels, "graphics": SETS[mode]}
    look = partial(
        dial, host, int(port), patience=PATIENCE, client=Onlooker, width=width, height=height, **settings
    )
    async with AsyncExitStack() as stack:
        onlookers = [await stack.enter_async_context(look()) for _ in range(int(count))]
        for onlooker in onlookers:
            await onlooker.until_active()
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
