"""How `pyrdpmux vms` and others ask the running daemon: a unix socket, a JSON object per line each way.

Request ``{"command": "vms"}``; answer ``{"vms": [...]}`` or ``{"error": "..."}``. This half needs no event
loop and nothing of the daemon, so that a command that asks and ends starts in no time.
"""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from pyrdpmux.errors import MuxError

MAX_ANSWER: Final = 32 << 20
"""Bytes: a VM with a viewer takes about two thousand."""
SECONDS: Final = 5.0
"""For the whole of one question and answer."""

PIECE: Final = 120
"""Characters of a text to type per request: the daemon has typed them within :data:`SECONDS`."""

MAX_TEXT: Final = 1 << 16

Answer: TypeAlias = dict[str, Any]


def ask(path: Path, command: str, **arguments: str) -> Answer:
    """Ask the daemon that listens at ``path``. Raises MuxError."""
    try:
        with _connected(path) as connection, connection.makefile("rb") as answers:
            connection.sendall(json.dumps({"command": command, **arguments}).encode() + b"\n")
            answer = json.loads(answers.readline(MAX_ANSWER))
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise MuxError(f"{path}: no pyrdpmux daemon is running there") from error
    except (OSError, ValueError) as error:
        raise MuxError(f"{path}: no answer from the daemon: {error}") from error
    if not isinstance(answer, dict):
        raise MuxError(f"{path}: the daemon says: {answer}")
    if "error" in answer:
        raise MuxError(str(answer["error"]))
    return answer


def is_answering(path: Path) -> bool:
    """Whether a daemon listens at ``path``."""
    try:
        _connected(path).close()
    except OSError:
        return False
    return True


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(SECONDS)
        connection.connect(os.fspath(path))
    except BaseException:
        connection.close()
        raise
    return connection


def pieces_of(text: str) -> Iterator[str]:
    """Raises MuxError for more than anybody would want to type."""
    text = text.replace("\r\n", "\n")
    if len(text) > MAX_TEXT:
        raise MuxError(f"{len(text)} characters, at most {MAX_TEXT} are typed")
    return (text[at : at + PIECE] for at in range(0, len(text), PIECE))
