"""Virtual channels as a client speaks them: one file per channel, and the table."""
