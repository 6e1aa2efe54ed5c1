"""Computes HED's maps of pictures before records are read, because what reads them must not run a network."""

import contextlib
import functools

import numpy as np
from tqdm import tqdm

from edgeconnect_jax.data.maps import MapStore
from edgeconnect_jax.data.records import ComputedRecords
from edgeconnect_jax.host.threads import in_threads
from edgeconnect_jax.images import arrays
from edgeconnect_jax.inference.edges import EdgeDetector
from edgeconnect_jax.parallel import devices as parallel
from edgeconnect_jax.systems.edgeconnect.record_options import hed_store


def compute(records: ComputedRecords, skip_bad: int = 0) -> None:
    """Computes the maps that records lack: each process its share, then all wait for the last.

    A run that was stopped goes on where it was.

    Args:
        records: whose options need maps.
        skip_bad: how many of them may be unusable; they are left out without a word, as their reader reports them.

    Raises:
        ValueError: more records are unusable; names all of them. Or HED's weights cannot be read.
        OSError: a map cannot be written.
    """
    store, problems, detector = hed_store(records.options), [], None
    share = range(parallel.process_index(), len(records), parallel.process_count())
    shown = {"unit": "picture", "desc": "edges by HED", "disable": None if parallel.is_first() else True}
    reading = in_threads(functools.partial(_lacking, records, store), share)
    with contextlib.closing(reading) as found, tqdm(total=len(share), **shown) as bar:
        for picture in found:
            if isinstance(picture, str):
                problems.append(picture)
            elif picture is not None:
                detector = detector or EdgeDetector.from_checkpoint(records.options.hed_weights)
                store.write(picture, arrays.quantize(detector(picture), np.dtype(np.uint8), truncate=False))
            bar.update()
    if len(problems) > skip_bad:
        raise ValueError("\n".join(problems))
    parallel.wait_for_all(f"edges of {len(records)} pictures")


def _lacking(records: ComputedRecords, store: MapStore, index: int) -> np.ndarray | str | None:
    """The picture of a record if its map is not there, else None; or why the record is unusable."""
    try:
        picture = records.read(index)["image"]
    except ValueError as error:
        return str(error)
    return None if store.holds(picture) else picture


MAPS = compute
