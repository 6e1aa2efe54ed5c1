"""How EdgeConnect is evaluated: the edges in the hole, the original's own metrics, and models run as by `inpaint`."""

import argparse
import math
import os
import pathlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from edgeconnect_jax.checkpoints import weights as checkpoints
from edgeconnect_jax.evaluation import groups
from edgeconnect_jax.evaluation.definitions import (
    Evaluation,
    Options,
    PairArrays,
)
from edgeconnect_jax.evaluation.holes import FileHoles
from edgeconnect_jax.evaluation.outputs import Output, OutputSource, about_network
from edgeconnect_jax.evaluation.pairs import MASK, Folder, Pair
from edgeconnect_jax.host.options import between, whole
from edgeconnect_jax.images import arrays
from edgeconnect_jax.images import files as images
from edgeconnect_jax.images.edges import canny_edges, to_gray
from edgeconnect_jax.systems.edgeconnect import lines_effect as effect
from edgeconnect_jax.systems.edgeconnect.edge_accuracy import (
    EDGE_THRESHOLD,
    EDGE_TOLERANCE,
    EDGES,
    TRUE_EDGES,
    predicts_edges,
)
from edgeconnect_jax.systems.edgeconnect.files import EDGES_FOLDER
from edgeconnect_jax.systems.edgeconnect.inference import COMPATIBILITIES, STEPS, Inpainter
from edgeconnect_jax.systems.edgeconnect.known import DEFAULT_SIGMA, OPTIONAL
from edgeconnect_jax.systems.edgeconnect.legacy import LEGACY
from edgeconnect_jax.systems.edgeconnect.pictures import read_hole_as_original

ORIGINAL_THRESHOLD = 0  # of 255; larger values are the hole for the original's test script
_STEPS = "full"


class Model:
    """A trained EdgeConnect, run as `inpaint` runs it: known pixels stay as they are."""

    def __init__(
        self,
        checkpoint: Sequence[str | os.PathLike],
        *,
        compat: str | None = None,
        dtype: str = "float32",
        sigma: float | None = None,
        lines_effect: bool = False,
    ):
        """Loads the networks; see `Inpainter.from_checkpoint` for the arguments and errors.

        With `lines_effect` each hole is also filled along other lines, see `lines_effect.other_lines`.
        """
        weights = checkpoints.load_weights([os.fspath(path) for path in checkpoint], STEPS[_STEPS], optional=OPTIONAL)
        self._inpainter = Inpainter(weights, steps=_STEPS, compat=compat, dtype=dtype, sigma=sigma)
        self._along = self._inpainter.with_steps("inpaint") if lines_effect else None
        self._lock = threading.Lock()
        self.sigma = self._inpainter.sigma
        self._known = self._inpainter.known
        self.source = self._known.source
        self.title = pathlib.Path(checkpoint[-1]).resolve().name
        self.about = {
            **{"kind": "model", "compat": compat, "dtype": dtype, "sigma": self.sigma},
            "networks": {name: about_network(weights, name) for name in STEPS[_STEPS]},
        }
        if self._known.by_network:
            self.about["edge_source"] = self.source
            _ = self._known.detector  # loaded now, so that missing weights are reported before any work

    def __call__(self, pair: Pair, truth: np.ndarray, hole: np.ndarray | None) -> Output:
        """Fills the hole; see `OutputSource`."""
        assert hole is not None
        # One picture at a time: it uses all cores by itself, and a program must not be compiled twice.
        with self._lock:
            image, edges = self._inpainter(truth, hole)
            assert image is not None
            by_network = {TRUE_EDGES: self._known.of_truth(truth)} if self._known.by_network else {}
            output = Output(image, {EDGES_FOLDER: edges, **by_network})
            if self._along is None:
                return output
            true = by_network.get(TRUE_EDGES, arrays.to_unit(canny_edges(to_gray(truth), self.sigma)))
            lines = effect.other_lines(edges, true, hole)
            return effect.with_other_lines(output, lines, lambda found: self._fill_along(truth, hole, found))

    def _fill_along(self, truth: np.ndarray, hole: np.ndarray, lines: np.ndarray) -> np.ndarray:
        assert self._along is not None
        image = self._along(truth, hole, lines).image
        assert image is not None
        return image


def _outputs(options: Options) -> OutputSource:
    arguments = {"compat": options.compat, "dtype": options.dtype, "sigma": options.sigma}
    return Model(options.checkpoint, **arguments, lines_effect=options.lines_effect)


def read_edges(path: pathlib.Path) -> np.ndarray:
    """A predicted edge map on disk, float32 [H, W] in [0, 1]; raises ValueError for a corrupted file."""
    return arrays.to_unit(images.read_gray8(path))


def _folders(options: Options) -> Sequence[Folder]:
    return () if options.edges is None else (Folder(EDGES_FOLDER, options.edges, "edge map", read=read_edges),)


def _holes(options: Options) -> FileHoles | None:
    if options.mask is None:
        return None
    as_original = options.compat == "original"
    holes = FileHoles(options.invert_mask, about={"as original": as_original})
    return holes._replace(threshold=ORIGINAL_THRESHOLD, read=_read_hole_as_original) if as_original else holes


def _read_hole_as_original(pair: Pair, invert: bool) -> np.ndarray | None:
    if MASK not in pair.files:
        return None
    return read_hole_as_original(pair.files[MASK], pair.size, ORIGINAL_THRESHOLD, invert)


def _settings(options: Options, source: OutputSource) -> Mapping[str, Any]:
    sigma = source.sigma if isinstance(source, Model) else options.sigma
    threshold = EDGE_THRESHOLD if options.edge_threshold is None else options.edge_threshold
    tolerance = EDGE_TOLERANCE if options.edge_tolerance is None else options.edge_tolerance
    sigma = DEFAULT_SIGMA if sigma is None else sigma
    by_network = isinstance(source, Model) and source.about.get("edge_source") == "hed"
    reference = f"HED (above {threshold:g})" if by_network else f"scikit-image's Canny (sigma {sigma:g})"
    return {"threshold": threshold, "tolerance": tolerance, "sigma": sigma, "reference": reference}


def _edge_column(example: PairArrays) -> np.ndarray | None:
    edges = example.output.others.get(EDGES_FOLDER)
    return None if edges is None else arrays.quantize(edges, np.dtype(np.uint8), truncate=False)[..., None]


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("EdgeConnect").add_argument
    add("--compat", choices=COMPATIBILITIES, help="with --checkpoint: as the original's test script")
    add("--legacy", action="store_true", help="also by the definitions of the original's scripts")
    add(
        "--lines_effect", action="store_true",
        help="with --checkpoint: also fill along the true lines, without lines and along shifted ones, and measure "
        "what that changes",
    )  # fmt: skip
    add("--edges", type=pathlib.Path, metavar="DIR", help="predicted edge maps that belong to --output, white = edge")
    add(
        "--edge_threshold", type=between(0, 1, included=True), metavar="T",
        help=f"larger values are a predicted edge, from 0 to below 1 (default: {EDGE_THRESHOLD:g})",
    )  # fmt: skip
    add(
        "--edge_tolerance", type=whole(), metavar="N",
        help="pixels by which rows and columns of edges may differ where edges are also compared with a tolerance "
        f"(default: {EDGE_TOLERANCE})",
    )  # fmt: skip
    add(
        "--sigma", type=between(0, math.inf, included=False), metavar="S",
        help="of Canny's Gaussian, for the true edges and the input of a model (default: that of the checkpoint's "
        f"training, or {DEFAULT_SIGMA:g})",
    )  # fmt: skip


def _check_options(options: Options) -> Iterator[str]:
    predicts = predicts_edges(options)
    wrong = [
        (options.compat and not options.checkpoint, "--compat goes with --checkpoint"),
        (options.lines_effect and not options.checkpoint, "--lines_effect goes with --checkpoint: a model fills"),
        (options.edges is not None and options.output is None, "--edges goes with --output"),
        (options.edges is not None and options.mask is None, "--edges: edges are measured in the hole; name --mask"),
        (not predicts and options.sigma is not None, "--sigma: no edges are measured"),
        (not predicts and options.edge_threshold is not None, "--edge_threshold: no edges are measured"),
        (not predicts and options.edge_tolerance is not None, "--edge_tolerance: no edges are measured"),
    ]
    return (message for is_wrong, message in wrong if is_wrong)


EVALUATION = Evaluation(
    groups=(*groups.PIXELS, EDGES, *groups.NETWORKS, LEGACY, effect.LINES_EFFECT),
    outputs=_outputs,
    holes=_holes,
    folders=_folders,
    settings=_settings,
    columns={"edges": _edge_column, **effect.COLUMNS},
    add_options=_add_options,
    check_options=_check_options,
)
