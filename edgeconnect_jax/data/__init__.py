"""Where records come from, and how examples and batches are made of them. NumPy only: workers never import JAX."""
