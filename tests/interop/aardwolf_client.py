"""aardwolf as a client without a window: a program that types, clicks, and keeps a file of what it shows.

``aardwolf_client.py PORT USER PASSWORD PROTOCOL WIDTH HEIGHT PICTURE``; PROTOCOL is HYBRID (NLA) or SSL. It
prints ``connected`` when it is, and ends in order at SIGTERM. PICTURE has red, green and blue of each pixel,
row by row, of everything received so far; it is replaced as a whole.
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path
from urllib.parse import quote

from aardwolf.commons.factory import RDPConnectionFactory
from aardwolf.commons.iosettings import RDPIOSettings
from aardwolf.commons.queuedata.constants import MOUSEBUTTON
from aardwolf.connection import RDPConnection
from aardwolf.protocol.x224.constants import SUPP_PROTOCOLS


def settings(protocol: str, width: int, height: int) -> RDPIOSettings:
    made = RDPIOSettings()
    made.video_width, made.video_height = width, height
    made.supported_protocols = SUPP_PROTOCOLS[protocol]
    made.clipboard_use_pyperclip = False
    made.channels = []
    return made


async def keep(connection: RDPConnection, path: Path) -> None:
    """Write the picture down whenever it has changed, and all that came meanwhile is in it."""
    while await connection.ext_out_queue.get() is not None:
        while not connection.ext_out_queue.empty():
            if connection.ext_out_queue.get_nowait() is None:
                return
        partial = path.with_suffix(".partial")
        partial.write_bytes(connection.get_desktop_buffer().convert("RGB").tobytes())
        partial.replace(path)


async def play(connection: RDPConnection) -> None:
    """The letter A, the right control key, and a click."""
    for scancode, is_extended in ((0x1E, False), (0x1D, True)):
        for is_pressed in (True, False):
            await connection.send_key_scancode(scancode, is_pressed, is_extended)
    await connection.send_mouse(MOUSEBUTTON.MOUSEBUTTON_HOVER, 40, 30, False)
    for is_pressed in (True, False):
        await connection.send_mouse(MOUSEBUTTON.MOUSEBUTTON_LEFT, 40, 30, is_pressed)


async def main(
    port: str, user: str, password: str, protocol: str, width: str, height: str, path: str
) -> None:
    made = settings(protocol, int(width), int(height))
    url = f"rdp+ntlm-password://{quote(user)}:{quote(password)}@127.0.0.1:{port}/?timeout=10"
    connection = RDPConnectionFactory.from_url(url, made).get_connection(made)
    _, error = await connection.connect()
    if error is not None:
        raise error
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    print("connected", flush=True)
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(keep(connection, Path(path)))
        await play(connection)
        await asked_to_stop.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await connection.terminate()
        keeping.cancel()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
