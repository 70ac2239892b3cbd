"""The PDUs of MS-RDPBCGR above MCS: one module per subject, each structure read and written side by side.

:mod:`~pyrdpmux.rdp.pdu.share` is the envelope of everything on the I/O channel after licensing;
:mod:`~pyrdpmux.rdp.pdu.security` the header of everything before it and of the message channel.
"""
