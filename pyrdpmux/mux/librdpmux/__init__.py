"""VMs that speak librdpmux protocol 1: D-Bus registration, msgpack over nanomsg, a shared framebuffer.

``librdpmux-protocol.md`` (sections in the docstrings here are its) tells what the unmodified C library does.
"""
