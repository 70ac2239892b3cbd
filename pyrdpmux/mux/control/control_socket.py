"""Where the running daemon is asked: a unix socket, a JSON object per line each way (:mod:`.client`).

The socket belongs to the user of the daemon, and nobody else may connect.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from pyrdpmux.errors import MuxError
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.control.client import SECONDS, Answer, is_answering
from pyrdpmux.mux.figures import told

logger = logging.getLogger("pyrdpmux.mux")

MAX_REQUEST: Final = 4096
MAX_CONNECTIONS: Final = 16
"""At once; the next is told so. Only the daemon's own user can connect, perhaps with a script gone wild."""

Command: TypeAlias = Callable[[Answer], Awaitable[Answer]]
"""Gets the whole request. What it raises as a MuxError is the answer."""


class ControlServer:
    """Answers those commands that it is given."""

    def __init__(self, path: Path, commands: Mapping[str, Command]) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self) -> None:
        """Raises MuxError, also when another daemon answers there already."""
        if is_answering(self._path):
            raise MuxError(f"{self._path}: another pyrdpmux daemon runs with this state directory")
        try:
            listening = _bind_private(self._path)
        except OSError as error:
            raise MuxError(f"{self._path}: cannot listen: {error.strerror or error}") from error
        self._server = await asyncio.start_unix_server(self._serve, sock=listening, limit=MAX_REQUEST)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            async with asyncio.timeout(SECONDS):
                if self._open > MAX_CONNECTIONS:
                    answer: Answer = {"error": f"more than {MAX_CONNECTIONS} questions at once"}
                else:
                    answer = await self._answer(await _read_request(reader))
                writer.write(json.dumps(answer).encode() + b"\n")
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError):
            logger.debug("A control connection ended early")
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _answer(self, line: bytes) -> Answer:
        if len(line) > MAX_REQUEST:
            return {"error": f"a request of more than {MAX_REQUEST} bytes"}
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return {"error": "not a line of JSON"}
        name = request.get("command") if isinstance(request, dict) else None
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            return {"error": f"unknown command {name!r}"}
        try:
            return await command(request)
        except MuxError as error:
            return {"error": str(error)}
        except Exception as error:
            logger.exception("Control command %s", name)
            return {"error": f"{name}: {type(error).__name__}, see the daemon's log"}


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    """A line, or so much of one that it is too long."""
    try:
        return await reader.readline()
    except ValueError:
        return bytes(MAX_REQUEST + 1)


def describe_console(console: Console) -> Answer:
    """What is told about a VM; ``docs/figures.md`` says what each figure is."""
    figures: Answer = told(console.figures)
    viewers = [
        {"user": viewer.principal.user, "address": viewer.address, "is_active": viewer.is_active} | picture
        for viewer, picture in zip(console.viewers, figures["viewers"], strict=True)
    ]
    about = {
        "name": console.name,
        "uuid": console.uuid,
        "port": console.port,
        "is_listening": console.is_listening,
        "is_running": console.is_running,
        "status": console.status.value,
        "width": console.screen.width,
        "height": console.screen.height,
        "heads": [list(head) for head in console.display.heads],
    }
    return about | figures | {"viewers": viewers}


def _bind_private(path: Path) -> socket.socket:
    """A listening socket of mode 0600 from its first moment, in place of one that a dead daemon left."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        if path.is_socket():
            path.unlink()
    listening = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        listening.bind(os.fspath(path))
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(mask)
    return listening
