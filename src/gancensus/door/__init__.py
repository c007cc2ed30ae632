"""The parts of the door: what keeps a run whole, here and on a cluster, whatever ends it."""
