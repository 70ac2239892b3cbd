"""VMs that speak librdpmux, protocols 1 to 5: D-Bus, msgpack over nanomsg or ZeroMQ, a shared framebuffer.

``librdpmux-protocol.md`` (sections in the docstrings here are its) tells what the unmodified C library does.
"""
