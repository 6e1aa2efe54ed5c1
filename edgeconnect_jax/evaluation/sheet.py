"""A contact sheet of the best, the median and the worst pictures."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from edgeconnect_jax.evaluation.definitions import PairArrays, by_key
from edgeconnect_jax.evaluation.groups import PIXELS
from edgeconnect_jax.evaluation.holes import Holes
from edgeconnect_jax.evaluation.outputs import OutputSource
from edgeconnect_jax.evaluation.pairs import NONE, Pair
from edgeconnect_jax.evaluation.per_image import Row
from edgeconnect_jax.evaluation.run import arrays_of
from edgeconnect_jax.images.files import resize_bilinear
from edgeconnect_jax.images.grid import labelled_grid

_EACH = 3  # of the best, the median and the worst
_LARGEST = 320  # pixels; larger pictures are shrunk to it
_WHITE = 255
# The first of these that the pictures have ranks them.
_RANKED_BY = ("psnr_hole", "ssim_hole", "l1_hole", "psnr", "ssim", "l1")
_DEFINITIONS = by_key(PIXELS)

Columns = Mapping[str, Callable[[PairArrays], np.ndarray | None]]


class Choice(NamedTuple):
    """A picture of the sheet, and why it is there."""

    row: Row
    label: str


def choose(rows: Sequence[Row]) -> tuple[str, list[Choice]]:
    """The metric that ranks the pictures, and the best, median and worst of them, each once.

    Returns:
        The key, and the choices from best to worst; none where no metric ranks them.
    """
    for key in _RANKED_BY:
        ranked = [row for row in rows if not np.isnan(row.values.get(key, np.nan))]
        if ranked:
            break
    else:
        return "", []
    ranked.sort(key=lambda row: row.values[key], reverse=bool(_DEFINITIONS[key].higher_is_better))
    labels = _labels(len(ranked))
    return key, [Choice(ranked[place], f"{labels[place]}, {place + 1} of {len(ranked)}") for place in sorted(labels)]


def _labels(count: int) -> dict[int, str]:
    """Place among `count` ranked pictures -> why it is shown; of few, half are best, half worst, none median."""
    each = min(_EACH, count // 2)
    places = {
        "median": range((count - _EACH) // 2, (count - _EACH) // 2 + _EACH),
        "worst": range(count - each, count),
        "best": range(min(_EACH, count - each)),  # last: it has the odd one
    }
    return {place: label for label, found in places.items() for place in found if 0 <= place < count}


def draw(
    rows: Sequence[Row], pairs: Sequence[Pair], source: OutputSource, holes: Holes, columns: Columns = NONE
) -> np.ndarray | None:
    """Reads, and if need be fills, the chosen pictures again, and draws them.

    Args:
        rows: the measures of all pictures.
        pairs: all of them.
        source: of the outputs.
        holes: of the pairs.
        columns: of the system, see `definitions.Evaluation`.

    Returns:
        uint8 [H, W, 3]: truth, masked if there are masks, the columns of the system, and output; None if no metric
        ranks the pictures.
    """
    key, choices = choose(rows)
    if not choices:
        return None
    by_name = {pair.name: pair for pair in pairs}
    examples = [arrays_of(by_name[choice.row.name], source, holes) for choice in choices]
    drawn: Columns = {"truth": lambda e: e.truth, "masked": _masked, **columns, "output": lambda e: e.output.image}
    found = {label: [picture(e) for e in examples] for label, picture in drawn.items()}
    shown = {
        label: [_shrunk(picture) for picture in column if picture is not None]
        for label, column in found.items()
        if all(picture is not None for picture in column)
    }
    return labelled_grid(shown, [_caption(key, choice) for choice in choices])


def _masked(shown: PairArrays) -> np.ndarray | None:
    if shown.hole is None:
        return None
    return np.where(shown.hole[..., None], np.uint8(_WHITE), shown.truth)


def _shrunk(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    factor = min(1, _LARGEST / max(height, width))
    return resize_bilinear(picture, max(1, round(height * factor)), max(1, round(width * factor)))


def _caption(key: str, choice: Choice) -> str:
    definition, row = _DEFINITIONS[key], choice.row
    share = "" if row.ratio is None else f"; hole: {100 * row.ratio:.1f} % of the picture"
    value = f"{definition.format(row.values[key])} {definition.unit}".rstrip()
    return f"{choice.label}: {row.name}; {definition.name}: {value}{share}"
