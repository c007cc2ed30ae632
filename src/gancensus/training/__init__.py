"""The training loop, its checkpoints, and what several trained plug-ins share."""
