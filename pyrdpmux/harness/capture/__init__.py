"""Capture files read: packets, TCP streams, TLS, units of RDP, and what they mean; passive.

>>> for connection in open_capture(path, keys=path.with_suffix(".keys")).rdp:
...     for unit in connection.units:
...         print(unit.unit.time, unit.unit.direction.value, *map(describe, unit.values))
...     for stop in connection.stops:
...         print(stop)

Once a file is open, nothing in it raises: what cannot be read is a stop.
"""

from pyrdpmux.harness.capture.describe import as_json, describe
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.layer import ChannelMessage, Dissected, DynamicChannelMessage, Layer
from pyrdpmux.harness.capture.reader import Capture, Connection, open_capture
from pyrdpmux.harness.capture.stop import Direction, Stop, StopLayer
from pyrdpmux.harness.capture.unit import Unit, UnitKind

__all__ = [
    "Capture",
    "CaptureError",
    "ChannelMessage",
    "Connection",
    "Direction",
    "Dissected",
    "DynamicChannelMessage",
    "Layer",
    "Stop",
    "StopLayer",
    "Unit",
    "UnitKind",
    "as_json",
    "describe",
    "open_capture",
]
