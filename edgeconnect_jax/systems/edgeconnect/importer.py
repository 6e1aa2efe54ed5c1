"""The weights that the authors of EdgeConnect published, files of its PyTorch original."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from edgeconnect_jax.host.options import whole
from edgeconnect_jax.importers import torch_files
from edgeconnect_jax.importers.layouts import Entry, convolution
from edgeconnect_jax.importers.published import STATISTICS_OF_INSTANCE_NORM, Published, Shapes, State
from edgeconnect_jax.models.network import Sizes

# Network -> its file in the original, without the suffix .pth.
FILES = {
    "edge_generator": "EdgeModel_gen",
    "edge_discriminator": "EdgeModel_dis",
    "inpaint_generator": "InpaintingModel_gen",
    "inpaint_discriminator": "InpaintingModel_dis",
}
_GENERATORS = ("edge_generator", "inpaint_generator")

_GENERATOR_SIZES: Sizes = {"features": 64, "residual_blocks": 8}
ORIGINAL_SIZES: dict[str, Sizes] = {
    network: _GENERATOR_SIZES if network in _GENERATORS else {"features": 64} for network in FILES
}


def _generator_entries(*, spectral: bool, residual_blocks: int) -> dict[str, Entry]:
    entries = {}
    for i, (number, size) in enumerate(((1, 7), (4, 4), (7, 4))):
        entries |= convolution(f"encoder.{number}", ("body", f"encoder_{i}"), size, spectral=spectral)
    for i in range(residual_blocks):
        for j, number in enumerate((1, 5)):
            path = ("body", f"block_{i}", f"conv_{j}")
            entries |= convolution(f"middle.{i}.conv_block.{number}", path, 3, bias=not spectral, spectral=spectral)
    for i, number in enumerate((0, 3)):
        path = ("body", f"decoder_{i}")
        entries |= convolution(f"decoder.{number}", path, 4, spectral=spectral, transposed=True)
    return entries | convolution("decoder.7", ("body", "output"), 7)


def _discriminator_entries() -> dict[str, Entry]:
    """The first convolution has two names in the original: one tensor, saved twice."""
    entries = {}
    for i, prefix in enumerate(("conv1.0", "features.0", "conv2.0", "conv3.0", "conv4.0", "conv5.0")):
        entries |= convolution(prefix, (f"conv_{max(i - 1, 0)}",), 4, bias=False, spectral=True)
    return entries


def entries(network: str, sizes: Sizes) -> dict[str, Entry]:
    """Key in the original's state dict -> where it belongs, in the original's order."""
    if network not in _GENERATORS:
        return _discriminator_entries()
    return _generator_entries(spectral=network == "edge_generator", residual_blocks=sizes["residual_blocks"])


# Layer -> (axis, multiple): the kernel there is multiple * features long on this axis.
_GENERATOR_WIDTHS = {
    **{"encoder.1": (0, 1), "encoder.4": (0, 2), "encoder.7": (0, 4)},
    **{"decoder.0": (1, 2), "decoder.3": (1, 1), "decoder.7": (1, 1)},
}
_DISCRIMINATOR_WIDTHS = {"conv1.0": (0, 1), "conv2.0": (0, 2), "conv3.0": (0, 4), "conv4.0": (0, 8), "conv5.0": (1, 8)}
_BLOCK = re.compile(r"middle\.(\d+)\.")


def infer_sizes(network: str, shapes: Shapes, residual_blocks: int | None = None) -> Sizes:
    """The sizes of a network that most of its kernels agree with.

    Args:
        network: one of `FILES`.
        shapes: key -> shape; see `Published.sizes`.
        residual_blocks: of a generator; None = the original's number at the original's width, where fewer would mean
            a truncated file, and at another width as many as there are.
    """
    if network not in _GENERATORS:
        return {"features": _features(shapes, _DISCRIMINATOR_WIDTHS)}
    features = _features(shapes, _GENERATOR_WIDTHS)
    if residual_blocks is None:
        usual = features == _GENERATOR_SIZES["features"]
        residual_blocks = _GENERATOR_SIZES["residual_blocks"] if usual else count_residual_blocks(shapes)
    return {"features": features, "residual_blocks": residual_blocks}


def _features(shapes: Shapes, widths: Mapping[str, tuple[int, int]]) -> int:
    votes = Counter()
    for layer, (axis, multiple) in widths.items():
        shape = shapes.get(f"{layer}.weight_orig", shapes.get(f"{layer}.weight", ()))
        if len(shape) == 4 and shape[axis] and shape[axis] % multiple == 0:
            votes[shape[axis] // multiple] += 1
    return votes.most_common(1)[0][0] if votes else _GENERATOR_SIZES["features"]


def count_residual_blocks(keys: Collection[str]) -> int:
    """Residual blocks of the generator that has these keys, up to the last that has any."""
    numbers = [int(found[1]) for found in map(_BLOCK.match, keys) if found]
    # A block has at least two tensors: an absurd number does not make an endless table.
    return min(max(numbers, default=-1) + 1, len(keys))


def _check(network: str, state: State, sizes: Sizes) -> Sequence[str]:
    expected, blocks = sizes.get("residual_blocks"), count_residual_blocks(state)
    if expected is None or blocks == expected:
        return []
    remedy = f"if it was made so, give --residual_blocks {blocks}"
    return [f"({blocks} residual blocks are here, not {expected}; {remedy})"]


def _changes(sizes: Mapping[str, Sizes]) -> list[str]:
    """What the original's src/networks.py must say for networks that do not have the original's sizes."""
    lines = []
    for network, of in sizes.items():
        usual, parts = ORIGINAL_SIZES[network], []
        if of["features"] != usual["features"]:
            parts.append(f"its channels {_channels(network, usual)} become {_channels(network, of)}")
        if of.get("residual_blocks") != usual.get("residual_blocks"):
            parts.append(f"it is made with residual_blocks={of['residual_blocks']}")
        lines += [f"  {network}: {', and '.join(parts)}"] if parts else []
    heading = "the original builds other sizes; change its src/networks.py before it reads these files:"
    return [heading, *lines] if lines else []


def _channels(network: str, sizes: Sizes) -> str:
    """The widths of a network's layers, from the first to the widest."""
    doublings = 3 if network in _GENERATORS else 4
    return ", ".join(str(sizes["features"] << i) for i in range(doublings))


def _uses(networks: Collection[str], path: str) -> list[str]:
    """A command that fills pictures with the generators that there are."""
    from edgeconnect_jax.systems.edgeconnect.inference import STEPS  # late: tables alone need no pictures

    steps = next((steps for steps, needed in STEPS.items() if set(needed) == set(networks) & set(_GENERATORS)), None)
    if steps is None:
        return []
    chosen = "" if steps == "full" else f" --steps {steps}"
    command = f"--checkpoint {path} --input PICTURES --mask MASKS --output FILLED{chosen}"
    return [f"Fill pictures:  python -m edgeconnect_jax.inpaint {command}"]


ORIGINAL = Published(
    load=torch_files.load,
    files={network: (f"{name}.pth",) for network, name in FILES.items()},
    entries=entries,
    sizes=infer_sizes,
    options={
        "residual_blocks": {
            "type": whole(1),
            "metavar": "N",
            "help": "of generators that have another number than the original's 8 at its width of 64",
        }
    },
    original=ORIGINAL_SIZES,
    wrappers={network: "generator" if network in _GENERATORS else "discriminator" for network in FILES},
    iteration="iteration",
    iteration_in={network: network.replace("discriminator", "generator") for network in FILES},
    unused=STATISTICS_OF_INSTANCE_NORM,
    check=_check,
    save=torch_files.save,
    changes=_changes,
    uses=_uses,
    licence="The published weights of EdgeConnect are CC BY-NC 4.0: not for commercial use. Converted, they stay so.\n"
    "https://creativecommons.org/licenses/by-nc/4.0/",
)

PUBLISHED: tuple[Published, ...] = (ORIGINAL,)
