"""Sources of records, and how they become examples and batches. NumPy only: workers never import JAX."""
