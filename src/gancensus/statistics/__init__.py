"""Intervals, half-samples, permutation tests and areas under ROC curves: one implementation of each."""
