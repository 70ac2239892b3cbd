"""`--log-format json`: a daemon's whole standard error is JSON, an object a line."""

import json
from pathlib import Path

from tests.cli.serve_program import serving


def test_every_line_is_an_object(tmp_path: Path) -> None:
    with serving(tmp_path, "--bus", "none", "--log-format", "json", "--vnc", "a=127.0.0.1:5999") as daemon:
        daemon.reload()
        daemon.until("Configuration reloaded")
    records = [json.loads(line) for line in daemon.lines]
    assert {"Ready", "Stopping", "Configuration reloaded"} <= {record["message"] for record in records}
    assert all(record["time"] and record["level"] and record["logger"] for record in records)
