"""Own samples: what the inputs are, and whether they can be compared."""
