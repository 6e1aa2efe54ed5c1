"""What the lines do to a fill: each hole filled along predicted, along true, without, and along shifted lines."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgeconnect_jax.evaluation.definitions import (
    Definition,
    MeasurementSettings,
    Measures,
    MetricGroup,
    PairArrays,
    Value,
)
from edgeconnect_jax.evaluation.groups import PIXELS
from edgeconnect_jax.evaluation.outputs import Output
from edgeconnect_jax.evaluation.summary import quotient
from edgeconnect_jax.metrics import uint8
from edgeconnect_jax.systems.edgeconnect.files import EDGES_FOLDER

OPTION = "lines_effect"
SHIFT = 1 / 16  # of the picture's width
# Key of lines -> how tables and sheets call a fill along them.
_PREDICTED = {"predicted_lines": "along predicted lines"}
_OTHERS = {
    "true_lines": "along true lines",
    "no_lines": "without lines",
    "shifted_lines": "along shifted lines",
}
_FILLED = "filled_"  # before the key of lines: the fill along them in `Output.others`


def other_lines(edges: np.ndarray, true: np.ndarray, hole: np.ndarray) -> dict[str, np.ndarray]:
    """The maps to fill along instead of the predicted one. They differ from it in the hole alone.

    Args:
        edges: the map with the predicted lines in the hole, float32 [H, W] in [0, 1], 1 = edge.
        true: the edges of the true picture, the same.
        hole: bool [H, W].

    Returns:
        "true_lines", those; "no_lines"; and "shifted_lines", the whole map shifted to the right by SHIFT
        of its width, at least a pixel, what leaves it on the right coming in on the left. The shape and dtype of
        `edges`.
    """
    shift = max(1, round(SHIFT * edges.shape[1]))
    inside = {
        "true_lines": true,
        "no_lines": np.zeros_like(edges),
        "shifted_lines": np.roll(edges, shift, axis=1),
    }
    return {key: np.where(hole, lines, edges) for key, lines in inside.items()}


def with_other_lines(
    output: Output, lines: Mapping[str, np.ndarray], fill: Callable[[np.ndarray], np.ndarray]
) -> Output:
    """The output with other maps and the fills along them among its other pictures.

    Args:
        output: the fill along the predicted lines.
        lines: see `other_lines`.
        fill: (map [H, W]) -> the picture filled along it, uint8 [H, W, 3].
    """
    fills = {f"{_FILLED}{key}": fill(found) for key, found in lines.items()}
    return output._replace(others={**output.others, **lines, **fills})


class Change(NamedTuple):
    """How two fills of one hole, and the lines in it, differ.

    Attributes:
        fill: sum over the pixels of the hole of the absolute difference, mean of RGB, in percent of 255.
        lines: sum over the pixels of the hole of the absolute difference of the maps in [0, 1]: the number of pixels
            that changed, where both have only 0 and 1.
        hole: pixels of the hole.
    """

    fill: float
    lines: float
    hole: int


def measure_lines(example: PairArrays, settings: MeasurementSettings) -> Measures:
    """The metrics in the hole along each kind of lines, and the change from the predicted ones to each other kind."""
    output, hole = example.output, example.hole
    if hole is None or not all(f"{_FILLED}{key}" in output.others for key in _OTHERS):
        return Measures()
    fills = {"predicted_lines": output.image, **{key: output.others[f"{_FILLED}{key}"] for key in _OTHERS}}
    values = {}
    for key, filled in fills.items():
        values[f"psnr_hole_{key}"] = uint8.psnr(filled, example.truth, hole)
        values[f"ssim_hole_{key}"] = uint8.ssim(filled, example.truth, hole)[1]
        values[f"l1_hole_{key}"] = uint8.l1_percent(filled, example.truth, hole)
    changes, pixels = {}, int(np.count_nonzero(hole))
    for key in _OTHERS:
        difference = np.abs(output.others[key] - output.others[EDGES_FOLDER])
        mean = uint8.l1_percent(fills[key], output.image, hole) if pixels else 0.0
        changes[key] = Change(pixels * mean, float(difference[hole].sum(dtype=np.float64)), pixels)
    return Measures(values, changes)


def summarise_changes(counts: Sequence[Mapping[str, Change]]) -> dict[str, Value]:
    """The mean change of the fills, and that for each changed line pixel, over all holes of the set."""
    found = {}
    for key in _OTHERS:
        fill, lines, hole = (sum(column) for column in zip(*(changes[key] for changes in counts), strict=True))
        ratios = {f"change_{key}": quotient(fill, hole), f"response_{key}": quotient(fill, lines)}
        found |= {name: Value(None if np.isnan(x) else x, len(counts)) for name, x in ratios.items()}
    return found


def column(example: PairArrays, name: str) -> np.ndarray | None:
    """A picture of `Output.others` for the contact sheet, uint8 or in [0, 1], [H, W, 1 or 3]; None if there is none."""
    found = example.output.others.get(name)
    return found if found is None or found.ndim == 3 else found[..., None]


COLUMNS = {
    "true lines": functools.partial(column, name="true_lines"),
    "along true lines": functools.partial(column, name=f"{_FILLED}true_lines"),
    "without lines": functools.partial(column, name=f"{_FILLED}no_lines"),
    "shifted lines": functools.partial(column, name="shifted_lines"),
    "along shifted lines": functools.partial(column, name=f"{_FILLED}shifted_lines"),
}

_INSIDE = ", hole"  # how names of metrics in the hole end
_LINES = (
    "true lines: by {reference}, of the truth; shifted lines: the predicted map shifted to the right by a "
    "sixteenth of the width; outside the hole all maps are the same"
)


def _definitions() -> tuple[Definition, ...]:
    """PSNR, SSIM and L1 in the hole along each kind of lines, as groups that all systems share define them."""
    inside = [d for group in PIXELS for d in group.definitions if d.key.endswith("_hole")]
    fills = [
        d._replace(
            key=f"{d.key}_{key}",
            name=f"{d.name.removesuffix(_INSIDE)} {words}{_INSIDE}",
            sentence=f"as {d.name}, filled {words}; {_LINES}",
        )
        for d in inside
        for key, words in (_PREDICTED | _OTHERS).items()
    ]
    changes = [
        Definition(
            f"change_{key}",
            f"change of the fill {words}",
            f"mean absolute difference in the hole from the fill along predicted lines to that {words}, in percent of "
            f"255; over all pixels of the holes; {_LINES}",
            "%",
            None,
            3,
        )
        for key, words in _OTHERS.items()
    ]
    responses = [
        Definition(
            f"response_{key}",
            f"change for each changed line pixel {words}",
            "sum of that difference over the pixels of the holes, divided by the number of their line pixels that "
            f"differ (the sum of the maps' absolute differences): 100 % is one pixel from black to white; {_LINES}",
            "%",
            None,
            3,
        )
        for key, words in _OTHERS.items()
    ]
    return (*fills, *changes, *responses)


LINES_EFFECT = MetricGroup(
    "lines_effect",
    _definitions(),
    measure_lines,
    summarise_changes,
    smallest_side=uint8.SSIM_SIDE,
    option=OPTION,
    title="the effect of the lines",
)
