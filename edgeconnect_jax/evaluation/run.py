"""An evaluation from the first picture to the last."""

import hashlib
import math
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from edgeconnect_jax.evaluation import outputs, summary
from edgeconnect_jax.evaluation import pairs as pairing
from edgeconnect_jax.evaluation.definitions import Definition, MeasurementSettings, PairArrays, Value, by_key
from edgeconnect_jax.evaluation.features import ALL
from edgeconnect_jax.evaluation.holes import Holes
from edgeconnect_jax.evaluation.network_metrics import NetworkMetrics
from edgeconnect_jax.evaluation.outputs import OutputSource
from edgeconnect_jax.evaluation.pairs import Pair
from edgeconnect_jax.evaluation.per_image import Row, measure
from edgeconnect_jax.host.threads import in_threads


class Bin(NamedTuple):
    """The pictures whose holes have a share of the picture in one range.

    Attributes:
        label: the range.
        pictures: how many there are.
        share: the mean of their shares, 0 to 1; NaN where there are none.
        values: key of a metric -> value.
    """

    label: str
    pictures: int
    share: float
    values: dict[str, Value]


class Results(NamedTuple):
    """The results of an evaluation.

    Attributes:
        rows: one a picture, sorted by name.
        values: key of a metric -> value over all pictures.
        bins: the same by the share of the picture that is hole; empty without masks.
        definitions: key -> definition of the metrics that the groups measure.
        pictures_hash: SHA-256 of the names and true pictures, as they were measured.
        holes_hash: SHA-256 of the names and holes; None without masks.
        left_out: why pairs were not measured, a text for each.
    """

    rows: list[Row]
    values: dict[str, Value]
    bins: list[Bin]
    definitions: Mapping[str, Definition]
    pictures_hash: str
    holes_hash: str | None
    left_out: Sequence[str] = ()


def evaluate(
    pairs: Sequence[Pair],
    source: OutputSource,
    holes: Holes,
    settings: MeasurementSettings,
    networks: NetworkMetrics | None = None,
    *,
    save: pathlib.Path | None = None,
) -> Results:
    """Reads, fills if need be, and measures every pair, in threads.

    Args:
        pairs: see `pairs.find_pairs`; pictures of one size next to each other.
        source: of the outputs.
        holes: of the pairs.
        settings: what is measured.
        networks: metrics of trained networks; it cannot be used again.
        save: folder to write outputs, masks and other pictures to, see `outputs.save`.

    Raises:
        ValueError: no picture could be read and filled; lists the problem of each.
        OSError: an output cannot be saved.
    """
    keep = networks is not None and not networks.empty

    def work(pair: Pair) -> tuple[Row, PairArrays | None] | str:
        if pair.problem:
            return pair.problem
        try:
            found = arrays_of(pair, source, holes)
        except ValueError as error:
            return str(error)
        if save is not None:
            outputs.save(save, pair, found.hole, found.output)
        return measure(found, settings), found if keep else None

    if networks is not None:
        known_bad = sum(bool(pair.problem) for pair in pairs)
        networks.start(len(pairs) - known_bad, known_bad)
    rows, batch, left_out = [], [], []
    for result in tqdm(in_threads(work, pairs), total=len(pairs), unit="picture", disable=None):
        if isinstance(result, str):
            left_out.append(result)
            continue
        rows.append(result[0])
        if networks is not None and result[1] is not None:
            batch = _batched(networks, batch, result[0], result[1])
    if not rows:
        raise ValueError("\n".join(["no picture can be measured:", *dict.fromkeys(left_out)]))
    if networks is not None and batch:
        _flush(networks, batch)
    return _results(sorted(rows, key=lambda row: row.name), settings, networks)._replace(left_out=left_out)


def arrays_of(pair: Pair, source: OutputSource, holes: Holes) -> PairArrays:
    """One pair with its arrays; raises ValueError if a file is corrupted or there is no output."""
    truth, hole = pairing.read_truth(pair), holes(pair)
    return PairArrays(pair, truth, hole, source(pair, truth, hole))


_Batch = list[tuple[Row, PairArrays]]


def _batched(networks: NetworkMetrics, batch: _Batch, row: Row, new: PairArrays) -> _Batch:
    """The batch with one more; passed to `networks` when it is full, and before it would hold two sizes."""
    if batch and (len(batch) == networks.batch or batch[0][1].truth.shape != new.truth.shape):
        _flush(networks, batch)
        batch = []
    return [*batch, (row, new)]


def _flush(networks: NetworkMetrics, batch: _Batch) -> None:
    truths, images = (np.stack(x) for x in zip(*((e.truth, e.output.image) for _, e in batch), strict=True))
    networks.add([row for row, _ in batch], truths, images)


def _results(rows: list[Row], settings: MeasurementSettings, networks: NetworkMetrics | None) -> Results:
    of_sets: dict[str, dict[str, Any]] = {} if networks is None else networks.finish()

    def values(label: str, chosen: Sequence[Row]) -> dict[str, Value]:
        found = summary.summarise(chosen, settings.groups) | of_sets.get(label, {})
        return summary.in_order(found, settings.groups)

    bins = [
        Bin(label, len(chosen), _mean_share(chosen), values(label, chosen))
        for label, chosen in summary.by_bins(rows).items()
    ]
    holes = [row.hole_hash for row in rows if row.hole_hash is not None]
    names = [row.name for row in rows]
    holes_hash = _hash(names, holes) if holes else None
    pictures_hash = _hash(names, [row.truth_hash for row in rows])
    return Results(rows, values(ALL, rows), bins, by_key(settings.groups), pictures_hash, holes_hash)


def _mean_share(rows: Sequence[Row]) -> float:
    shares = [row.ratio for row in rows if row.ratio is not None]
    return math.fsum(shares) / len(shares) if shares else math.nan


def _hash(names: Sequence[str], hashes: Sequence[str]) -> str:
    lines = "".join(f"{name} {value}\n" for name, value in zip(names, hashes, strict=True))
    return hashlib.sha256(os.fsencode(lines)).hexdigest()
