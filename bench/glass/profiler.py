"""Runs a Python program and looks twice in a hundredth of a second at what all its threads are doing.

    python bench/glass/profiler.py FILE MODULE ARGUMENTS

FILE gets a line for each stack that was seen and how often, the outermost function first, as flame graphs are
made of; what waits is left out. A thread inside numpy or a codec is seen at the line that called it. The
program itself takes a few percent longer.
"""

import collections
import runpy
import sys
import threading
import time
from types import FrameType
from typing import Final

INTERVAL: Final = 0.005
IDLE: Final = frozenset(
    {"select", "wait", "accept", "_worker", "poll", "run_forever", "_recv", "recv", "sleep"}
)
"""Innermost functions of threads that wait for something."""


_LOOP: Final = "asyncio.base_events.BaseEventLoop._run_once"


def stack_of(frame: FrameType | None) -> list[str]:
    """Outermost first: ``module.function``, the innermost with its line."""
    names: list[str] = []
    while frame is not None:
        name = f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"
        names.append(name if names else f"{name}:{frame.f_lineno}")
        frame = frame.f_back
    names.reverse()
    # How a program got to its event loop says nothing.
    return names[names.index(_LOOP) + 1 :] if _LOOP in names[:-1] else names


def hottest(folded: str, count: int) -> list[tuple[float, str]]:
    """Innermost functions with their lines: percent of all that was seen, and the name."""
    seen: collections.Counter[str] = collections.Counter()
    for line in folded.splitlines():
        stack, _, times = line.rpartition(" ")
        seen[stack.rpartition(";")[2]] += int(times)
    total = max(1, seen.total())
    return [(100 * times / total, name) for name, times in seen.most_common(count)]


def watch(counts: "collections.Counter[str]", ending: threading.Event) -> None:
    """Count stacks until ``ending``; the main thread's only after the program has been loaded."""
    me, main_thread = threading.get_ident(), threading.main_thread().ident
    while not ending.is_set():
        time.sleep(INTERVAL)
        for identifier, frame in sys._current_frames().items():
            if identifier == me or frame.f_code.co_name in IDLE:
                continue
            stack = stack_of(frame)
            if identifier != main_thread or not stack[0].startswith("__main__"):
                counts[";".join(stack)] += 1


def main(path: str, module: str, arguments: list[str]) -> None:
    counts: collections.Counter[str] = collections.Counter()
    ending = threading.Event()
    thread = threading.Thread(target=watch, args=(counts, ending), daemon=True)
    sys.argv = [module, *arguments]
    thread.start()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        ending.set()
        thread.join()
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{stack} {count}\n" for stack, count in counts.most_common())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
