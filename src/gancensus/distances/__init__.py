"""Compiled distances and bounds that more than one room uses."""
