"""EdgeConnect in JAX and Flax: structure-guided image inpainting."""

__version__ = "0.1.0"
