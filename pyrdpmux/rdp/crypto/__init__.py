"""Ciphers and digests that are too old for the cryptography library."""
