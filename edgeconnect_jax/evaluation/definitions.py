"""Every metric there is, and what exactly it means. The only home of names, units and definitions."""

from collections.abc import Mapping
from typing import NamedTuple

from edgeconnect_jax.metrics import uint8
from edgeconnect_jax.systems.edgeconnect import legacy


class Definition(NamedTuple):
    """One metric.

    Attributes:
        key: in files.
        group: what the option --metrics calls it, with others that are measured together.
        name: in tables; says which definition it is.
        sentence: the definition. Fields in braces (threshold, sigma) are those of `Settings`.
        unit: of the value; empty for a plain number.
        higher_is_better: which way it goes; None for a figure that others are compared with.
        decimals: in tables.
    """

    key: str
    group: str
    name: str
    sentence: str
    unit: str
    higher_is_better: bool | None
    decimals: int


_PSNR = "10 log10(255^2 / mean squared error) of 8-bit RGB"
_FINITE = "mean over pictures, those equal to the truth left out"
_SSIM = (
    "structural similarity of 8-bit RGB, channel by channel: Gaussian window 11 x 11 with deviation 1.5, K1 0.01, K2 "
    "0.03, data range 255, population covariances (use_sample_covariance=False)"
)
_L1 = "mean absolute error of 8-bit RGB in percent of 255"
_INSIDE = "over the pixels of the hole only"
_EDGES = "in the hole, predicted edges above {threshold:g} against scikit-image's Canny (sigma {sigma:g}) of the truth"
_CHANCE = "of a map that marks as many of the holes' pixels as the predicted one does, anywhere"
_GRAY = "as EdgeConnect's metrics.py: of gray pictures in [0, 1]"
_IDS = "LinearSVC(dual=False) fitted to the Inception features of all true and output pictures (CoModGAN)"

_TABLE = (
    Definition("psnr", "psnr", "PSNR (RGB)", f"{_PSNR}, whole picture; {_FINITE}", "dB", True, 3),
    Definition("psnr_hole", "psnr", "PSNR (RGB), hole", f"{_PSNR}, {_INSIDE}; {_FINITE}", "dB", True, 3),
    Definition(
        "ssim",
        "ssim",
        "SSIM (Gaussian 11/1.5, RGB)",
        f"{_SSIM}; mean of the map without five border pixels, as scikit-image; mean over pictures",
        "",
        True,
        4,
    ),
    Definition(
        "ssim_hole",
        "ssim",
        "SSIM (Gaussian 11/1.5, RGB), hole",
        f"{_SSIM}; mean of the map over the pixels of the hole; mean over pictures",
        "",
        True,
        4,
    ),
    Definition("l1", "l1", "L1 (MAE, RGB)", f"{_L1}, whole picture; mean over pictures", "%", False, 3),
    Definition("l1_hole", "l1", "L1 (MAE, RGB), hole", f"{_L1}, {_INSIDE}; mean over pictures", "%", False, 3),
    Definition(
        "edge_precision",
        "edges",
        "edge precision, set",
        f"share of the predicted edge pixels that are true, {_EDGES}; over all pixels of the set",
        "",
        True,
        4,
    ),
    Definition(
        "edge_recall",
        "edges",
        "edge recall, set",
        f"share of the true edge pixels that are predicted, {_EDGES}; over all pixels of the set",
        "",
        True,
        4,
    ),
    Definition(
        "edge_precision_picture",
        "edges",
        "edge precision, mean of pictures",
        f"share of the predicted edge pixels that are true, {_EDGES}; mean over the pictures with a predicted edge",
        "",
        True,
        4,
    ),
    Definition(
        "edge_recall_picture",
        "edges",
        "edge recall, mean of pictures",
        f"share of the true edge pixels that are predicted, {_EDGES}; mean over the pictures with a true edge",
        "",
        True,
        4,
    ),
    Definition(
        "chance_precision",
        "edges",
        "edge precision of chance, set",
        f"precision to expect {_CHANCE}: share of true edges among them (Canny, sigma {{sigma:g}})",
        "",
        None,
        4,
    ),
    Definition(
        "chance_recall",
        "edges",
        "edge recall of chance, set",
        f"recall to expect {_CHANCE}: share of predicted edges among them (above {{threshold:g}})",
        "",
        None,
        4,
    ),
    Definition("lpips_alex", "lpips_alex", "LPIPS (AlexNet)", "mean over pictures", "", False, 4),
    Definition("lpips_vgg", "lpips_vgg", "LPIPS (VGG16)", "mean over pictures", "", False, 4),
    Definition("fid", "fid", "FID (pytorch-fid)", "Frechet distance of the features' Gaussians", "", False, 3),
    Definition(
        "clean_fid",
        "clean_fid",
        "clean-FID",
        "Frechet distance of the features' Gaussians",
        "",
        False,
        3,
    ),
    Definition(
        "p_ids",
        "ids",
        "P-IDS (CoModGAN)",
        f"share of outputs judged more real than their truth; {_IDS}",
        "%",
        True,
        2,
    ),
    Definition("u_ids", "ids", "U-IDS (CoModGAN)", f"share of all pictures misjudged; {_IDS}", "%", True, 2),
    Definition(
        "legacy_psnr",
        "legacy",
        "PSNR (original's, gray)",
        f"{_GRAY}, 10 log10(1 / mean squared error); {_FINITE}",
        "dB",
        True,
        3,
    ),
    Definition(
        "legacy_ssim",
        "legacy",
        "SSIM (original's, uniform 51, gray)",
        f"{_GRAY}, uniform window 51 x 51, sample covariances, 25 border pixels left out; mean over pictures",
        "",
        True,
        4,
    ),
    Definition(
        "legacy_mae",
        "legacy",
        "MAE (original's, gray)",
        f"{_GRAY}, sum|a - b| / sum(a + b); mean over pictures",
        "",
        False,
        4,
    ),
    Definition(
        "legacy_fid",
        "legacy",
        "FID (original's)",
        "Frechet distance of the features' Gaussians",
        "",
        False,
        3,
    ),
)

DEFINITIONS: Mapping[str, Definition] = {definition.key: definition for definition in _TABLE}

# What --metrics chooses from; --legacy adds the group "legacy".
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(d.group for d in _TABLE if d.group != "legacy"))

# The smallest sides, in pixels, that metrics can do with.
SMALLEST_SIDES = {"ssim": uint8.SMALLEST_SIDE, "legacy": legacy.WINDOW}


def title(key: str) -> str:
    """A metric's name with its unit, for the head of a column or row."""
    definition = DEFINITIONS[key]
    return f"{definition.name} [{definition.unit}]" if definition.unit else definition.name


def format_value(key: str, value: float | None) -> str:
    """A value for a table."""
    return "undefined" if value is None else f"{value:.{DEFINITIONS[key].decimals}f}"
