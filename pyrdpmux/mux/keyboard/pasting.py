"""Texts typed into a VM as if somebody sat at its keyboard: `pyrdpmux type`."""

import asyncio
from collections.abc import Iterator
from typing import Final

from pyrdpmux.errors import MuxError
from pyrdpmux.mux.arbiter import InputArbiter
from pyrdpmux.mux.keyboard.layout import Layout
from pyrdpmux.rdp.pdu.input import KeyboardFlags, UnicodeEvent

SECONDS_PER_CHARACTER: Final = 0.02
"""As fast as boot loaders read: the keyboard's own buffer holds 16 keys."""

PIECE: Final = 120
"""Characters per request to the daemon, which has to answer within some seconds."""

MAX_TEXT: Final = 1 << 16


def pieces_of(text: str) -> Iterator[str]:
    """Raises MuxError for more than anybody would want to type."""
    text = text.replace("\r\n", "\n")
    if len(text) > MAX_TEXT:
        raise MuxError(f"{len(text)} characters, at most {MAX_TEXT} are typed")
    return (text[at : at + PIECE] for at in range(0, len(text), PIECE))


def characters_without_key(text: str, layout: Layout) -> str:
    """Each of them once."""
    return "".join(dict.fromkeys([char for char in text if not layout.strokes_for(char)]))


async def type_text(arbiter: InputArbiter, text: str, seconds: float = SECONDS_PER_CHARACTER) -> None:
    """Character by character; as one more viewer, who keeps to the rules of the others."""
    typist = object()
    loop = asyncio.get_running_loop()
    try:
        for char in text:
            code = ord(char)
            if code <= 0xFFFF:
                events = (UnicodeEvent(KeyboardFlags(0), code), UnicodeEvent(KeyboardFlags.RELEASE, code))
                arbiter.apply(typist, events, loop.time())
            await asyncio.sleep(seconds)
    finally:
        arbiter.leave(typist)
