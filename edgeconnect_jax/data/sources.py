"""Sources of pictures: folders, file lists, TFDS, the photographs that come with scikit-image, and drawn scenes.

A source is a sequence of named uint8 [H, W, 3] pictures, decoded on demand. It can be pickled for worker processes.
"""

import dataclasses
import os
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import skimage.data

from edgeconnect_jax.data.scenes import source as scenes
from edgeconnect_jax.images.files import IMAGE_SUFFIXES, list_images, read_rgb8

LIST_SUFFIXES = (".flist", ".txt")
_TFDS_PREFIX = "tfds:"
_SKIMAGE_PREFIX = "skimage:"
# Prefixes of sources that are neither files nor folders.
PREFIXES = (_TFDS_PREFIX, _SKIMAGE_PREFIX, scenes.PREFIX)

# Photographs packaged with scikit-image. The held-out ones are natural, in colour and show nothing from the training
# set; gray ones are replicated to three channels.
SKIMAGE_PHOTOGRAPHS = {
    "train": (
        "astronaut.png",
        "brick.png",
        "camera.png",
        "grass.png",
        "gravel.png",
        "hubble_deep_field.jpg",
        "ihc.png",
        "motorcycle_left.png",
        "motorcycle_right.png",
        "retina.jpg",
        "rocket.jpg",
    ),
    "validation": ("chelsea.png", "coffee.png"),
}


class Source(Protocol):
    """A sequence of pictures."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> np.ndarray:
        """The picture, uint8 [H, W, 3]."""
        ...

    def name(self, index: int) -> str:
        """The name of the picture in error messages; the path of a file."""
        ...

    def identity(self, index: int) -> str:
        """A line that changes with the name or size of the picture's file; the contents are not read."""
        ...


@runtime_checkable
class MappedSource(Source, Protocol):
    """A sequence of pictures that knows what each pixel shows."""

    def maps(self, index: int) -> Mapping[str, np.ndarray]:
        """Name -> map of the picture, int32 [H, W, 1], from 0 to 65,535."""
        ...

    def facts(self, index: int) -> Any:
        """Further facts about the picture, as JSON has them."""
        ...

    def legend(self) -> Any:
        """What the values of the maps mean, as JSON has it."""
        ...


@dataclasses.dataclass(frozen=True)
class FileSource:
    """Pictures in files."""

    paths: Sequence[pathlib.Path]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        return read_rgb8(self.paths[index])

    def name(self, index: int) -> str:
        return str(self.paths[index])

    def identity(self, index: int) -> str:
        return file_identity(self.paths[index])


@dataclasses.dataclass(frozen=True)
class Subset:
    """Some pictures of another source."""

    source: Source
    indices: Sequence[int]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.source[self.indices[index]]

    def name(self, index: int) -> str:
        return self.source.name(self.indices[index])

    def identity(self, index: int) -> str:
        return self.source.identity(self.indices[index])


@dataclasses.dataclass(frozen=True)
class TfdsSource:
    """Pictures of a prepared TFDS split: the feature "image", encoded or as an array."""

    spec: str
    version: str
    data: Sequence[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> np.ndarray:
        image = self.data[index]["image"]
        if isinstance(image, bytes):
            return read_rgb8(image, self.name(index))
        return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))

    def name(self, index: int) -> str:
        return f"{self.spec}[{index}]"

    def identity(self, index: int) -> str:
        return f"{self.name(index)} {self.version}"


def file_identity(path: pathlib.Path) -> str:
    """The name and size of a file; only the name if the file does not exist."""
    try:
        return f"{path.name} {path.stat().st_size}"
    except OSError:
        return path.name


def open_source(spec: str, tfds_dir: str = "", split: str = "train") -> Source:
    """Opens a set of pictures.

    Args:
        spec: a folder (with its sub-folders), a file list (.flist or .txt, one path per line, relative to the list's
            folder or, as in the original, to the current folder), one picture, "tfds:NAME" or "tfds:NAME/CONFIG",
            optionally followed by ":SPLIT", "skimage:train", "skimage:validation", or "scenes:SPLIT" (`scenes.source`).
        tfds_dir: data directory of TFDS; "" is TFDS's default.
        split: the TFDS split if `spec` names none.

    Returns:
        The pictures, always in the same order.

    Raises:
        ValueError: the source cannot be read; names the reason and, for a list, every missing file.
    """
    if not spec:
        raise ValueError("no pictures given: set it to a folder, a file list, tfds:NAME or a prepared set")
    if spec.startswith(_TFDS_PREFIX):
        return _open_tfds(spec, tfds_dir, split)
    if spec.startswith(_SKIMAGE_PREFIX):
        return _open_skimage(spec)
    if spec.startswith(scenes.PREFIX):
        return scenes.open_scenes(spec)
    return FileSource(list_files(spec))


def list_files(spec: str | os.PathLike) -> list[pathlib.Path]:
    """The picture files of a folder (with its sub-folders) or a file list, or the one file itself.

    Raises:
        ValueError: the source cannot be read, or files of a list are missing; names all of them.
    """
    path = pathlib.Path(spec)
    if path.is_dir():
        return list_images(path)
    if not path.is_file():
        raise ValueError(f"{spec}: no such folder or file list")
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return [path]
    if path.suffix.lower() not in LIST_SUFFIXES:
        raise ValueError(f"{spec}: neither a picture nor a file list; lists end in {' or '.join(LIST_SUFFIXES)}")
    return _read_list(path)


def _read_list(path: pathlib.Path) -> list[pathlib.Path]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a file list in UTF-8 ({error.reason})") from error
    entries = [line.strip() for line in lines if line.strip()]
    if not entries:
        raise ValueError(f"{path}: an empty file list")
    # The list's own folder comes first, so that a set can be moved as a whole; the original uses only the current
    # folder.
    folders = (path.parent, pathlib.Path.cwd())
    found = [next((folder / x for folder in folders if (folder / x).is_file()), None) for x in entries]
    missing = [entry for entry, file in zip(entries, found, strict=True) if file is None]
    if missing:
        raise ValueError(
            f"{path}: {len(missing)} of {len(entries)} files are missing (relative paths were searched in the "
            f"list's folder {path.parent.resolve()} and in the current folder {folders[1]}):\n" + "\n".join(missing)
        )
    return [file for file in found if file is not None]


def _open_skimage(spec: str) -> FileSource:
    names = SKIMAGE_PHOTOGRAPHS.get(spec.removeprefix(_SKIMAGE_PREFIX))
    if names is None:
        known = ", ".join(_SKIMAGE_PREFIX + split for split in SKIMAGE_PHOTOGRAPHS)
        raise ValueError(f"{spec}: no such set of photographs; known: {known}")
    folder = pathlib.Path(skimage.data.__file__).parent
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{spec}: this version of scikit-image comes without {', '.join(missing)}; update it")
    return FileSource([folder / name for name in names])


def _open_tfds(spec: str, tfds_dir: str, split: str) -> TfdsSource:
    parts = re.fullmatch(r"tfds:([^:]+)(?::(.+))?", spec)
    if parts is None:
        raise ValueError(f"{spec}: write tfds:NAME or tfds:NAME/CONFIG, optionally followed by :SPLIT")
    name, split = parts[1], parts[2] or split
    # Imported here because the import takes a second and other sources do not need it.
    import tensorflow_datasets as tfds

    prepare = f"pip install 'edgeconnect_jax[tfds]', then tfds build {name} --file_format=array_record" + (
        f" --data_dir={tfds_dir}" if tfds_dir else ""
    )
    try:
        builder: Any = tfds.builder(name, data_dir=tfds_dir or None, try_gcs=False)
    except (tfds.core.DatasetNotFoundError, ImportError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"{spec}: TFDS cannot open it ({reason}). If TFDS provides this dataset: {prepare}") from error
    if not builder.is_prepared():
        raise ValueError(f"{spec}: not prepared in {builder.data_dir}. To prepare it: {prepare}")
    features = builder.info.features
    if "image" not in features:
        raise ValueError(f'{spec}: its examples have no feature "image", so it cannot be used here')
    if split not in builder.info.splits and not re.search(r"[\[+]|^all$", split):
        known = ", ".join(builder.info.splits)
        raise ValueError(f"{spec}: has no split {split!r}; append one of its splits, as in tfds:{name}:train ({known})")
    # Keep pictures encoded, so that they are decoded like all others.
    decoders = {"image": tfds.decode.SkipDecoding()} if isinstance(features["image"], tfds.features.Image) else None
    try:
        data = builder.as_data_source(split, decoders=decoders)
    except NotImplementedError as error:
        raise ValueError(
            f"{spec}: prepared in a format without random access; remove {builder.data_dir}, then {prepare}"
        ) from error
    return TfdsSource(f"tfds:{name}:{split}", str(builder.version), data)
