"""NSS key logs."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.keylog import CLIENT_RANDOM, CLIENT_TRAFFIC, KeyLog
from pyrdpmux.harness.capture.rsa_key import load_rsa_key

RANDOM = bytes(range(32))
TEXT = f"""# a comment

{CLIENT_RANDOM} {RANDOM.hex()} {"ab" * 48}
{CLIENT_TRAFFIC} {RANDOM.hex().upper()} 0102
"""


def test_secrets_are_found_by_label_and_random() -> None:
    keys = KeyLog(TEXT)
    assert keys.secret(CLIENT_RANDOM, RANDOM) == b"\xab" * 48
    assert keys.secret(CLIENT_TRAFFIC, RANDOM) == b"\x01\x02"


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(CaptureError, match=f"sheep: no {CLIENT_RANDOM} for client random 0000"):
        KeyLog(TEXT, "sheep").secret(CLIENT_RANDOM, bytes(32))


@pytest.mark.parametrize(
    "line", ["CLIENT_RANDOM", "CLIENT_RANDOM 00 11", f"CLIENT_RANDOM {RANDOM.hex()} 123"]
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "x.keys"
    path.write_text(f"{TEXT}{line}\n", encoding="ascii")
    with pytest.raises(CaptureError, match=r"x\.keys: line 5 is not"):
        KeyLog.load(path)


def test_files_that_are_no_text_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x.keys"
    with pytest.raises(CaptureError, match=r"x\.keys"):
        KeyLog.load(path)
    path.write_bytes(b"\xff")
    with pytest.raises(CaptureError, match=r"x\.keys"):
        KeyLog.load(path)


def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.harness.capture.keylog.MAXIMUM_SIZE", 10)
    path = tmp_path / "x.keys"
    path.write_text(TEXT, encoding="ascii")
    with pytest.raises(CaptureError, match=r"x\.keys: more than 10 bytes"):
        KeyLog.load(path)


def test_an_empty_one_is_false() -> None:
    assert not KeyLog()
    assert KeyLog(TEXT)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80), st.booleans())
def test_garbage_raises_capture_errors_only(text: str, has_start: bool) -> None:
    with contextlib.suppress(CaptureError):
        KeyLog(f"{TEXT}{text}" if has_start else text)


@pytest.mark.parametrize("start", [b"", b"modulus 10\npublic_exponent 3\nprivate_exponent 1\n"])
@pytest.mark.parametrize(
    "rest", [b"", b"\xff", b"modulus", b"modulus -1\n", b"a b c\n", b"modulus " + b"9" * 5000]
)
def test_rsa_key_files_that_are_none_are_capture_errors(tmp_path: Path, start: bytes, rest: bytes) -> None:
    path = tmp_path / "x.rsakey"
    path.write_bytes(start + rest)
    if start and not rest:
        assert load_rsa_key(path).public.exponent == 3
        return
    with contextlib.suppress(CaptureError):
        load_rsa_key(path)
