"""From viewers to a VM: whose turn it is, which keys are held, characters as strokes."""
