"""Where pictures, masks and edge maps come from. NumPy only: the workers never import JAX."""
