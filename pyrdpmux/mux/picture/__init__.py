"""What a VM shows: pixels, cursor, and the card that stands for them when there are none."""
