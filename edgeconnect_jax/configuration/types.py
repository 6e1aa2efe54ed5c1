"""The type of a configuration, for annotations."""

from typing import Any, TypeAlias

# An `ml_collections.ConfigDict`, or one of its groups. ConfigDict annotates every attribute with the union of all
# possible types, which is useless to type checkers.
Config: TypeAlias = Any
