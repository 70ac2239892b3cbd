"""Whatever a record says, it is one line of bounded length, and a traceback cannot pass for another one."""

import io
import logging
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.mux.log.door import INDENT, MAX_TEXT, MAX_TRACEBACK_LINES, DoorFormatter, escaped

LINE = "%(asctime)s %(levelname)-7s %(message)s"


def written(tell: Callable[[logging.Logger], None]) -> str:
    """What a stream handler with the formatter writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DoorFormatter(LINE))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    tell(logger)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/home/x\n2026-01-01 00:00:00,000 ERROR   root logged in", "/home/x\\n2026-01-01"),
        ("\x1b[2J\x1b[31mred", "\\x1b[2J\\x1b[31mred"),
        ("a\rb\tc\0d\x7fe", "a\\rb\\tc\\x00d\\x7fe"),
        ("\x9b2J C1", "\\x9b2J C1"),
        ("abc\u202edcba\u202c", "abc\\u202edcba\\u202c"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("\udcff", "\\udcff"),
        ("\u200b\ufeff", "\\u200b\\ufeff"),
        ("Grüße 你好", "Grüße 你好"),
    ],
)
def test_a_record_is_one_line(said: str, shown: str) -> None:
    line = written(lambda log: log.warning("Refused: %s", said))
    assert line.count("\n") == 1
    assert f"WARNING Refused: {shown}" in line
    assert line[:-1].isprintable()


@given(st.text(max_size=50))
def test_any_text(text: str) -> None:
    shown = escaped(text)
    assert shown.isprintable()
    assert len(shown) <= 500


def test_it_is_bounded_and_says_so() -> None:
    line = written(lambda log: log.info("%s", "\n" * 1_000_000))
    assert len(line) < MAX_TEXT + 100
    assert line.endswith(f"... ({1_000_000 - MAX_TEXT} more)\n")


def test_no_other_record_begins_like_a_connections() -> None:
    """A VM's name can stand at the beginning of a line, and programs look for addresses there."""
    assert "WARNING | [c1 vm=x] y\n" in written(lambda log: log.warning("%s", "[c1 vm=x] y"))
    assert "WARNING |   [c1 vm=x] y: z\n" in written(lambda log: log.warning("%s: z", "  [c1 vm=x] y"))
    connection = {"connection": "c1"}
    assert "WARNING [c1 vm=x] y\n" in written(lambda log: log.warning("[c1 vm=x] y", extra=connection))


def test_a_traceback_is_indented() -> None:
    def tell(log: logging.Logger) -> None:
        try:
            raise ValueError("bad\n2026-01-01 00:00:00,000 INFO    [c1 vm=x root] Active\x1b[2J")
        except ValueError:
            log.exception("Task failed")

    first, *rest = written(tell)[:-1].split("\n")
    assert first.endswith("ERROR   Task failed")
    assert len(rest) > 3
    assert all(line.startswith(INDENT) and line.isprintable() for line in rest)


def test_a_traceback_has_an_end() -> None:
    def tell(log: logging.Logger) -> None:
        try:
            raise ValueError("x\n" * 100_000 + "y" * 100_000)
        except ValueError:
            log.exception("Task failed")

    text = written(tell)
    assert text.count("\n") <= MAX_TRACEBACK_LINES + 1
    assert len(text) < 2 * MAX_TEXT + 20 * MAX_TRACEBACK_LINES


def test_what_cannot_be_formatted_is_said_to_be_so() -> None:
    class Unshowable:
        def __str__(self) -> str:
            raise RecursionError

        __repr__ = __str__

    assert "cannot be formatted: RecursionError" in written(lambda log: log.info("%s", Unshowable()))
    assert "cannot be formatted: TypeError" in written(lambda log: log.info("%d", "three"))


@pytest.mark.parametrize("program", ["pyrdpmux.cli.app", "pyrdpmux.mux.libvirt.helper"])
def test_both_programs_log_through_it(program: str) -> None:
    """As they set it up themselves, to standard error."""
    script = f"""
import asyncio, logging, sys
import {program} as program
from pyrdpmux.mux import daemon
def say(*arguments):
    arguments[0].close() if hasattr(arguments[0], "close") else None
    logging.getLogger("pyrdpmux.mux").warning("VM %s", "x\\n2026-01-01 00:00:00,000 INFO forged")
    return 0
if program.__name__.endswith("app"):
    program.daemon_commands.run_demo = say
    program.main(["demo"])
else:
    program.asyncio.run = say
    program.parse_options = lambda arguments: type("Options", (), dict(wants_capabilities=False, verbosity=0))
    program.Helper = lambda options: None
    program.main([])
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert "VM x\\n2026-01-01 00:00:00,000 INFO forged" in ran.stderr, ran.stderr
    assert len(ran.stderr.splitlines()) == 1
