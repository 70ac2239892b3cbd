"""Virtual channels: the static ones, which everything later is carried over."""
