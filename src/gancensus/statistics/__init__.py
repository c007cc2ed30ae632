"""Intervals and permutation tests."""
