"""What a system declares about its data: the files of a record, how they are read, and how examples are drawn.

The rooms `data` and `data.prepared` do the rest, for every system alike: they match files by stem, list what is
missing, read in threads and worker processes, keep records in memory, store them, and batch examples.

Nothing here, and nothing in a system's `data`, imports JAX: worker processes run it. All of it can be pickled.
"""

import argparse
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

# "train", "validation" or "test".
Role: TypeAlias = str

# Field -> array [H, W, C]. uint8 holds values, in [0, 1] on the device; int32 holds labels and ids, unchanged there.
Record: TypeAlias = dict[str, np.ndarray]
Example: TypeAlias = dict[str, np.ndarray]

# Field -> arrays [H, W, C] of a set to draw from.
Pools: TypeAlias = Mapping[str, Sequence[np.ndarray]]

# A NamedTuple of text, numbers, booleans and None: what JSON stores and returns unchanged.
Options: TypeAlias = Any


class Field(NamedTuple):
    """How an array [H, W, C] is stored.

    Attributes:
        dtype: "uint8" or "int32".
        channels: None = any number.
    """

    dtype: str
    channels: int | None


class PoolField(NamedTuple):
    """How the arrays of a pool are stored.

    Attributes:
        stored: dtype and channels.
        options: names of the record options that the arrays depend on. A prepared pool may serve records whose other
            options differ from its own.
    """

    stored: Field
    options: tuple[str, ...] = ()


class Partner(NamedTuple):
    """Files that belong to the pictures (matched by stem), or a set of files to draw from.

    Attributes:
        field: of the record (of a pool: of `Pools`) that they become.
        what: one of them, in words: "edge map".
        files: a folder or a file list; "" where none is given.
        option: names `files`, for messages: "edges.train", "--edges".
        reason: the option that asks for them: 'edges.source="external"'.
    """

    field: str
    what: str
    files: str
    option: str
    reason: str


def missing(partner: Partner) -> str:
    """What is wrong with a partner without files, and the remedy."""
    return f"{partner.option} is empty, but {partner.reason} needs {partner.what}s: name a folder or a file list"


class Files(NamedTuple):
    """What one record is read from.

    Attributes:
        picture: decoded, uint8 [H, W, 3] RGB.
        name: what errors call the picture.
        partners: field -> path, of every partner.
    """

    picture: np.ndarray
    name: str
    partners: Mapping[str, pathlib.Path]


class Preparation(NamedTuple):
    """What a set is prepared with.

    Attributes:
        options: of its records.
        partners: files matched with the pictures.
        pools: sets of files to draw from.
    """

    options: Options
    partners: Sequence[Partner]
    pools: Sequence[Partner]


class Preparing(NamedTuple):
    """How `scripts/prepare_data.py` learns from the command line what to prepare.

    Attributes:
        add_arguments: declares the system's own options. That of a pool is called after its field: --masks for "mask".
        preparation: what they ask for; ValueError for conflicting ones.
    """

    add_arguments: Callable[[argparse.ArgumentParser], None]
    preparation: Callable[[argparse.Namespace], Preparation]


def _same(options: Options, record: Record) -> Record:
    return record


def _no_partners(config: Any, role: Role) -> Sequence[Partner]:
    return ()


def _no_pool(options: Options, field: str, path: pathlib.Path) -> np.ndarray:
    raise AssertionError(f"no pool {field!r} was declared")


def _any_size(options: Options) -> None:
    return None


def _one_size(options: Options) -> bool:
    return True


class Reader(NamedTuple):
    """The data of a system.

    Attributes:
        options: (configuration) -> what a record depends on; stored in prepared.json and compared there.
        option_names: field of `options` -> the option of the configuration that it comes from, for messages.
        fields: (options) -> field -> how it is stored. "image" is among them.
        read: (options, files) -> record, as far as it comes from files. Deterministic; ValueError names the file.
        drawing: (configuration, training) -> what `draw` depends on besides; `training` is False for validation, which
            is neither mirrored nor recoloured.
        draw: (random generator, record, pools, what `drawing` returned) -> example. All that is random, in a fixed
            order; the same for stored and unstored records.
        partners: (configuration, role) -> files matched with each picture by stem.
        pools: (configuration, role) -> sets of files that examples draw from.
        pool_fields: field -> how a pool is stored, of every pool there may be.
        read_pool: (options, field, path) -> an array [H, W, C] of a pool; ValueError names the file.
        complete: (options, record) -> record with what is computed from it, such as Canny's edges: apart from `read`,
            for whoever only wants to know whether the files can be used.
        size_problem: (options) -> None where a picture of any size will do; else ((height, width), name) -> what is
            wrong with a picture of this size, "" if nothing.
        one_size: (options) -> whether all examples have the same size; else they are validated one by one.
        extras: options that only add a field, which a prepared set may hold unasked.
        preparing: the command line of `scripts/prepare_data.py`; None = sets are not prepared.
    """

    options: Callable[[Any], Options]
    option_names: Mapping[str, str]
    fields: Callable[[Options], Mapping[str, Field]]
    read: Callable[[Options, Files], Record]
    drawing: Callable[[Any, bool], Any]
    draw: Callable[[np.random.Generator, Record, Pools, Any], Example]
    partners: Callable[[Any, Role], Sequence[Partner]] = _no_partners
    pools: Callable[[Any, Role], Sequence[Partner]] = _no_partners
    pool_fields: Mapping[str, PoolField] = {}
    read_pool: Callable[[Options, str, pathlib.Path], np.ndarray] = _no_pool
    complete: Callable[[Options, Record], Record] = _same
    size_problem: Callable[[Options], Callable[[tuple[int, int], str], str] | None] = _any_size
    one_size: Callable[[Options], bool] = _one_size
    extras: tuple[str, ...] = ()
    preparing: Preparing | None = None
