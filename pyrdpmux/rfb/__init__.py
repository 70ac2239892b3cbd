"""The Remote Framebuffer protocol (RFC 6143, "VNC"), the viewer's side, without I/O.

Section names are those of RFC 6143; what came later is described by the community's ``rfbproto`` document.
"""
