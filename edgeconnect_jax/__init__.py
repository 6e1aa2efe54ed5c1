"""EdgeConnect in JAX and Flax: structure-guided image inpainting."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeconnect_jax.systems.edgeconnect.inference import Inpainter

__all__ = ["Inpainter", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`edgeconnect_jax.Inpainter`, imported when it is asked for: the package itself is imported in no time."""
    if name == "Inpainter":
        from edgeconnect_jax.systems.edgeconnect.inference import Inpainter

        return Inpainter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
