"""Row 13: what is left, each small."""

import asyncio
import json
import socket
from typing import Any, Final

import pytest

from tests.hostile.scene import scene
from tests.hostile.target import ALICE, A, Target, running
from tests.hostile.visitor import welcome

REQUESTS: Final = {
    "deep list": b"[" * 4000,
    "deep object": b'{"command":' * 300,
    "deep argument": b'{"command": "vms", "x": ' + b"[" * 4000,
    "not an object": b"[]",
    "a number": b"1" * 4000,
    "not text": b"\xff\xfe" * 100,
    "a long name": b'{"command": "' + b"x" * 3000 + b'"}',
    "nothing": b"",
}


async def ask_raw(target: Target, request: bytes) -> Any:
    """What the control socket answers to these bytes and a line's end."""

    def talk() -> bytes:
        with socket.socket(socket.AF_UNIX) as plug:
            plug.settimeout(10)
            plug.connect(str(target.state / "control.sock"))
            plug.sendall(request + b"\n")
            with plug.makefile("rb") as answers:
                return answers.readline()

    answer = await asyncio.to_thread(talk)
    return json.loads(answer) if answer else {}


@scene
async def test_nonsense_at_the_control_socket_is_answered_and_logs_no_traceback() -> None:
    async with running() as target:
        answers = {name: await ask_raw(target, request) for name, request in REQUESTS.items()}
        assert not {name: answer for name, answer in answers.items() if "error" not in answer}
        assert await target.vms()
        assert not list(target.observer.forgeries())


@pytest.mark.parametrize("name", ["pyrdpmux.key", "accounts.sam"])
@scene
async def test_secrets_that_others_may_read_are_noticed(name: str) -> None:
    """A private key, or password hashes, of mode 0644: the daemon says so, or does not take them."""
    async with running() as target:
        assert (await welcome(await target.port(A), source="127.0.2.1", **ALICE)).is_active
        before = len(target.observer.log_lines)
        path = target.state / name
        path.chmod(0o644)
        path.write_bytes(path.read_bytes() + b"\n")
        refusal = ""
        try:
            await target.ask("reload")
        except Exception as error:
            refusal = str(error)
        await welcome(await target.port(A), source="127.0.2.1", **ALICE)
        await asyncio.sleep(0.3)
        told = "\n".join([*target.observer.log_lines[before:], refusal])
        assert name in told
        assert "mode" in told or "others" in told or "readable" in told
