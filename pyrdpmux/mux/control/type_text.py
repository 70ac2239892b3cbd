"""Texts typed into a VM as if somebody sat at its keyboard: `pyrdpmux type`."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pyrdpmux.errors import MuxError
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.control.client import PIECE
from pyrdpmux.mux.input.arbiter import InputArbiter
from pyrdpmux.mux.input.typist import Typist
from pyrdpmux.rdp.pdu.input import KeyboardFlags, UnicodeEvent

SECONDS_PER_CHARACTER: Final = 0.02
"""As fast as boot loaders read: the keyboard's own buffer holds 16 keys."""


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


async def type_on_command(consoles: Iterable[Console], request: Mapping[str, Any]) -> dict[str, Any]:
    """The daemon's answer to ``{"command": "type", "vm": ..., "text": ...}``. Raises MuxError."""
    name, text = request.get("vm"), request.get("text")
    if not isinstance(name, str) or not isinstance(text, str) or len(text) > PIECE:
        raise MuxError(f"type: expected the name of a VM, and a text of at most {PIECE} characters")
    console = next((console for console in consoles if console.name == name), None)
    if console is None:
        raise MuxError(f"{name}: there is no such VM")
    sink = console.arbiter.sink
    if sink is None:
        raise MuxError(f"{name}: {console.status.value}: nobody is there to read")
    await type_text(console.arbiter, text)
    return {"missing": sink.missing(text) if isinstance(sink, Typist) else ""}
