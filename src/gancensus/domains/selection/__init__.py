"""Selection of instances: which training samples are kept."""
