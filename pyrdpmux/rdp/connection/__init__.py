"""The machines of one RDP connection: server and client, driven by bytes and time, answering with events.

Both sides share the PDUs, the phase machinery (``machine``, ``link``) and the event types, never decisions:
``server`` and ``client`` do not import each other.
"""
