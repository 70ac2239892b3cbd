"""A dbus-daemon of our own, which lets everybody own names or nobody, as a system bus without our policy."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CONFIGURATION: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/>
<allow send_destination="*"/><allow receive_sender="*"/><{own} own="*"/></policy>
</busconfig>"""


@contextmanager
def private_bus(directory: Path, *, may_own: bool) -> Iterator[str]:
    """Its address, as long as it runs."""
    configuration, socket = directory / "bus.conf", directory / "bus"
    own = "allow" if may_own else "deny"
    configuration.write_text(CONFIGURATION.format(socket=socket, own=own))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    try:
        assert daemon.stdout.readline()
        yield f"unix:path={socket}"
    finally:
        daemon.terminate()
        daemon.communicate()
