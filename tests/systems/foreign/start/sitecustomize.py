"""Puts the foreign systems into the search path of every Python process that has this folder in its PYTHONPATH."""

import pathlib

from edgeconnect_jax import systems

systems.__path__.append(str(pathlib.Path(__file__).parents[1]))
