"""Virtual channels as a server speaks them: one file per channel, and the table."""
