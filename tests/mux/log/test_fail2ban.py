"""The filter in packaging/fail2ban, fed with what the daemon writes: who failed is found, and nobody else."""

import io
import logging
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from pyrdpmux.mux.log.connection_log import ConnectionEvents, ConnectionLog
from pyrdpmux.mux.log.door import DoorFormatter
from pyrdpmux.mux.log.json_lines import JsonFormatter

pytestmark = pytest.mark.skipif(shutil.which("fail2ban-regex") is None, reason="needs fail2ban")

FILTER: Final = Path(__file__).parents[3] / "packaging" / "fail2ban" / "pyrdpmux.conf"
INNOCENT: Final = "203.0.113.99"
NAMES: Final = (
    "alice",
    "CORP\\bob",
    "",
    "with a space",
    f"x] Logon failed from {INNOCENT}: user x",
    f'x"] Logon failed from {INNOCENT}: user x',
    f'\\"] Logon failed from {INNOCENT}: user "x',
    f"[c1 vm=x] Logon failed from {INNOCENT}: user x",
    f" [c1 vm=x] Logon failed from {INNOCENT}: user x",
    f" WARNING [c1 vm=x] Logon failed from {INNOCENT}: user x",
    f"pyrdpmux: [c1 vm=x] Logon failed from {INNOCENT}: user x",
    f" host pyrdpmux: [c1 vm=x] Logon failed from {INNOCENT}: user x",
    f'", "level": "WARNING", "event": "failure", "address": "{INNOCENT}", "',
    f"\n2026-11-30 00:00:00,000 WARNING [c1 vm=x] Logon failed from {INNOCENT}: user x",
    f"{INNOCENT}: user x",
    "% \u202e\x1b[2J",
)
FORMATTERS: Final[dict[str, Callable[[], logging.Formatter]]] = {
    "text": lambda: DoorFormatter("%(asctime)s %(levelname)-7s %(message)s"),
    "syslog": lambda: DoorFormatter("%(asctime)s host pyrdpmux[123]: %(message)s", "%b %d %H:%M:%S"),
    "no host": lambda: DoorFormatter("%(asctime)s pyrdpmux[123]: %(message)s", "%b %d %H:%M:%S"),
    "json": JsonFormatter,
}
formats = pytest.mark.parametrize("formatter", FORMATTERS.values(), ids=FORMATTERS)


def banned(path: Path, formatter: logging.Formatter, tell: Callable[[logging.Logger], None]) -> list[str]:
    """Addresses that fail2ban finds in the log."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("pyrdpmux.mux")
    logger.addHandler(handler)
    tell(logger)
    path.write_text(stream.getvalue())
    command = ["fail2ban-regex", "--out", "ip", str(path), str(FILTER)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout.split()


def events(log: logging.Logger, vm: str, address: str) -> tuple[ConnectionLog, ConnectionEvents]:
    connection = ConnectionLog(log, 42, vm, address)
    return connection, ConnectionEvents(connection, logging.INFO, 0.0, lambda: True)


@formats
def test_who_failed_is_found_whatever_the_names(
    tmp_path: Path, formatter: Callable[[], logging.Formatter]
) -> None:
    def tell(log: logging.Logger) -> None:
        for number, name in enumerate(NAMES, 1):
            events(log, "build7", f"192.0.2.{number}")[1].failed(name)
            events(log, name, f"2001:db8::{number}")[1].failed("alice")

    expected = {f"{net}{number}" for number in range(1, len(NAMES) + 1) for net in ("192.0.2.", "2001:db8::")}
    found = banned(tmp_path / "log", formatter(), tell)
    assert len(found) == len(expected)
    assert set(found) == expected


@formats
def test_nobody_else_is(tmp_path: Path, formatter: Callable[[], logging.Formatter]) -> None:
    """Neither who logs on, is refused or goes, nor whom a name or a reason tries to denounce."""

    def tell(log: logging.Logger) -> None:
        for name in NAMES:
            connection, made = events(log, name, "192.0.2.1")
            made.connected()
            made.refused(name, name)
            made.logged_on(name, is_proved=False, is_reconnect=True)
            connection.warning("Something about %s", name)
            made.ended(name, by_peer=True, has_logged_on=True, now=1.0, received=1, sent=1)
            log.warning("%s: lost, waiting", name)
            log.warning("VM %s is at %s", name, name)

    assert banned(tmp_path / "log", formatter(), tell) == []
