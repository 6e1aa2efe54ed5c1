"""Metrics of pictures and edge maps as pure functions, and baselines to compare with."""
