"""How VMs are called: by any name, or a UUID, which is one name in whatever case; patterns of names."""

import re
from typing import Final

UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)

MAX_NAME: Final = 64

NAME_RULE: Final = f"a VM's name has 1 to {MAX_NAME} printable characters"


def is_vm_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and text.isprintable()


def vm_name(text: str) -> str:
    """A UUID in lower case, as VMs have it that are called by theirs; other names as they are."""
    return text.lower() if UUID.fullmatch(text) else text


def is_pattern(text: str) -> bool:
    """Whether several VMs may be meant: ``*`` stands for any characters, ``?`` for one."""
    return "*" in text or "?" in text


def is_like(name: str, pattern: str) -> bool:
    """In time that grows with both lengths and no faster: names are chosen by VMs."""
    at = 0
    in_pattern = 0
    #: behind the last star, and how far it reaches
    star, reached = -1, 0
    while at < len(name):
        char = pattern[in_pattern] if in_pattern < len(pattern) else ""
        if char == "*":
            in_pattern += 1
            star, reached = in_pattern, at
        elif char in ("?", name[at]):
            at, in_pattern = at + 1, in_pattern + 1
        elif star >= 0:
            reached += 1
            at, in_pattern = reached, star
        else:
            return False
    return not pattern[in_pattern:].strip("*")


def specificity(pattern: str) -> int:
    """The more characters it says, the more specific it is."""
    return len(pattern) - pattern.count("*") - pattern.count("?")
