"""The test bench: captures and their decryption, foreign programs, displays. Never imported by the daemon."""
