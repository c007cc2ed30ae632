"""Intervals, half-samples and permutation tests: one implementation of each."""
