"""A dbus-daemon of our own, as libvirt starts one per VM."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>org.libvirt.qemu</type><listen>unix:path={socket}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>"""


@contextmanager
def bus_daemon(directory: Path) -> Iterator[str]:
    """Its address, as long as it runs."""
    configuration = directory / "bus.conf"
    path = directory / "bus"
    configuration.write_text(CONFIGURATION.format(socket=path))
    daemon = subprocess.Popen(
        ["dbus-daemon", f"--config-file={configuration}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert daemon.stdout is not None
    try:
        assert daemon.stdout.readline()
        yield f"unix:path={path}"
    finally:
        daemon.terminate()
        daemon.communicate()
