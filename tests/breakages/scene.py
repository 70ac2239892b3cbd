"""A console on a port, and clients that note in which order what came."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import numpy as np

from pyrdpmux.codec.color import Pixels, words
from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.client import same_colors
from pyrdpmux.harness.peers.dialing import dial
from pyrdpmux.mux.console.console import Console
from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS
from pyrdpmux.rdp.connection.events import Activated, Event, GraphicsCommandsReceived
from tests.graphics.drawings import photo
from tests.mux.rdp_client import PATIENCE, RdpClient

P = TypeVar("P")
CHANNELS = (GRAPHICS, DISPLAY_CONTROL)


class Witness(RdpClient):
    """Notes every event, and the commands of the pipeline among them."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.noted: list[Event] = []

    def _keep(self, event: Event) -> None:
        super()._keep(event)
        self.noted.append(event)

    def commands(self, kind: type[P]) -> list[P]:
        """Of the pipeline, since the notes were cleared."""
        found = [event.pdus for event in self.noted if isinstance(event, GraphicsCommandsReceived)]
        return [pdu for pdus in found for pdu in pdus if isinstance(pdu, kind)]

    def index(self, kind: type[Event]) -> int:
        """Of the first such event."""
        return next(number for number, event in enumerate(self.noted) if isinstance(event, kind))

    async def until_near(self, picture: Pixels, distance: float = 6.0) -> None:
        """Until it shows about that."""

        def is_near() -> bool:
            if self.picture.shape != picture.shape:
                return False
            off = np.abs(self.picture[..., :3].astype(np.int16) - picture[..., :3])
            return float(off.mean()) < distance

        await self.until(is_near, what="a picture like that")

    def shows(self, console: Console) -> bool:
        return same_colors(self.picture, console.screen.pixels)


@asynccontextmanager
async def witness(port: int, **config: Any) -> AsyncIterator[Witness]:
    """A client with the graphics pipeline and Display Control, unless ``config`` says otherwise."""
    settings = {"dynamic_channels": CHANNELS} | config
    async with dial("127.0.0.1", port, patience=PATIENCE, client=Witness, **settings) as client:
        yield client


def picture(width: int, height: int, seed: int = 1) -> Pixels:
    """A photograph, (height, width, 4)."""
    return np.ascontiguousarray(photo(width, height, seed)).view(np.uint8).reshape(height, width, 4)


def write(console: Console, rect: Rect, pixels: Pixels) -> None:
    assert (words(pixels).shape) == (rect.height, rect.width)
    console.screen.write(rect, pixels)


def sizes(client: Witness) -> Sequence[tuple[int, int]]:
    return [(event.width, event.height) for event in client.seen(Activated)]
