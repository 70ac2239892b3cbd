"""One attack, measured: polite strangers and a viewer of another VM while it lasts, memory afterwards."""

import asyncio
import dataclasses
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from bench.hostile_cases import VNC, Case, Place
from tests.hostile.attack import Attack, armed
from tests.hostile.observer import MEBIBYTE
from tests.hostile.scene import Onlooker, looking
from tests.hostile.target import ALICE, A, B, Target, running
from tests.hostile.visitor import welcome
from tests.mux.support.public_directory import public_directory

SECONDS: Final = 8.0
"""Of the attack."""

KEY_PAUSE: Final = 0.06
LAST_KEY_SECONDS: Final = 1.0
STRANGER_PAUSE: Final = 0.4
STRANGER_SECONDS: Final = 5.0
AFTERWARDS: Final = 10.0
END_SECONDS: Final = 5.0


@dataclass
class Measured:
    """Times in seconds, memory in MiB beyond what was held before."""

    attack: str
    strangers: int = 0
    welcomed: int = 0
    #: from the beginning of the TCP connection to the answer to the first request; None: nobody came
    worst_answer: float | None = None
    #: from there to the password being taken
    worst_proof: float | None = None
    keys: int = 0
    viewer_p95: float | None = None
    viewer_worst: float | None = None
    #: the last key had not been seen when the attack was over
    is_viewer_open: bool = False
    #: of a core, what the event loop used
    loop_percent: float = 0.0
    memory_most: float = 0.0
    memory_after: float = 0.0
    descriptors_most: int = 0
    log_bytes: int = 0
    load: dict[str, float] = field(default_factory=dict)


async def measure(case: Case) -> Measured:
    """With a daemon of its own."""
    measured = Measured(case.name)
    with public_directory() as folder:
        async with AsyncExitStack() as stack:
            await _measure(case, measured, folder, stack)
    return measured


async def _measure(case: Case, measured: Measured, folder: Path, stack: AsyncExitStack) -> None:
    path = folder / "vnc"
    attack: Attack | None = None
    settings = case.settings
    if case.is_vnc and case.attack is not None:
        settings = dataclasses.replace(settings, vms={VNC: {"source": f"vnc:unix:{path}"}})
        attack = await stack.enter_async_context(armed(case.attack, path=str(path)))
    target = await stack.enter_async_context(running(settings))
    place = Place(target, folder, await target.port(A), await target.port(B))
    if case.attack is not None and attack is None:
        attack = await stack.enter_async_context(armed(case.attack, **case.arguments(place)))
    if case.is_vnc:
        await target.until_running(VNC)
    alice = await stack.enter_async_context(looking(target))
    await alice.press_several(5)
    await welcome(target.gateway, source="127.0.2.254", **ALICE)
    await _attack(measured, target, alice, attack)


async def _attack(measured: Measured, target: Target, alice: Onlooker, attack: Attack | None) -> None:
    observer = target.observer
    held, logged = observer.memory, observer.log_bytes
    started = asyncio.get_running_loop().time()
    async with observer.watching() as most:
        computed = observer.loop_seconds
        probes = asyncio.gather(_watch(measured, alice), _knock(measured, target))
        going = asyncio.gather(attack.go()) if attack is not None else None
        await probes
        seconds = asyncio.get_running_loop().time() - started
        measured.loop_percent = 100 * (observer.loop_seconds - computed) / seconds
        if attack is not None and going is not None:
            measured.load = await _end(attack, going)
    measured.memory_most = (most.memory - held) / MEBIBYTE
    measured.descriptors_most = most.descriptors
    await asyncio.sleep(AFTERWARDS)
    measured.memory_after = (observer.memory - held) / MEBIBYTE
    measured.log_bytes = observer.log_bytes - logged


async def _end(attack: Attack, going: "asyncio.Future[tuple[None]]") -> dict[str, float]:
    """What it has done; nothing, if it cannot be asked any more."""
    try:
        async with asyncio.timeout(END_SECONDS):
            await going
            await attack.end()
    except (TimeoutError, AssertionError):
        await attack.abandon()
    return attack.report


async def _watch(measured: Measured, alice: Onlooker) -> None:
    """Alice types until the time is over."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    times = []
    while loop.time() < end:
        began = loop.time()
        try:
            times.append((await alice.press(max(end - began, LAST_KEY_SECONDS))).seconds)
        except (TimeoutError, AssertionError):
            measured.is_viewer_open = True
            times.append(loop.time() - began)
            break
        await asyncio.sleep(KEY_PAUSE)
    measured.keys = len(times)
    measured.viewer_p95 = float(np.percentile(times, 95))
    measured.viewer_worst = max(times)


async def _knock(measured: Measured, target: Target) -> None:
    """One stranger after the other, each from an address of its own, with the right password."""
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    answers, proofs = [], []
    while loop.time() < end:
        measured.strangers += 1
        source = f"127.0.2.{1 + measured.strangers % 250}"
        found = await welcome(target.gateway, source=source, seconds=STRANGER_SECONDS, **ALICE)
        measured.welcomed += found.is_active
        if found.timing.answered is not None:
            answers.append(found.timing.answered)
        if found.timing.proved is not None:
            proofs.append(found.timing.proved)
        await asyncio.sleep(STRANGER_PAUSE)
    measured.worst_answer = max(answers, default=None)
    measured.worst_proof = max(proofs, default=None)
