"""What the opener says and takes, by a clock of ours."""

import pytest

from pyrdpmux.mux.opener.limits import LINES_BURST, MAX_LINE, Notes, RateLimit


def test_a_bucket_that_fills_again() -> None:
    bucket = RateLimit(rate=10, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(100.05)
    assert bucket.take(100.11)
    assert not bucket.take(100.11)
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False], "never above its size"


def test_what_is_left_out_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    notes = Notes()
    taken = [notes.may_add(5.0) for _ in range(int(LINES_BURST) + 7)]
    assert taken.count(False) == 7
    assert capsys.readouterr().err == ""
    assert notes.may_add(6.5)
    assert capsys.readouterr().err == "<4>7 lines left out\n"


def test_a_line_is_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    Notes().add("x" * 10_000)
    assert len(capsys.readouterr().err) == MAX_LINE + len("<4>\n")
