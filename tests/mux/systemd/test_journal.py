import logging
import os
import socket
from pathlib import Path

import pytest

from pyrdpmux.mux.log.connection_log import ConnectionLog
from pyrdpmux.mux.systemd.journal import MAX_MESSAGE, JournalHandler, is_journal


def entries(path: Path, log: "logging.Logger | ConnectionLog", *calls: tuple[int, str]) -> list[bytes]:
    """What the journal gets to see of these calls."""
    logger = log if isinstance(log, logging.Logger) else log.logger
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(path))
        handler = JournalHandler(str(path))
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            for level, text in calls:
                log.log(level, text)
            return [journal.recv(1 << 20) for _ in calls]
        finally:
            logger.removeHandler(handler)
            handler.close()


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.ERROR, 3), (logging.CRITICAL, 2)],
)
def test_fields(tmp_path: Path, level: int, priority: int) -> None:
    [entry] = entries(tmp_path / "j", logging.getLogger("pyrdpmux.test"), (level, "Active at 100%"))
    fields = dict(line.split(b"=", 1) for line in entry.splitlines())
    assert fields[b"MESSAGE"] == b"Active at 100%"
    assert fields[b"PRIORITY"] == str(priority).encode()
    assert fields[b"SYSLOG_IDENTIFIER"] == b"pyrdpmux"
    assert fields[b"LOGGER"] == b"pyrdpmux.test"
    assert fields[b"CODE_FUNC"] == b"entries"
    assert b"PYRDPMUX_VM" not in fields


def test_a_connection_says_whose_it_is(tmp_path: Path) -> None:
    log = ConnectionLog(logging.getLogger("pyrdpmux.test"), 42, "build\n7")
    log.set_user("alice")
    [entry] = entries(tmp_path / "j", log, (logging.INFO, "Active"))
    assert b"\nPYRDPMUX_VM=build?7\n" in entry
    assert b"\nPYRDPMUX_CONNECTION=c42\n" in entry
    assert b"\nPYRDPMUX_USER=alice\n" in entry


def test_a_line_cannot_become_a_field_of_its_own(tmp_path: Path) -> None:
    text = "two\nPRIORITY=0"
    [entry] = entries(tmp_path / "j", logging.getLogger("pyrdpmux.test"), (logging.INFO, text))
    assert entry.startswith(b"MESSAGE=two\\nPRIORITY=0\nPRIORITY=6\n")


def test_a_traceback_is_one_value_of_several_lines(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "j"))
        handler = JournalHandler(str(tmp_path / "j"))
        try:
            raise ValueError("bad\nPRIORITY=0")
        except ValueError as error:
            about = (type(error), error, error.__traceback__)
        handler.emit(logging.LogRecord("pyrdpmux", logging.ERROR, "file", 1, "Failed", None, about))
        entry = journal.recv(1 << 20)
        handler.close()
    size = int.from_bytes(entry[8:16], "little")
    lines = entry[16 : 16 + size].split(b"\n")
    assert lines[0] == b"Failed"
    assert all(line.startswith(b"    | ") for line in lines[1:])
    assert entry[16 + size :].startswith(b"\nPRIORITY=3\n")


def test_fields_are_bounded_and_stay_in_their_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "j"))
        handler = JournalHandler(str(tmp_path / "j"))
        record = logging.LogRecord("pyrdpmux", logging.INFO, "file", 1, "Hello", None, None)
        record.user = "eve\nPRIORITY=0" + "x" * 10_000
        handler.emit(record)
        entry = journal.recv(1 << 20)
        handler.close()
    assert b"\nPYRDPMUX_USER=eve\\nPRIORITY=0xxx" in entry
    assert len(entry) < 1000


def test_what_is_too_long_is_cut_off(tmp_path: Path) -> None:
    [entry] = entries(tmp_path / "j", logging.getLogger("pyrdpmux.test"), (logging.INFO, "x" * 10**6))
    assert len(entry) < MAX_MESSAGE + 1000


def test_whether_we_write_to_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "stream").open("w") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert is_journal(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + 1}")
        assert not is_journal(stream.fileno())
        monkeypatch.delenv("JOURNAL_STREAM")
        assert not is_journal(stream.fileno())
    assert not is_journal(-1)
