"""Points of known densities, and what a generator of them is worth."""
