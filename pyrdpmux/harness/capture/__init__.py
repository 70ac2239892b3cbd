"""Capture files read: packets, TCP streams, TLS, units of RDP, and what they mean; passive."""
