"""Prepares networks for repeated inference with the same weights.

Everything that depends on the weights alone (division by the spectral norm, rounding, an algorithm's transform) is
computed once and stored in the collection `prepared`, which replaces the kernels.
"""

from typing import Any

from flax import linen as nn
from flax import traverse_util

COLLECTION = "prepared"

Tree = Any


def preparing(layer: nn.Module) -> bool:
    """Whether `layer` is being called by `prepare`."""
    return layer.is_mutable_collection(COLLECTION) and not layer.is_initializing()


def prepare(module: nn.Module, variables: Tree, *inputs: Any, **options: Any) -> Tree:
    """Prepares the variables of `module` for inference on the default backend; jit it with `variables` as an argument.

    Args:
        module: a network built from this package's layers.
        variables: variables of the module.
        inputs: inputs of the module; only their dtypes and channels matter.
        options: keyword arguments of the module.

    Returns:
        Variables to pass to `module.apply` in place of `variables`; they cannot be trained.
    """
    _, made = module.apply(variables, *inputs, mutable=[COLLECTION], **options)
    flat: dict[tuple[str, ...], Any] = traverse_util.flatten_dict(variables["params"])
    rest = {path: leaf for path, leaf in flat.items() if path[-1] != "kernel"}
    return {"params": traverse_util.unflatten_dict(rest), **made}
