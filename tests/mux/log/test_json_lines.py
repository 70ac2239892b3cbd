"""Records as JSON: an object a line, whatever they say."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pyrdpmux.mux.log.connection_log import ConnectionEvents, ConnectionLog
from pyrdpmux.mux.log.door import MAX_TEXT
from pyrdpmux.mux.log.json_lines import MAX_FIELD, MAX_TRACEBACK, JsonFormatter

EVIL = '"\n{"event": "failure", "address": "9.9.9.9"}\r\x1b[2J\u2028\udcff\u202e'


def written(tell: Callable[[logging.Logger], None]) -> list[dict[str, Any]]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("pyrdpmux.test")
    logger.addHandler(handler)
    tell(logger)
    text = stream.getvalue()
    assert text.isascii()
    assert text[:-1].isprintable() or "\n" in text[:-1]
    return [json.loads(line) for line in text.splitlines()]


def test_a_record() -> None:
    [record] = written(lambda log: log.warning("VM %s", "build7"))
    assert record.pop("time").endswith("+00:00")
    assert record == {"level": "WARNING", "logger": "pyrdpmux.test", "message": "VM build7"}


def test_events_have_fields_and_come_first() -> None:
    def tell(log: logging.Logger) -> None:
        events = ConnectionEvents(ConnectionLog(log, 1, "vm", "192.0.2.1"), logging.INFO, 1.0, lambda: True)
        events.connected()
        events.failed(EVIL)
        events.ended("gone", by_peer=True, has_logged_on=False, now=3.5, received=7, sent=8)

    connect, failure, end = written(tell)
    assert (connect["event"], connect["address"], connect["connection"]) == ("connect", "192.0.2.1", "c1")
    assert list(failure)[:4] == ["time", "level", "event", "address"]
    assert (failure["level"], failure["event"], failure["address"]) == ("WARNING", "failure", "192.0.2.1")
    assert (end["seconds"], end["bytes_received"], end["bytes_sent"]) == (2.5, 7, 8)
    assert end["reason"] == "gone"


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_record_is_one_line_of_bounded_length(size: int) -> None:
    def tell(log: logging.Logger) -> None:
        connection = ConnectionLog(log, 1, EVIL * size, EVIL * size)
        connection.set_user(EVIL * size)
        connection.warning("%s", EVIL * size, extra={"reason": EVIL * size})

    [record] = written(tell)
    assert len(record["message"]) < MAX_TEXT + 50
    assert len(record["reason"]) < MAX_FIELD + 50


def test_a_traceback_is_a_field() -> None:
    def tell(log: logging.Logger) -> None:
        try:
            raise ValueError("x" * 100_000)
        except ValueError:
            log.exception("Task failed")

    [record] = written(tell)
    assert record["message"] == "Task failed"
    assert len(record["traceback"]) == MAX_TRACEBACK


def test_what_cannot_be_formatted_is_said_to_be_so() -> None:
    [record] = written(lambda log: log.info("%d", "three"))
    assert "cannot be formatted" in record["message"]
