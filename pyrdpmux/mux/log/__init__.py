"""What is told: one line per record, of bounded length, about whom."""
