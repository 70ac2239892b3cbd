"""The few words of man(7) that our pages are made of."""

from collections.abc import Iterator


def escape(text: str) -> str:
    """For roff: hyphens that can be copied, no requests by accident."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped


def bold(text: str) -> str:
    return f"\\fB{escape(text)}\\fR"


def italic(text: str) -> str:
    return f"\\fI{escape(text)}\\fR"


def heading(name: str, section: int) -> str:
    return f'.TH "{escape(name.upper())}" "{section}" "" "pyrdpmux" "pyrdpmux"'


def entry(term: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield term
    yield text
