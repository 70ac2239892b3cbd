from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.mux.settings.vm_names import is_like, is_pattern, specificity, vm_name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB", "ba1b6dbd-89ac-4630-a737-c4bcc3bb99fb"),
        ("Mail", "Mail"),
        ("BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB ", "BA1B6DBD-89AC-4630-A737-C4BCC3BB99FB "),
        ("", ""),
    ],
)
def test_a_uuid_is_one_name(said: str, name: str) -> None:
    assert vm_name(said) == name


@pytest.mark.parametrize(
    ("pattern", "fits", "does_not"),
    [
        ("web-*", ["web-", "web-1", "web-*"], ["web", "Web-1", "xweb-1"]),
        ("web-?", ["web-1", "web-?"], ["web-", "web-12"]),
        ("*.[x]", ["a.[x]", ".[x]"], ["a.x", "a-[x]"]),
        ("*", ["", "anything\n"], []),
    ],
)
def test_patterns(pattern: str, fits: list[str], does_not: list[str]) -> None:
    assert is_pattern(pattern)
    assert [name for name in fits + does_not if is_like(name, pattern)] == fits


@given(st.text("ab", max_size=8), st.text("ab?*", max_size=6))
def test_as_fnmatch_has_it(name: str, pattern: str) -> None:
    assert is_like(name, pattern) == fnmatchcase(name, pattern)


def test_no_pattern_takes_long_for_any_name() -> None:
    assert not is_like("a" * 64, "a*" * 40 + "b")


def test_the_more_a_pattern_says_the_more_specific_it_is() -> None:
    assert specificity("*") < specificity("web*") < specificity("web-?") < specificity("web-1*")
    assert not is_pattern("web-[1]")
