"""EdgeConnect in JAX and Flax: structure-guided image inpainting."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeconnect_jax.systems.edgeconnect.inference import Inpainter

__all__ = ["Inpainter", "__version__"]
__version__ = "0.1.0"

# Names that systems export at the top level of the package -> their modules in `systems`.
_EXPORTED = {"Inpainter": "edgeconnect.inference"}


def __getattr__(name: str) -> Any:
    """Imports `edgeconnect_jax.Inpainter` on first use, so that importing the package alone takes no time."""
    if name not in _EXPORTED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.systems.{_EXPORTED[name]}"), name)
    globals()[name] = value
    return value
