"""Fills a picture in memory."""

import copy
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.host.options import DTYPES
from edgeconnect_jax.images import arrays, holes
from edgeconnect_jax.inference import compiled
from edgeconnect_jax.layers import pixels
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.known import OPTIONAL, SOURCES, KnownEdges
from edgeconnect_jax.systems.edgeconnect.networks import NETWORKS, completion_input, edge_input
from edgeconnect_jax.systems.edgeconnect.record_options import SIDE_MULTIPLE

# Value of `steps` -> the networks to run, in order.
STEPS: dict[str, tuple[str, ...]] = {
    "full": ("edge_generator", "inpaint_generator"),
    "edge": ("edge_generator",),
    "inpaint": ("inpaint_generator",),
}
COMPATIBILITIES = ("original",)
# Minimum padded side: smaller pictures leave the residual blocks too few lines for reflection padding.
_SMALLEST_SIDE = 16
# Channels of picture, edge map and mask.
_CHANNELS = (3, 1, 1)


class Result(NamedTuple):
    """The result of filling a picture.

    Attributes:
        image: the filled picture, with the shape and dtype of the input, or None for steps "edge".
        edges: float32 [H, W] in [0, 1], 1 = edge: the input of the completion network; for steps "edge", the generated
            lines inside the hole and the known ones outside.
    """

    image: np.ndarray | None
    edges: np.ndarray


class Inpainter:
    """Fills the holes of pictures of any size with a trained EdgeConnect.

        inpainter = Inpainter.from_checkpoint("workdir")
        image, edges = inpainter(image, mask)

    Each call runs the networks on a single picture, so a result never depends on other pictures. One program is
    compiled per padded size (sides rounded up to a multiple of 4); the last `cache_size` programs are kept.
    """

    def __init__(
        self,
        weights: checkpoints.Weights,
        *,
        steps: str = "full",
        compat: str | None = None,
        dtype: str = "float32",
        sigma: float | None = None,
        edge_source: str | None = None,
        configured: Mapping[str, Any] | None = None,
        cache_size: int = 16,
    ):
        """Takes the networks of `steps` from weights in memory.

        See `from_checkpoint` for the arguments, and `KnownEdges` for `configured`.
        """
        _check_choice("steps", steps, tuple(STEPS))
        _check_choice("compat", compat, (None, *COMPATIBILITIES))
        _check_choice("dtype", dtype, DTYPES)
        _check_choice("edge_source", edge_source, (None, *SOURCES))
        self.steps = steps
        self.compat = compat
        self.known = KnownEdges(weights, source=edge_source, sigma=sigma, configured=configured)
        self.sigma = self.known.sigma
        chosen = {name: NETWORKS[name] for name in STEPS[steps]}
        self._modules, self._variables = compiled.build(weights, chosen, dtype=dtype)
        self._cache_size = cache_size
        self._run = self._compiled()

    @classmethod
    def from_checkpoint(
        cls,
        path: str | os.PathLike | Sequence[str | os.PathLike],
        *,
        steps: str = "full",
        compat: str | None = None,
        dtype: str = "float32",
        sigma: float | None = None,
        edge_source: str | None = None,
        cache_size: int = 16,
    ) -> "Inpainter":
        """Loads the networks that `steps` needs.

        Args:
            path: a checkpoint or workdir, or several: each network comes from the last one that contains it.
            steps: "full" (edges, then colours), "edge" (edges only) or "inpaint" (colours from the known edges,
                or from the edge map given).
            compat: "original" reproduces the original's test script: the completion network gets the raw output of the
                edge generator instead of generated lines inside the hole and known ones outside, and integers are
                truncated instead of rounded.
            dtype: arithmetic of the convolutions, "float32" or "bfloat16".
            sigma: standard deviation of Canny's Gaussian in pixels, greater than 0; -1 = no edges; None = the value
                used to train the last checkpoint, or 2 if that was random or is unknown.
            edge_source: how the known edges are found, "canny" or "hed"; None = as when the last checkpoint was
                trained. HED's weights come from one of the checkpoints or, if none holds them, from where that
                training had them; they are needed only where no edge map is given.
            cache_size: number of compiled programs to keep, one per padded size.

        Raises:
            ValueError: an argument is invalid, the checkpoints lack a network, or an array has the wrong shape.
        """
        _check_choice("steps", steps, tuple(STEPS))
        paths = [path] if isinstance(path, str | os.PathLike) else path
        weights = checkpoints.load_weights([os.fspath(p) for p in paths], STEPS[steps], optional=OPTIONAL)
        options = {"steps": steps, "compat": compat, "dtype": dtype, "sigma": sigma, "edge_source": edge_source}
        return cls(weights, **options, cache_size=cache_size)

    def with_steps(self, steps: str) -> "Inpainter":
        """Returns an inpainter with other steps that shares this one's weights but compiles its own programs.

        Args:
            steps: see `from_checkpoint`.

        Raises:
            ValueError: `steps` is invalid, or needs networks that this inpainter lacks.
        """
        _check_choice("steps", steps, tuple(s for s, names in STEPS.items() if self._modules.keys() >= set(names)))
        other = copy.copy(self)
        other.steps = steps
        other._modules = {name: self._modules[name] for name in STEPS[steps]}
        other._variables = {name: self._variables[name] for name in STEPS[steps]}
        other._run = other._compiled()
        return other

    def _compiled(self) -> compiled.Compiled:
        sides = {"multiple": SIDE_MULTIPLE, "smallest": _SMALLEST_SIDE}
        return compiled.Compiled(self._forward, self._variables, **sides, cache_size=self._cache_size)

    def warm_up(self, height: int, width: int) -> None:
        """Compiles the program for pictures of this size, so that the first one does not wait for it."""
        self._run.warm_up(*(jax.ShapeDtypeStruct((1, height, width, c), jnp.float32) for c in _CHANNELS))

    def __call__(self, image: np.ndarray, mask: np.ndarray, edges: np.ndarray | None = None) -> Result:
        """Fills the hole of one picture.

        Args:
            image: [H, W] or [H, W, 1] gray, or [H, W, 3] RGB, optionally with an extra alpha channel ([H, W, 2 or 4]);
                uint8, uint16 or floats in [0, 1].
            mask: [H, W] or [H, W, 1], of the picture's size: bool, uint8 (over 127 = hole) or floats (over 1/2 = hole).
            edges: an edge map to use instead of those found in the picture, [H, W] or [H, W, 1]: bool, uint8 (255 =
                edge) or floats in [0, 1]. Steps "full" and "edge" read it only outside the hole, "inpaint" everywhere.

        Returns:
            The picture and its edges. Outside the hole and in alpha the picture is bit-identical to the input.

        Raises:
            ValueError: an array has an invalid shape, dtype or range, or HED is needed and missing.
        """
        color, alpha = arrays.split_picture(image)
        size = color.shape[:2]
        hole = holes.hole_of(mask, size)
        known = self.known(color, hole) if edges is None else pictures.edges_of(edges, size)
        generated, drawn = self.generate(arrays.to_unit(arrays.rgb_of(color)), known[..., None], hole[..., None])
        if generated is None:
            return Result(None, drawn)
        filled = arrays.merge(color, generated, hole, truncate=self.compat == "original")
        filled = filled if alpha is None else np.concatenate([filled, alpha], axis=-1)
        return Result(filled.reshape(image.shape), drawn)

    def generate(self, image: np.ndarray, edge: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Runs only the networks and returns their output before it is merged with the known pixels.

        Accepts several pictures of one size at once, [B, H, W, C] instead of [H, W, C], which is faster on a GPU.

        Args:
            image: float [H, W, 3] RGB in [0, 1].
            edge: float [H, W, 1], 1 = edge.
            mask: bool or float [H, W, 1], 1 = hole.

        Returns:
            The completion network's output, float32 [H, W, 3] in [0, 1], or None for steps "edge"; and the edges
            as in `Result`, float32 [H, W].
        """
        generated, drawn = self._run(*(x.astype(np.float32) for x in (image, edge, mask)))
        return generated, drawn[..., 0]

    def _forward(
        self, variables: dict[str, Any], image: jax.Array, edge: jax.Array, mask: jax.Array
    ) -> tuple[jax.Array | None, jax.Array]:
        """Runs the networks of `steps`; all arrays are [B, H, W, C] in [0, 1]."""
        shown = edge
        if "edge_generator" in self._modules:
            given = edge_input(pixels.gray_of(image), edge, mask)
            raw = self._modules["edge_generator"].apply(variables["edge_generator"], given)
            shown = pixels.composite(raw, edge, mask)
            if self.compat == "original" and self.steps == "full":
                shown = raw
        if "inpaint_generator" not in self._modules:
            return None, shown
        given = completion_input(image, shown, mask)
        return self._modules["inpaint_generator"].apply(variables["inpaint_generator"], given), shown


def trained_sigma(config: Mapping[str, Any]) -> float | None:
    """The option edges.sigma of a checkpoint's configuration (0 = random); None for a converted checkpoint."""
    return config.get("edges", {}).get("sigma")


def _check_choice(name: str, value: str | None, choices: tuple) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, not {value}")
