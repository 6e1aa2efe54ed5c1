"""Filling pictures with trained networks: one picture in memory, or a list of files."""
