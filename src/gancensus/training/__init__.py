"""The training loop, its checkpoints, and what more than one trained plug-in is made of."""
