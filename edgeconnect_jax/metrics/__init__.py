"""Metrics of pictures as pure functions, and baselines to compare with."""
