"""Certificates that are not valid, or not for much longer, are warned of."""

import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pyrdpmux.files import certificate_file
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.settings.config import Config

MADE = datetime(2026, 11, 22, tzinfo=UTC)
END = MADE + certificate_file.VALIDITY


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("certificate")
    certificate_file.load_or_create(directory, "console.example", MADE)
    return directory


def warnings(
    directory: Path, now: datetime, caplog: pytest.LogCaptureFixture, *, is_later: bool
) -> list[str]:
    """At the start, or on one of the days after it."""
    clock = [MADE if is_later else now]
    factory = ConnectionFactory(Config(certificate_dir=directory), wall_clock=lambda: clock[0].timestamp())
    if is_later:
        clock[0] = now
        factory.warn_about_certificates()
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("is_later", [False, True])
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (MADE, None),
        (END - timedelta(days=31), None),
        (END - timedelta(days=30, seconds=-1), r"expires in 29 days, on 2036-11-19"),
        (END - timedelta(hours=1), r"expires in 0 days, on 2036-11-19"),
        (END + timedelta(seconds=1), r"has expired on 2036-11-19"),
        (MADE - timedelta(days=2), r"is not valid before 2026-11-21"),
    ],
)
def test_what_is_said_when(
    directory: Path, caplog: pytest.LogCaptureFixture, now: datetime, expected: str | None, is_later: bool
) -> None:
    said = warnings(directory, now, caplog, is_later=is_later)
    if expected is None:
        assert said == []
    else:
        [warning] = said
        assert re.fullmatch(f"Certificate {re.escape(str(directory))}/pyrdpmux.crt {expected}", warning)


def test_a_reload_says_it_as_well(directory: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = [MADE]
    config = Config(certificate_dir=directory)
    factory = ConnectionFactory(config, wall_clock=lambda: clock[0].timestamp())
    clock[0] = END
    factory.reload(config)
    assert "expires in 0 days" in caplog.text
