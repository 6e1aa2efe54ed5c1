"""Prepared sets: folders of stored records and their descriptions.

A set is a folder with::

    prepared.json   the options and the input of the preparation, and whether it is finished
    images/         the records, a TFDS dataset in ArrayRecord files
    masks/          a set of masks to draw from, if any, in the same format; likewise for every pool of a system

The datasets can be read with `tfds.builder_from_directory(FOLDER / "images").as_data_source("train")`.

Pixels are stored raw and compressed by ArrayRecord: at 256 x 256 a record takes 1.4 times the space of PNG, but only
0.27 ms on one core to read and decompress, while PNG takes 1.8 ms.
"""

import dataclasses
import json
import os
import pathlib
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeconnect_jax.data.reader import Field, Options, Partner, Reader, Record
from edgeconnect_jax.host.files import write_whole

MANIFEST = "prepared.json"
IMAGES = "images"
# TFDS requires a split for every example; a prepared set always has this one, whatever its use.
SPLIT = "train"

# The names in the descriptions written by TFDS: the classes of `features`, and the pattern of the files.
_FEATURE_CLASSES = (
    "tensorflow_datasets.core.features.features_dict.FeaturesDict",
    "tensorflow_datasets.core.features.tensor_feature.Tensor",
    "tensorflow_datasets.core.features.text_feature.Text",
)
_FILES = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
_POOLS = "pools"


@dataclasses.dataclass(frozen=True)
class Manifest:
    """The contents of prepared.json.

    Attributes:
        options: options of the records, as a dict.
        images: number of pictures.
        pools: dataset of a pool -> number of its files, 0 for none. prepared.json has one entry per pool, such as
            "masks".
        shards: number of files over which the pictures are spread; an upper limit for pools.
        fingerprints: name of each file -> a hash of the names and sizes of its input files.
        finished: whether the set is complete.
        left_out: problems of the skipped pictures and other files, which are counted above; one sentence each.
    """

    options: dict[str, Any]
    images: int
    pools: dict[str, int]
    shards: int
    fingerprints: dict[str, str] = dataclasses.field(default_factory=dict)
    finished: bool = False
    left_out: list[str] = dataclasses.field(default_factory=list)

    def write(self, folder: pathlib.Path) -> None:
        """Writes prepared.json, whole or not at all."""
        entries = dataclasses.asdict(self).items()
        flat = [pair for key, value in entries for pair in (value.items() if key == _POOLS else [(key, value)])]
        write_whole(folder / MANIFEST, json.dumps(dict(flat), indent=2) + "\n")


def is_prepared(spec: str | os.PathLike) -> bool:
    """Whether this is the folder of a finished or unfinished prepared set."""
    return bool(spec) and (pathlib.Path(spec) / MANIFEST).is_file()


def read_manifest(folder: str | os.PathLike) -> Manifest:
    """Reads prepared.json.

    Raises:
        ValueError: the file cannot be read, or was written by an incompatible version of this package.
    """
    path = pathlib.Path(folder) / MANIFEST
    try:
        stored = dict(json.loads(path.read_text(encoding="utf-8")))
        known = {field.name for field in dataclasses.fields(Manifest)} - {_POOLS}
        pools = {key: int(stored.pop(key)) for key in [*stored] if key not in known}
        return Manifest(**stored, pools=pools)
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: not the description of a prepared set ({error}); prepare it again") from error


def dataset_of(field: str) -> str:
    """The dataset, that is, the folder of a set, with the pool of a field: "masks" for "mask"."""
    return f"{field}s"


def features(fields: Mapping[str, Field]) -> Any:
    """The TFDS features of a dataset whose examples have these fields and a name."""
    import tensorflow_datasets as tfds

    def pixels(field: Field) -> Any:
        shape = (None, None, field.channels)
        return tfds.features.Tensor(shape=shape, dtype=np.dtype(field.dtype).type, encoding="bytes")

    columns = {name: pixels(field) for name, field in fields.items()}
    return tfds.features.FeaturesDict(columns | {"name": tfds.features.Text()})


def write_metadata(
    folder: pathlib.Path, dataset: str, lengths: dict[pathlib.Path, int], fields: Mapping[str, Field]
) -> None:
    """Writes TFDS's metadata of a dataset, features.json and dataset_info.json, each whole or not at all.

    Args:
        folder: folder of the dataset.
        dataset: name of the dataset.
        lengths: the number of examples in each of its files, in order.
        fields: fields of its examples.
    """
    import tensorflow_datasets as tfds

    size = sum(path.stat().st_size for path in lengths)
    split = tfds.core.SplitInfo(name=SPLIT, shard_lengths=list(lengths.values()), num_bytes=size)
    with tempfile.TemporaryDirectory() as scratch:
        for path in lengths:  # TFDS derives the dataset's name from its files
            pathlib.Path(scratch, path.name).touch()
        tfds.folder_dataset.write_metadata(
            data_dir=scratch,
            features=features(fields),
            split_infos=[split],
            version="1.0.0",
            check_data=False,  # the check would import TensorFlow
            description=f"{dataset}, prepared by edgeconnect_jax",
        )
        for path in pathlib.Path(scratch).glob("*.json"):
            write_whole(folder / path.name, path.read_bytes())


@dataclasses.dataclass(frozen=True)
class PreparedRecords(Sequence[Record]):
    """Records read from a prepared set.

    Attributes:
        data: stored examples.
        fields: fields of a record; the set may store more.
    """

    data: Sequence[dict[str, Any]]
    fields: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> Record:  # pyright: ignore[reportIncompatibleMethodOverride]
        stored = self.data[index]
        return {field: stored[field] for field in self.fields}

    def name(self, index: int) -> str:
        """The name of the picture in error messages: that of its file."""
        return self.data[index]["name"].decode()


@dataclasses.dataclass(frozen=True)
class PreparedPool(Sequence[np.ndarray]):
    """The arrays [H, W, C] of a set to draw from, read from a prepared set."""

    data: Sequence[dict[str, Any]]
    field: str

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.data[index][self.field]


def open_records(folder: str | os.PathLike, reader: Reader, options: Options) -> PreparedRecords:
    """Opens the records of a prepared set.

    Raises:
        ValueError: the set is unfinished, or was prepared with different options; names each of them.
    """
    prepared, wanted = _finished(folder).options, reader.stored(options)
    # An extra stored field is harmless.
    wanted |= {extra: prepared.get(extra) for extra in reader.extras if not wanted[extra]}
    _check_options(folder, reader, prepared, wanted)
    return PreparedRecords(_data_source(folder, IMAGES), tuple(reader.fields(options)))


def left_out(folder: str | os.PathLike) -> list[str]:
    """The names of the pictures and other files that a prepared set lacks."""
    return [line.partition(": ")[0] for line in read_manifest(folder).left_out]


def open_pool(folder: str | os.PathLike, reader: Reader, options: Options, partner: Partner) -> PreparedPool:
    """Opens a pool of a prepared set.

    Raises:
        ValueError: the set is unfinished, does not contain this pool, or was prepared with different options.
    """
    manifest, dataset = _finished(folder), dataset_of(partner.field)
    if not manifest.pools.get(dataset):
        raise ValueError(f"{folder}: prepared without {partner.what}s to draw from; prepare it with --{dataset}")
    wanted = {name: getattr(options, name) for name in reader.pool_fields[partner.field].options}
    _check_options(folder, reader, manifest.options, wanted)
    return PreparedPool(_data_source(folder, dataset), partner.field)


def _finished(folder: str | os.PathLike) -> Manifest:
    manifest = read_manifest(folder)
    if not manifest.finished:
        raise ValueError(
            f"{folder}: its preparation is not finished; run scripts/prepare_data.py again with the same arguments "
            "to resume it"
        )
    return manifest


def _check_options(
    folder: str | os.PathLike, reader: Reader, prepared: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    different = [
        f"  {reader.option_names.get(key, key)}: prepared with {prepared.get(key)!r}, the configuration says {value!r}"
        for key, value in wanted.items()
        if prepared.get(key) != value
    ]
    if different:
        raise ValueError(
            f"{folder}: prepared with different options; change the configuration, or prepare another folder:\n"
            + "\n".join(different)
        )


@dataclasses.dataclass(frozen=True)
class _Examples(Sequence[dict[str, Any]]):
    """The examples of a dataset; errors name the example that cannot be read."""

    folder: pathlib.Path
    data: Sequence[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Any]:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            return self.data[index]
        except Exception as error:  # ArrayRecord, TFDS and protobuf raise many types
            raise _corrupted(self.folder, f"example {index}: {error}") from error


def _data_source(folder: str | os.PathLike, dataset: str) -> Sequence[dict[str, Any]]:
    import tensorflow_datasets as tfds

    path = pathlib.Path(folder) / dataset
    _check_description(path)
    try:
        builder: Any = tfds.builder_from_directory(path)
        data = builder.as_data_source(SPLIT)
        len(data)  # opens the files
    except Exception as error:
        raise _corrupted(path, error) from error
    return _Examples(path, data)


def _corrupted(path: pathlib.Path, reason: object) -> ValueError:
    cause = (str(reason) or type(reason).__name__).splitlines()[0][:200]
    return ValueError(f"{path}: a corrupted part of a prepared set ({cause}); remove the set and prepare it again")


def _check_description(path: pathlib.Path) -> None:
    """Raises ValueError if the metadata of a dataset contains names that `write_metadata` never writes.

    TFDS imports the modules of the classes named in features.json, which could run untrusted code, and reads the files
    named in dataset_info.json, wherever they are.
    """
    try:
        stored = json.loads((path / "features.json").read_text(encoding="utf-8"))
        splits = json.loads((path / "dataset_info.json").read_text(encoding="utf-8"))["splits"]
        classes = [stored["pythonClassName"]]
        classes += [feature["pythonClassName"] for feature in stored["featuresDict"]["features"].values()]
        files = [split["filepathTemplate"] for split in splits]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _corrupted(path, error) from error
    foreign = [name for name in classes if name not in _FEATURE_CLASSES] + [name for name in files if name != _FILES]
    if foreign:
        raise ValueError(f"{path}: contains unexpected names ({', '.join(map(str, foreign))}); prepare the set again")
