"""One attack, in a process of its own that is nicer than the daemon.

    python -m tests.hostile.attack NAME '{"port": 3901, ...}'

It prints ``ready``, waits for a line on standard input, prints ``under way`` once its load is there, goes on
until standard input ends, and prints what it has done as a line of JSON.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
NICE: Final = 5
START_SECONDS: Final = 60.0

ATTACKERS: Final = tuple([f"127.0.1.{number}" for number in range(1, 61)])
"""Where strangers come from; polite ones have 127.0.2.x."""


class Load:
    """What an attack tells of itself, and is told."""

    def __init__(self, stdin: asyncio.StreamReader) -> None:
        #: numbers of what was done, by name
        self.report: dict[str, float] = {}
        self._stdin = stdin
        self._is_told = asyncio.Event()

    async def go(self) -> None:
        """All is prepared: wait for the word."""
        print("ready", flush=True)
        await self._stdin.readline()
        self._is_told.set()

    def under_way(self) -> None:
        print("under way", flush=True)

    def count(self, name: str, number: float = 1) -> None:
        self.report[name] = self.report.get(name, 0) + number

    async def until_over(self) -> None:
        """Until standard input ends; before the word it is the attack's own."""
        await self._is_told.wait()
        while await self._stdin.readline():
            pass


AttackFunction = Callable[..., Coroutine[Any, Any, None]]


def attacks() -> dict[str, AttackFunction]:
    """All there are, by name."""
    from tests.hostile import floods, hypervisors, strangers, vnc_servers

    return {**strangers.ATTACKS, **floods.ATTACKS, **hypervisors.ATTACKS, **vnc_servers.ATTACKS}


async def main(name: str, arguments: str) -> None:
    """The program."""
    stdin = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    load = Load(stdin)
    async with asyncio.TaskGroup() as group:
        attack = group.create_task(attacks()[name](load, **json.loads(arguments)))
        await load.until_over()
        attack.cancel()
    print(json.dumps(load.report), flush=True)


class Attack:
    """An attack's process, from outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        #: what it has done, once it is over
        self.report: dict[str, float] = {}
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def go(self) -> None:
        """Begin; returns when the load is there."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"go\n")
        assert await self.line() == "under way"

    async def line(self) -> str:
        assert self._process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = await self._process.stdout.readline()
        assert line, "the attack has ended early"
        return line.decode().rstrip()

    async def end(self) -> None:
        """Stop, and take its report."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self.report = json.loads(await self.line())

    async def abandon(self) -> None:
        """Whatever it is doing."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


@asynccontextmanager
async def armed(name: str, **arguments: Any) -> AsyncIterator[Attack]:
    """Ready, but it does nothing before :meth:`Attack.go`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.hostile.attack",
        name,
        json.dumps(arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=lambda: os.nice(NICE) and None,
    )
    attack = Attack(process)
    try:
        assert await attack.line() == "ready"
        yield attack
    finally:
        await attack.abandon()


@asynccontextmanager
async def attacking(name: str, **arguments: Any) -> AsyncIterator[Attack]:
    """Under way during the block; its report is there after it."""
    async with armed(name, **arguments) as attack:
        await attack.go()
        yield attack
        await attack.end()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
