"""How the known edges of a picture are found for the networks: as in their training."""

import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.images import arrays
from edgeconnect_jax.images import edges as edge_maps
from edgeconnect_jax.inference.edges import NETWORK, EdgeDetector
from edgeconnect_jax.systems.edgeconnect import pictures
from edgeconnect_jax.systems.edgeconnect.record_options import HED_REMEDY

SOURCES = ("canny", "hed")  # of edges that are found in the picture itself
OPTIONAL = (NETWORK,)  # networks to read from checkpoints where they are
DEFAULT_SIGMA = 2.0  # for checkpoints that do not store one


class KnownEdges:
    """Finds the edges of pictures outside their holes.

    Attributes:
        source: one of SOURCES.
        sigma: standard deviation of Canny's Gaussian in pixels; -1 = no edges. With HED it has an effect only if this
            is -1 or its edges are thinned to Canny's lines.
    """

    def __init__(
        self,
        weights: checkpoints.Weights,
        *,
        source: str | None = None,
        sigma: float | None = None,
        configured: Mapping[str, Any] | None = None,
    ):
        """Reads from weights how they were trained; HED itself is loaded when it is first needed.

        Args:
            weights: of the networks, possibly with those of HED.
            source: one of SOURCES; None = as in training, or "canny" if that is unknown or was neither.
            sigma: greater than 0, or -1; None = as in training, or DEFAULT_SIGMA if that was random or is unknown.
            configured: the group `edges` of a configuration, for weights that do not store what they were trained on.

        Raises:
            ValueError: an argument is invalid, or sigma is given and has no effect.
        """
        trained = weights.config.get("edges", {})
        found = [group for group in (trained, configured or {}) if group.get("source") in SOURCES]
        group = next((group for group in found if source in (None, group["source"])), {})
        self.source = source or group.get("source", SOURCES[0])
        self._weights = weights
        self._path = trained.get("hed_weights") or (configured or {}).get("hed_weights", "")
        by_hed = self.source == "hed"
        self._nms, self._threshold = by_hed and bool(group.get("nms")), group.get("hed_threshold", 0.0)
        self.sigma = self._sigma(sigma, (group or trained).get("sigma"))
        if by_hed and sigma not in (None, -1) and not self._nms:
            raise ValueError(
                f"sigma={sigma:g} is the deviation of Canny's Gaussian, but the known edges are HED's; leave it out, "
                "or choose Canny as the source of edges"
            )

    def _sigma(self, given: float | None, trained: float | None) -> float:
        if given is None:
            # -1 means no edges by Canny; those of HED exist all the same.
            return DEFAULT_SIGMA if not trained or (self.source == "hed" and trained < 0) else trained
        if given != -1 and not given > 0:
            raise ValueError(f"sigma must be -1 (no edges) or greater than 0, not {given}")
        return given

    @property
    def by_network(self) -> bool:
        """Whether a network finds them, which belongs into the thread that runs networks."""
        return self.source == "hed" and self.sigma != -1

    @functools.cached_property
    def detector(self) -> EdgeDetector:
        """HED, from the checkpoints or, if they lack it, from where training had it.

        Raises:
            ValueError: it is in neither place.
        """
        if NETWORK in self._weights.networks:
            return EdgeDetector(self._weights)
        try:
            if not self._path:
                raise ValueError("no checkpoint holds it")
            return EdgeDetector.from_checkpoint(pathlib.Path(self._path))
        except (ValueError, OSError) as error:
            raise ValueError(
                f"the known edges are HED's, and its weights are missing ({error}); {HED_REMEDY} beside the others, or "
                "give edge maps"
            ) from error

    def __call__(self, color: np.ndarray, hole: np.ndarray) -> np.ndarray:
        """The known edges of a picture.

        Args:
            color: [H, W, 1 or 3], see `images.arrays`.
            hole: bool [H, W].

        Returns:
            float32 [H, W] in [0, 1], 0 inside the hole.

        Raises:
            ValueError: see `detector`.
        """
        if not self.by_network:
            return pictures.known_edges(color, hole, self.sigma)
        levels = arrays.quantize(self.detector.known(color, hole), np.dtype(np.uint8), truncate=False)
        edges = edge_maps.above(levels, self._threshold)
        return arrays.to_unit(pictures.thin_edges(edges, color, hole, self.sigma) if self._nms else edges)

    def of_truth(self, image: np.ndarray) -> np.ndarray:
        """The edges of a whole picture, uint8 [H, W, 3], as above: what the networks are trained to predict."""
        return self(image, np.zeros(image.shape[:2], bool))
