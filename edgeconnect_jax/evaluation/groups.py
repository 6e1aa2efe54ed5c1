"""The groups of metrics that systems share. The only home of their names, units and definitions."""

import functools
from collections.abc import Callable

from edgeconnect_jax.evaluation.definitions import (
    Definition,
    Discriminative,
    Frechet,
    MeasurementSettings,
    Measures,
    MetricGroup,
    PairArrays,
    PerceptualDistance,
)
from edgeconnect_jax.metrics import networks, uint8

FINITE = "mean over pictures, those equal to the truth left out"
FRECHET = "Frechet distance of the features' Gaussians"
_PSNR = "10 log10(255^2 / mean squared error) of 8-bit RGB"
_SSIM = (
    "structural similarity of 8-bit RGB, channel by channel: Gaussian window 11 x 11 with deviation 1.5, K1 0.01, K2 "
    "0.03, data range 255, population covariances (use_sample_covariance=False)"
)
_L1 = "mean absolute error of 8-bit RGB in percent of 255"
_INSIDE = "over the pixels of the hole only"
_IDS = "LinearSVC(dual=False) fitted to the Inception features of all true and output pictures (CoModGAN)"


def _whole_and_hole(
    key: str, metric: Callable[..., float], example: PairArrays, settings: MeasurementSettings
) -> Measures:
    values = {key: metric(example.output.image, example.truth)}
    if example.hole is not None:
        values[f"{key}_hole"] = metric(example.output.image, example.truth, example.hole)
    return Measures(values)


def _ssim(example: PairArrays, settings: MeasurementSettings) -> Measures:
    whole, inside = uint8.ssim(example.output.image, example.truth, example.hole)
    return Measures({"ssim": whole} | ({} if example.hole is None else {"ssim_hole": inside}))


PSNR = MetricGroup(
    "psnr",
    (
        Definition("psnr", "PSNR (RGB)", f"{_PSNR}, whole picture; {FINITE}", "dB", True, 3),
        Definition("psnr_hole", "PSNR (RGB), hole", f"{_PSNR}, {_INSIDE}; {FINITE}", "dB", True, 3),
    ),
    functools.partial(_whole_and_hole, "psnr", uint8.psnr),
)
SSIM = MetricGroup(
    "ssim",
    (
        Definition(
            "ssim",
            "SSIM (Gaussian 11/1.5, RGB)",
            f"{_SSIM}; mean of the map without five border pixels, as scikit-image; mean over pictures",
            "",
            True,
            4,
        ),
        Definition(
            "ssim_hole",
            "SSIM (Gaussian 11/1.5, RGB), hole",
            f"{_SSIM}; mean of the map over the pixels of the hole; mean over pictures",
            "",
            True,
            4,
        ),
    ),
    _ssim,
    smallest_side=uint8.SSIM_SIDE,
)
L1 = MetricGroup(
    "l1",
    (
        Definition("l1", "L1 (MAE, RGB)", f"{_L1}, whole picture; mean over pictures", "%", False, 3),
        Definition("l1_hole", "L1 (MAE, RGB), hole", f"{_L1}, {_INSIDE}; mean over pictures", "%", False, 3),
    ),
    functools.partial(_whole_and_hole, "l1", uint8.l1_percent),
)
PIXELS = (PSNR, SSIM, L1)

LPIPS_ALEX = MetricGroup(
    "lpips_alex",
    (Definition("lpips_alex", "LPIPS (AlexNet)", "mean over pictures", "", False, 4),),
    networks=(PerceptualDistance(networks.LPIPS_ALEX),),
)
LPIPS_VGG = MetricGroup(
    "lpips_vgg",
    (Definition("lpips_vgg", "LPIPS (VGG16)", "mean over pictures", "", False, 4),),
    networks=(PerceptualDistance(networks.LPIPS_VGG),),
)
FID = MetricGroup(
    "fid", (Definition("fid", "FID (pytorch-fid)", FRECHET, "", False, 3),), networks=(Frechet(networks.FID),)
)
CLEAN_FID = MetricGroup(
    "clean_fid",
    (Definition("clean_fid", "clean-FID", FRECHET, "", False, 3),),
    networks=(Frechet(networks.CLEAN_FID),),
)
IDS = MetricGroup(
    "ids",
    (
        Definition(
            "p_ids",
            "P-IDS (CoModGAN)",
            f"share of outputs judged more real than their truth; {_IDS}",
            "%",
            True,
            2,
        ),
        Definition("u_ids", "U-IDS (CoModGAN)", f"share of all pictures misjudged; {_IDS}", "%", True, 2),
    ),
    networks=(Discriminative(networks.FID),),
)
DISTANCE_LITE0 = MetricGroup(
    "distance_efficientnet_lite0",
    (
        Definition(
            "distance_efficientnet_lite0", "Feature distance, EfficientNet-lite0", "mean over pictures", "", False, 4
        ),
    ),
    networks=(PerceptualDistance(networks.DISTANCE_LITE0),),
)
FRECHET_LITE0 = MetricGroup(
    "frechet_efficientnet_lite0",
    (Definition("frechet_efficientnet_lite0", "Frechet distance, EfficientNet-lite0", FRECHET, "", False, 3),),
    networks=(Frechet(networks.FRECHET_LITE0),),
)
NETWORKS = (LPIPS_ALEX, LPIPS_VGG, FID, CLEAN_FID, IDS, DISTANCE_LITE0, FRECHET_LITE0)
