"""The configuration as validated objects, the registry of plug-ins, and what a step is told of both."""
