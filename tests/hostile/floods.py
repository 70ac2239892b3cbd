"""Attacks of a viewer that has every right to be there: on VM B, and on no other."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.channels.display_control.pdu import Monitor, MonitorLayout
from pyrdpmux.rdp.channels.dynamic.pdu import Close, Data, DynamicPdu
from pyrdpmux.rdp.channels.static import chunks
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.envelope import wrap
from pyrdpmux.rdp.connection.events import DisplayControlReady
from pyrdpmux.rdp.connection.secure import seal, seal_fast_path
from pyrdpmux.rdp.fastpath.input import encode_input_events
from pyrdpmux.rdp.mcs.client_data import ChannelDefinition
from pyrdpmux.rdp.mcs.domain import SendDataRequest
from pyrdpmux.rdp.pdu.display import InclusiveRectangle, RefreshRectangle, SuppressOutput
from pyrdpmux.rdp.pdu.input import (
    InputEvent,
    MouseEvent,
    PointerFlags,
    SynchronizeEvent,
    ToggleFlags,
    UnicodeEvent,
)
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData, ShareDataBody
from pyrdpmux.wire import encode
from tests.hostile.attack import AttackFunction, Load
from tests.hostile.visitor import DOWN, UP, Visitor, stroke, visiting

EVENTS: Final = 255
"""In one fast-path PDU, at most."""

BURST: Final = 100_000
"""Bytes of scancodes at once."""

CHUNK: Final = 64
"""PDUs that are sent at once, again and again."""

KEY: Final = 0x1E
CHANNEL: Final = ChannelDefinition(b"cliprdr")
SECRET: Final = b"what was copied in another window "
"""What the channel is flooded with, so that a log can be searched for it."""


def input_pdu(events: Sequence[InputEvent]) -> bytes:
    """One fast-path PDU."""
    number, body = encode_input_events(events)
    return seal_fast_path(None, body, number)


def share_pdu(connection: ClientConnection, body: ShareDataBody) -> bytes:
    """One slow-path PDU."""
    user, share_id = connection.facts.user_channel_id, connection.facts.share_id
    return data_pdu(
        connection, connection.facts.io_channel_id, encode(ShareControl(user, ShareData(share_id, body)))
    )


def data_pdu(connection: ClientConnection, channel: int, body: bytes) -> bytes:
    sealed = seal(None, body, SecurityFlags(0), has_header=False)
    return wrap(SendDataRequest(connection.facts.user_channel_id, channel, sealed))


def keys(count: int) -> list[InputEvent]:
    """So many events; all are up at the end."""
    return [event for _ in range(count // 2) for event in stroke(KEY)]


def scancodes(_: ClientConnection) -> bytes:
    return input_pdu(keys(EVENTS - 1)) * CHUNK


def burst(_: ClientConnection) -> bytes:
    """At least :data:`BURST` bytes."""
    pdu = input_pdu(keys(EVENTS - 1))
    return pdu * -(-BURST // len(pdu))


def unicode(_: ClientConnection) -> bytes:
    strokes = [UnicodeEvent(flags, ord("q")) for _ in range(EVENTS // 2) for flags in (DOWN, UP)]
    return input_pdu(strokes) * CHUNK


def synchronize(_: ClientConnection) -> bytes:
    locks = (ToggleFlags.CAPS_LOCK, ToggleFlags(0))
    return input_pdu([SynchronizeEvent(locks[number % 2]) for number in range(EVENTS)]) * CHUNK


def mouse(_: ClientConnection) -> bytes:
    moves = [MouseEvent(PointerFlags.MOVE, number % 600, number % 400) for number in range(EVENTS)]
    return input_pdu(moves) * CHUNK


def refresh(connection: ClientConnection) -> bytes:
    """As many rectangles as fit, of which no two are alike."""
    areas = [InclusiveRectangle(number, number % 7, 639 - number, 479) for number in range(EVENTS)]
    return share_pdu(connection, RefreshRectangle(tuple(areas))) * CHUNK


def suppress(connection: ClientConnection) -> bytes:
    everything = InclusiveRectangle(0, 0, 639, 479)
    off, on = SuppressOutput(0), SuppressOutput(1, everything)
    return (share_pdu(connection, off) + share_pdu(connection, on)) * CHUNK


def number_of(connection: ClientConnection, name: str) -> int:
    """Of a static channel."""
    return next(number for number, known in connection.facts.channels.items() if known == name)


def channel(connection: ClientConnection) -> bytes:
    number = number_of(connection, "cliprdr")
    pieces = [data_pdu(connection, number, encode(pdu)) for pdu in chunks(SECRET * 100)]
    return b"".join(pieces) * CHUNK


def dynamic(connection: ClientConnection, *pdus: DynamicPdu) -> bytes:
    """In the static channel that carries the dynamic ones; Display Control is the first that was opened."""
    number = number_of(connection, "drdynvc")
    frames = [chunk for pdu in pdus for chunk in chunks(encode(pdu))]
    return b"".join([data_pdu(connection, number, encode(frame)) for frame in frames])


def layouts(connection: ClientConnection) -> bytes:
    """A window that never has the same size twice."""
    sizes = [Monitor(width=400 + 2 * number, height=300 + number) for number in range(EVENTS)]
    pdus = [Data(1, encode(MonitorLayout((monitor,)))) for monitor in sizes]
    return dynamic(connection, *pdus) * (CHUNK // 8)


def closed_channel(connection: ClientConnection) -> bytes:
    """Data for a channel that it has closed itself."""
    return dynamic(connection, Close(1), *[Data(1, SECRET * 40)] * 40) * CHUNK


Flood = Callable[[ClientConnection], bytes]

FLOODS: Final[dict[str, Flood]] = {
    flood.__name__: flood
    for flood in (
        scancodes,
        burst,
        unicode,
        synchronize,
        mouse,
        refresh,
        suppress,
        channel,
        layouts,
        closed_channel,
    )
}


async def flood(load: Load, *, port: int, user: str, password: str, kind: str, repeats: int = 0) -> None:
    """Send it ``repeats`` times; 0: for good."""
    async with visiting(
        port,
        source="127.0.1.1",
        user=user,
        password=password,
        channels=(CHANNEL,),
        dynamic_channels=(DISPLAY_CONTROL,),
    ) as viewer:
        assert await viewer.until_active(), "the attacker was not let in"
        await viewer.until(lambda: any(isinstance(event, DisplayControlReady) for event in viewer.events))
        await load.go()
        viewer.is_blind = True
        frames = FLOODS[kind](viewer.connection)
        if repeats:
            await _send(load, viewer, frames * repeats)
            load.under_way()
            await viewer.until_over(60)
        load.under_way()
        while not viewer.is_over:
            await _send(load, viewer, frames)
            await asyncio.sleep(0)
        load.report["was_sent_away"] = 1


async def _send(load: Load, viewer: Visitor, frames: bytes) -> None:
    viewer.send(frames)
    load.count("bytes", len(frames))
    try:
        await viewer.drained()
    except ConnectionError:
        viewer.is_over = True


ATTACKS: Final[dict[str, AttackFunction]] = {"flood": flood}
