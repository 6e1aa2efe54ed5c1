"""The deterministic part of an example: a picture and its edge map at the size that training wants.

It is computed here, either on the fly or once by `prepare`, which stores exactly this. What is random is
drawn from a record afterwards, by `examples`.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from edgeconnect_jax.data import masks, sources
from edgeconnect_jax.images import edges
from edgeconnect_jax.images.files import centre_square, picture_size, read_gray8, resize_bilinear

# The generators halve a side twice and double it twice.
SIDE_MULTIPLE = 4
# The discriminator halves a side three times and then slides two 4 x 4 windows over it: below this side its
# output is empty, and every loss made of it is undefined.
SMALLEST_SIDE = 24


class RecordOptions(NamedTuple):
    """The options that a record depends on, each at a neutral value where it has no effect.

    Attributes:
      image_size: side in pixels, 0 = the picture's own size, cut to multiples of 4.
      crop: "center" or "random".
      short_side: of the whole picture before a random crop, 0 = as it is.
      edges: "canny" or "external".
      sigma: of Canny; None where Canny is not used.
      nms: whether external edge maps are thinned to Canny's lines.
      paired_masks: whether a record holds the picture's own mask.
    """

    image_size: int
    crop: str
    short_side: int
    edges: str
    sigma: float | None
    nms: bool
    paired_masks: bool

    @classmethod
    def create(
        cls,
        image_size: int,
        crop: str,
        short_side: int,
        edges: str,
        sigma: float,
        nms: bool,
        paired_masks: bool,
    ) -> "RecordOptions":
        """Checked options, neutral where they have no effect.

        Raises:
          ValueError: they do not go together; lists every problem.
        """
        random_crop = crop == "random" and image_size != 0
        external = edges == "external"
        options = cls(
            image_size=image_size,
            crop=crop if image_size else "center",
            short_side=short_side if random_crop else 0,
            edges=edges,
            sigma=None if external and not nms else float(sigma),
            nms=external and nms,
            paired_masks=paired_masks,
        )
        problems = options.problems()
        if problems:
            raise ValueError("\n".join(problems))
        return options

    @classmethod
    def from_config(cls, config: Any) -> "RecordOptions":
        """The options of a configuration (its groups data, edges and masks); see `create`."""
        return cls.create(
            image_size=config.data.image_size,
            crop=config.data.crop,
            short_side=config.data.short_side,
            edges=config.edges.source,
            sigma=config.edges.sigma,
            nms=config.edges.nms,
            paired_masks=config.masks.kind == "paired",
        )

    @property
    def has_edges(self) -> bool:
        """Whether a record holds edge maps at all."""
        return self.edges == "external" or self.sigma != -1

    def problems(self) -> list[str]:
        """What is wrong with the options, a sentence each."""
        found = []
        if self.image_size < 0 or self.image_size % SIDE_MULTIPLE:
            found.append(f"data.image_size={self.image_size}: not 0 or a positive multiple of {SIDE_MULTIPLE}")
        if self.crop not in ("center", "random"):
            found.append(f'data.crop={self.crop!r}: neither "center" nor "random"')
        if self.short_side and self.short_side < self.image_size:
            found.append(f"data.short_side={self.short_side}: smaller than data.image_size={self.image_size}")
        if self.edges not in ("canny", "external"):
            found.append(f'edges.source={self.edges!r}: neither "canny" nor "external"')
        if self.sigma is not None and self.sigma < 0 and self.sigma != -1:
            found.append(f"edges.sigma={self.sigma}: not positive, 0 (random) or -1 (no edges)")
        return found


class Record(NamedTuple):
    """A picture ready for what is random.

    Attributes:
      image: uint8 [H, W, 3].
      edges: uint8 [H, W, K], 255 = edge: the maps to choose from, K = 0 for no edges.
      mask: uint8 [H, W], 255 = hole: the picture's own, or None.
    """

    image: np.ndarray
    edges: np.ndarray
    mask: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class ComputedRecords(Sequence[Record]):
    """Records computed from pictures when they are asked for.

    Attributes:
      source: the pictures.
      options: how to treat them.
      edge_paths: external edge maps in the pictures' order; None for Canny's.
      mask_paths: the pictures' own masks in their order, or None.
    """

    source: sources.Source
    options: RecordOptions
    edge_paths: Sequence[pathlib.Path] | None = None
    mask_paths: Sequence[pathlib.Path] | None = None

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Record:  # pyright: ignore[reportIncompatibleMethodOverride]
        record = self.read(index)
        if self.edge_paths is not None:
            return record
        return record._replace(edges=edges.canny_maps(edges.to_gray(record.image), self.options.sigma or 0))

    def read(self, index: int) -> Record:
        """A record as far as it comes from files: without the edges that Canny would find (K = 0).

        Raises:
          ValueError: a file of it cannot be read, or the picture is too small.
        """
        picture = self.source[index]
        image = _fit_image(picture, self.options, self.source.name(index))
        # A picture that keeps its size is cut at the bottom and right: so are its maps, resized to it as it
        # was.
        full = image.shape[:2] if self.options.image_size else picture.shape[:2]
        cut = np.s_[: image.shape[0], : image.shape[1]]
        maps = np.zeros((*image.shape[:2], 0), np.uint8)
        if self.edge_paths is not None:
            maps = self._external_edges(self.edge_paths[index], image, full, cut)[..., None]
        mask = None
        if self.mask_paths is not None:
            mask = masks.binary(read_gray8(self.mask_paths[index]), *full)[cut]
        return Record(image, maps, mask)

    def select(self, indices: Sequence[int]) -> "ComputedRecords":
        """Some of the records, in the order of `indices`."""
        chosen = [
            None if paths is None else [paths[i] for i in indices] for paths in (self.edge_paths, self.mask_paths)
        ]
        return ComputedRecords(sources.Subset(self.source, indices), self.options, *chosen)

    def identity(self, index: int) -> str:
        """Lines that change when a file of the record does, by names and sizes."""
        partners = [paths[index] for paths in (self.edge_paths, self.mask_paths) if paths is not None]
        return "\n".join([self.source.identity(index), *map(sources.file_identity, partners)])

    def name(self, index: int) -> str:
        """What errors call the picture."""
        return self.source.name(index)

    def _external_edges(
        self, path: pathlib.Path, image: np.ndarray, full: tuple[int, ...], cut: tuple[slice, slice]
    ) -> np.ndarray:
        edge = read_gray8(path)
        if self.options.image_size and self.options.crop == "center":
            edge = centre_square(edge)
        edge = resize_bilinear(edge, *full)[cut]
        return edges.thin(edge, edges.to_gray(image), self.options.sigma or 0) if self.options.nms else edge


def _fit_image(picture: np.ndarray, options: RecordOptions, name: str) -> np.ndarray:
    """Crops and resizes a picture as far as that is not random."""
    height, width = picture.shape[:2]
    size = options.image_size
    if size == 0:
        _check_own_size(height, width, name)
        return picture[: height - height % SIDE_MULTIPLE, : width - width % SIDE_MULTIPLE]
    if options.crop == "center":
        return resize_bilinear(centre_square(picture), size, size)
    if options.short_side:
        scale = options.short_side / min(height, width)
        height, width = round(height * scale), round(width * scale)
    _check_crop(height, width, size, name)
    return resize_bilinear(picture, height, width)


def _check_own_size(height: int, width: int, name: str) -> None:
    if min(height, width) < SMALLEST_SIDE:
        raise ValueError(
            f"{name}: {width} x {height} pixels is too small for the discriminator with data.image_size=0; leave out "
            f"pictures with a side under {SMALLEST_SIDE}, or set data.image_size"
        )


def _check_crop(height: int, width: int, size: int, name: str) -> None:
    if min(height, width) < size:
        raise ValueError(
            f"{name}: {width} x {height} pixels is too small for a crop of data.image_size={size}; "
            f"set data.short_side to {size} or more, or leave the picture out"
        )


@dataclasses.dataclass(frozen=True)
class ExternalMasks(Sequence[np.ndarray]):
    """A set of masks to draw from: uint8 [h, w], 255 = hole.

    With image_size they are square-cropped and resized to it; without, they are as the file has them, and
    drawn at each picture's size.
    """

    paths: Sequence[pathlib.Path]
    image_size: int

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:  # pyright: ignore[reportIncompatibleMethodOverride]
        mask = read_gray8(self.paths[index])
        if self.image_size == 0:
            return mask
        return masks.binary(centre_square(mask), self.image_size, self.image_size)

    def name(self, index: int) -> str:
        """What errors call the mask: its path."""
        return str(self.paths[index])

    def read(self, index: int) -> np.ndarray:
        """The mask; raises ValueError where it cannot be read."""
        return self[index]

    def select(self, indices: Sequence[int]) -> "ExternalMasks":
        """Some of the masks, in the order of `indices`."""
        return ExternalMasks([self.paths[index] for index in indices], self.image_size)

    def identity(self, index: int) -> str:
        """A line that changes when the file does, by name and size."""
        return sources.file_identity(self.paths[index])


def compute_records(
    options: RecordOptions,
    source: sources.Source,
    edges_spec: str = "",
    masks_spec: str = "",
    *,
    check_sizes: bool = True,
) -> ComputedRecords:
    """Matches pictures with their edge maps and masks.

    Args:
      options: how to treat them.
      source: the pictures.
      edges_spec: folder or file list of edge maps, where `options.edges` is "external".
      masks_spec: folder or file list of the pictures' own masks, where `options.paired_masks`.
      check_sizes: look for pictures that are too small, where the options do not enlarge them, at once instead of when
        they are read; that opens all of them.

    Returns:
      The records, computed when asked for.

    Raises:
      ValueError: a set is missing, a picture's partner is, or pictures are too small; names all of them.
    """
    if check_sizes:
        _check_sizes(options, source)
    edge_paths = mask_paths = None
    if options.edges == "external":
        edge_paths = _partners(source, edges_spec, "edge map", "edges.source")
    if options.paired_masks:
        mask_paths = _partners(source, masks_spec, "mask", "masks.kind")
    return ComputedRecords(source, options, edge_paths, mask_paths)


def _check_sizes(options: RecordOptions, source: sources.Source) -> None:
    """Finds the pictures that are too small, where nothing makes all of them large enough."""
    resized = options.image_size and (options.crop == "center" or options.short_side)
    if resized or not isinstance(source, sources.FileSource):
        return
    problems = []
    for path in source.paths:
        try:
            size = picture_size(path)
            if options.image_size:
                _check_crop(*size, options.image_size, str(path))
            else:
                _check_own_size(*size, str(path))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise ValueError("\n".join(problems))


def _partners(source: sources.Source, spec: str, what: str, option: str) -> list[pathlib.Path]:
    if not spec:
        raise ValueError(f"{option} asks for a set of {what}s, but none is given; name a folder or a file list")
    if isinstance(source, sources.TfdsSource):
        raise ValueError(f"{source.spec}: its pictures have no file names, so no {what} can be matched with them")
    names = (source.name(index) for index in range(len(source)))
    return sources.match_by_stem(names, sources.list_files(spec), what)
