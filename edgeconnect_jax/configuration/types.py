"""The type of a configuration, for annotations."""

from typing import Any, TypeAlias

# An `ml_collections.ConfigDict`, or one of its groups. ConfigDict's own annotations give every attribute the union of
# all types that an option can have, of which no type checker can make use.
Config: TypeAlias = Any
