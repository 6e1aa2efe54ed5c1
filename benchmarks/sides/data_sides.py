"""Both sides of data.py: batches from a prepared set, and the same batches computed on the fly."""

import argparse
import contextlib
import os
import pathlib
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import skimage.data
from PIL import Image

from benchmarks.measuring import timing
from configs import default
from edgeconnect_jax.configuration.types import Config
from edgeconnect_jax.data import pipeline
from edgeconnect_jax.data.prepared import format
from edgeconnect_jax.images import edges
from edgeconnect_jax.systems.edgeconnect.data import READER

_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")
_WIDTH, _HEIGHT, _QUALITY = 500, 375, 90
_SMALLEST_SHARE = 0.6  # of a photograph's sides
_FEWER = 6  # times as many batches of the prepared set in a round, which takes about as long
_EXAMPLES = 200  # to see where their time goes


def write_photographs(folder: pathlib.Path, count: int) -> pathlib.Path:
    """Writes parts of scikit-image's photographs as JPEG files; returns the folder."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    photographs = [Image.fromarray(getattr(skimage.data, name)()) for name in _PHOTOGRAPHS]
    for number in range(count):
        photograph = photographs[number % len(photographs)]
        share = rng.uniform(_SMALLEST_SHARE, 1)
        width = share * min(photograph.width, photograph.height * _WIDTH / _HEIGHT)
        height = width * _HEIGHT / _WIDTH
        left, top = rng.uniform(0, photograph.width - width), rng.uniform(0, photograph.height - height)
        part = photograph.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC, (left, top, left + width, top + height))
        part.save(folder / f"{number:04d}.jpg", quality=_QUALITY)
    return folder


def config_of(pictures: pathlib.Path, image_size: int, batch: int) -> Config:
    """The default configuration on a set, with one thread that loads."""
    config = default.get_config()
    config.data.update(train=str(pictures), image_size=image_size, threads=1)
    config.train.batch_size = batch
    return config


def measure(prepared_set: pathlib.Path, pictures: pathlib.Path, options: argparse.Namespace) -> dict[str, Any]:
    """Times both sides on one core, and says where the time of ours goes.

    Raises:
        ValueError: the two sides do not give the same batches, or the prepared set has edges computed.
    """
    ours, theirs = (config_of(p, options.image_size, options.batch) for p in (prepared_set, pictures))
    counts = options.batches, max(1, options.batches // _FEWER)
    with one_core(), on_the_fly():
        check_same(ours, theirs, counts[1])
        sides = {"ours": lambda: _seconds(ours, counts[0]), "theirs": lambda: _seconds(theirs, counts[1])}
        timing.in_turn(sides, 1)  # files and programs come into memory
        seconds = timing.in_turn(sides, options.rounds)
        parts = _parts(prepared_set, ours)
    row = timing.row(
        f"a batch of {options.batch} examples of {options.image_size} x {options.image_size} on one core "
        "(theirs: decoding, resizing, Canny)",
        seconds["ours"],
        seconds["theirs"],
    )
    parts["grain, stacking and the rest"] = max(0.0, row["ours"] - options.batch * sum(parts.values())) / options.batch
    for name, taken in parts.items():
        print(f"of an example of the prepared set: {1000 * taken:.3f} ms {name}")
    rates = {"batches_per_second": 1 / row["ours"], "their_batches_per_second": 1 / row["theirs"]}
    print(f"batches a second and core: ours {1 / row['ours']:.1f}, theirs {1 / row['theirs']:.1f}")
    return row | rates | {"milliseconds_of_an_example": {name: 1000 * taken for name, taken in parts.items()}}


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Keeps this process, and the threads that it starts, on one of its cores."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextlib.contextmanager
def on_the_fly() -> Iterator[None]:
    """Records that are computed are not kept in memory, as those of a large set are not."""
    capacity, pipeline.CACHE_BYTES = pipeline.CACHE_BYTES, 0
    try:
        yield
    finally:
        pipeline.CACHE_BYTES = capacity


def take(config: Config, count: int) -> list[dict[str, np.ndarray]]:
    """The first batches of a training iterator."""
    iterator = pipeline.train_iterator(config, READER)
    batches = [next(iterator) for _ in range(count)]
    iterator.close()
    return batches


def _seconds(config: Config, count: int) -> float:
    """Seconds for a batch, of so many after the first; what is read ahead before them is read ahead after them."""
    iterator = pipeline.train_iterator(config, READER)
    next(iterator)
    begun = time.perf_counter()
    for _ in range(count):
        next(iterator)
    taken = (time.perf_counter() - begun) / count
    iterator.close()
    return taken


def check_same(ours: Config, theirs: Config, count: int) -> None:
    """Raises ValueError unless both sides give the same batches, and ours without computing an edge map."""
    computed = []
    canny = edges.canny_edges
    edges.canny_edges = lambda *given, **more: computed.append(1) or canny(*given, **more)
    try:
        from_set = take(ours, count)
        if computed:
            raise ValueError(f"{len(computed)} edge maps were computed although the set is prepared")
        on_the_fly = take(theirs, count)
    finally:
        edges.canny_edges = canny
    pairs = [(a[key], b[key]) for a, b in zip(from_set, on_the_fly, strict=True) for key in a]
    if not all(np.array_equal(*pair) for pair in pairs):
        raise ValueError("the two sides do not give the same batches")
    print(f"both sides give the same {count} batches; of ours 0 edge maps were computed, of theirs {len(computed)}")


def _parts(prepared_set: pathlib.Path, config: Config) -> dict[str, float]:
    """What takes the time of an example: name -> seconds."""
    opened = format.open_records(prepared_set, READER, READER.options(config))
    files: Any = opened.data
    drawing = READER.drawing(config, True)
    rng, first = np.random.default_rng(0), opened[0]
    raw = _median(lambda i: files.data.data_source[i % len(opened)])
    return {
        "reading and decompressing": raw,
        "parsing (TFDS)": max(0.0, _median(lambda i: opened[i % len(opened)]) - raw),
        "drawing the mask, flipping": _median(lambda i: READER.draw(rng, first, {}, drawing)),
    }


def _median(work: Callable[[int], object]) -> float:
    """Seconds of this process for a call with each of the first numbers."""
    seconds = []
    for number in range(_EXAMPLES):
        begun = time.process_time()
        work(number)
        seconds.append(time.process_time() - begun)
    return statistics.median(seconds)
