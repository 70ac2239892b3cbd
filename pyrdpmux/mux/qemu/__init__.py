"""Stock QEMU as a source of VMs: its D-Bus display (``-display dbus``), found through QMP or on a bus.

A machine (:mod:`.machine`) has a main connection (:mod:`.bus`) and per console a socket of its own on which
QEMU sends the picture. QEMU waits for nobody there and queues without bound, so a thread (:mod:`.listener`)
drains it whatever the event loop does, into one copy of the picture (:mod:`.picture`).
"""
