"""The garbage collector of a process that serves many from one event loop.

It goes through all objects now and then, and everybody waits: a tenth of a second where the modules, tables
and templates of a daemon are among them. Those stay until its end, so it does not look at them again.
"""

import contextlib
import gc
from collections.abc import Iterator


def set_aside() -> None:
    """What is there now is not looked at any more. It is still freed by its last reference."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def looking_at_everything() -> Iterator[None]:
    """After a collection, with what was set aside; which it is again afterwards."""
    was_set_aside = gc.get_freeze_count() > 0
    gc.unfreeze()
    try:
        gc.collect()
        yield
    finally:
        if was_set_aside:
            gc.freeze()
