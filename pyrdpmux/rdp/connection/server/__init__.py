"""The server side: one file per phase, each with the table of what it accepts at its foot."""
