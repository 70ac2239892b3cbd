"""How VMs are called: by any name, or by their UUID, which is one name in whatever case."""

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
