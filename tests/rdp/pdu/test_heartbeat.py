"""Heartbeat."""

from pyrdpmux.rdp.pdu.heartbeat import Heartbeat
from tests.rdp.pdu.properties import property_tests, structure, u8
from tests.rows import Row, row_tests

ROWS = [
    Row("heartbeat (2.2.16.1, constructed)", Heartbeat(60, 2, 5), "00 3c 02 05"),
    Row("a filled reserved field (constructed)", Heartbeat(1, 1, 1), "ff 01 01 01", lossless=False),
]

TestRows = row_tests(ROWS)

CASES = {
    "heartbeat": structure(Heartbeat, u8, u8, u8),
}

TestProperties = property_tests(CASES)
