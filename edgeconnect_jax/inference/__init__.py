"""Inference with trained networks, on pictures in memory or in files."""
