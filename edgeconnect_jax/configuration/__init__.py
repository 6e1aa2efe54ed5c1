"""Configurations: their stages, their rules and their type. JAX is not imported."""
