import logging

import pytest

from pyrdpmux.mux.log.connection_log import ConnectionLog, printable, quoted


def test_names_connection_vm_and_user(caplog: pytest.LogCaptureFixture) -> None:
    log = ConnectionLog(logging.getLogger("test"), 42, "build 7")
    with caplog.at_level(logging.INFO):
        log.info("Connected from %s", "::1")
        log.set_user("al%sice\n")
        log.info("Active")
        log.info("Closed: %s", "100%")
    assert [record.getMessage() for record in caplog.records] == [
        '[c42 vm="build 7"] Connected from ::1',
        '[c42 vm="build 7" "al?sice?"] Active',
        '[c42 vm="build 7" "al?sice?"] Closed: 100%',
    ]


def test_printable_bounds_and_cleans() -> None:
    assert printable("a\x1b[31m\u202eb" + "x" * 100) == ("a?[31m?b" + "x" * 100)[:64]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("alice", "alice"),
        ("CORP\\bob", "CORP\\bob"),
        ("Grüße", "Grüße"),
        ("", '""'),
        ("a b", '"a b"'),
        ('x"] y', '"x\\"] y"'),
        ("a\\] b", '"a\\\\] b"'),
        ("a\nb", '"a?b"'),
        ("x" * 100, "x" * 64),
    ],
)
def test_a_name_is_one_word_or_in_quotes(name: str, shown: str) -> None:
    assert quoted(name) == shown
