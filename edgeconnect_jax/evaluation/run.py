"""An evaluation from the first picture to the last."""

import hashlib
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from edgeconnect_jax.evaluation import outputs as sources
from edgeconnect_jax.evaluation import pairs as pairing
from edgeconnect_jax.evaluation import summary
from edgeconnect_jax.evaluation.features import ALL, Deep
from edgeconnect_jax.evaluation.holes import Holes
from edgeconnect_jax.evaluation.outputs import Output, Source
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.evaluation.per_image import Row, Settings, measure
from edgeconnect_jax.evaluation.summary import Value
from edgeconnect_jax.host.threads import in_threads


class Example(NamedTuple):
    """A pair with its arrays: truth uint8 [H, W, 3], hole bool [H, W] or None, and the output."""

    pair: Pair
    truth: np.ndarray
    hole: np.ndarray | None
    output: Output


class Bin(NamedTuple):
    """The pictures whose holes have a share of the picture in one range.

    Attributes:
        label: the range.
        pictures: how many there are.
        share: the mean of their shares, 0 to 1; NaN where there are none.
        results: key of a metric -> value.
    """

    label: str
    pictures: int
    share: float
    results: dict[str, Value]


class Evaluation(NamedTuple):
    """What came out.

    Attributes:
        rows: one a picture, sorted by name.
        results: key of a metric -> value over all pictures.
        bins: the same by the share of the picture that is hole; empty without masks.
        pictures_hash: SHA-256 of the names and true pictures, as they were measured.
        holes_hash: SHA-256 of the names and holes; None without masks.
        left_out: what is wrong with the pairs that were not measured, a text for each.
    """

    rows: list[Row]
    results: dict[str, Value]
    bins: list[Bin]
    pictures_hash: str
    holes_hash: str | None
    left_out: Sequence[str] = ()


def evaluate(
    pairs: Sequence[Pair],
    source: Source,
    holes: Holes,
    settings: Settings,
    deep: Deep | None = None,
    *,
    save: pathlib.Path | None = None,
) -> Evaluation:
    """Reads, fills where that is to be done, and measures every pair, in threads.

    Args:
        pairs: see `pairs.find_pairs`; pictures of one size next to each other.
        source: of the outputs.
        holes: of the pairs.
        settings: what is measured.
        deep: metrics of trained networks; it is used up.
        save: folder to write outputs, masks and edges to, see `sources.save`.

    Raises:
        ValueError: no picture could be read and filled; lists what is wrong with each.
        OSError: an output cannot be saved.
    """
    keep = deep is not None and not deep.empty

    def work(pair: Pair) -> tuple[Row, Example | None] | str:
        if pair.problem:
            return pair.problem
        try:
            truth, hole = pairing.read_truth(pair), holes(pair)
            output = source(pair, truth, hole)
        except ValueError as error:
            return str(error)
        if save is not None:
            sources.save(save, pair, hole, output)
        row = measure(pair, truth, hole, output, settings)
        return row, Example(pair, truth, hole, output) if keep else None

    if deep is not None:
        known_bad = sum(bool(pair.problem) for pair in pairs)
        deep.start(len(pairs) - known_bad, known_bad)
    rows, batch, left_out = [], [], []
    for result in tqdm(in_threads(work, pairs), total=len(pairs), unit="picture", disable=None):
        if isinstance(result, str):
            left_out.append(result)
            continue
        rows.append(result[0])
        if deep is not None and result[1] is not None:
            batch = _batched(deep, batch, result[0], result[1])
    if not rows:
        raise ValueError("\n".join(["no picture can be measured:", *dict.fromkeys(left_out)]))
    if deep is not None and batch:
        _flush(deep, batch)
    return _evaluation(sorted(rows, key=lambda row: row.name), deep)._replace(left_out=left_out)


def example(pair: Pair, source: Source, holes: Holes) -> Example:
    """One pair as it was measured, to show it."""
    truth, hole = pairing.read_truth(pair), holes(pair)
    return Example(pair, truth, hole, source(pair, truth, hole))


_Batch = list[tuple[Row, Example]]


def _batched(deep: Deep, batch: _Batch, row: Row, new: Example) -> _Batch:
    """The batch with one more; given to `deep` before it holds two sizes, and when it is full."""
    if batch and (len(batch) == deep.batch or batch[0][1].truth.shape != new.truth.shape):
        _flush(deep, batch)
        batch = []
    return [*batch, (row, new)]


def _flush(deep: Deep, batch: _Batch) -> None:
    truths, outputs = (np.stack(x) for x in zip(*((e.truth, e.output.image) for _, e in batch), strict=True))
    deep.add([row for row, _ in batch], truths, outputs)


def _evaluation(rows: list[Row], deep: Deep | None) -> Evaluation:
    of_sets: dict[str, dict[str, Any]] = {} if deep is None else deep.finish()

    def results(label: str, chosen: Sequence[Row]) -> dict[str, Value]:
        return summary.in_order(summary.summarise(chosen) | of_sets.get(label, {}))

    bins = [
        Bin(label, len(chosen), _mean_share(chosen), results(label, chosen))
        for label, chosen in summary.by_bins(rows).items()
    ]
    holes = [row.hole_hash for row in rows if row.hole_hash is not None]
    names = [row.name for row in rows]
    holes_hash = _hash(names, holes) if holes else None
    return Evaluation(rows, results(ALL, rows), bins, _hash(names, [row.truth_hash for row in rows]), holes_hash)


def _mean_share(rows: Sequence[Row]) -> float:
    shares = [row.ratio for row in rows if row.ratio is not None]
    return math.fsum(shares) / len(shares) if shares else math.nan


def _hash(names: Sequence[str], hashes: Sequence[str]) -> str:
    lines = "".join(f"{name} {value}\n" for name, value in zip(names, hashes, strict=True))
    return hashlib.sha256(os.fsencode(lines)).hexdigest()
