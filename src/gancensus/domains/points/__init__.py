"""Points of known densities, and to how many of them a generator is equivalent."""
