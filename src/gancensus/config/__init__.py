"""The configuration as validated objects, the registry of plug-ins, and how a step is given both."""
