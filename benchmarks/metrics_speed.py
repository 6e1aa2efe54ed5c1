"""PSNR, SSIM and L1 of pairs of pictures: this code beside a loop over scikit-image's functions.

python benchmarks/metrics_speed.py [--pairs 1000] [--side 256]

Both measure the same pairs in turn, a block at a time, so that other load on the machine disturbs both. Prints
the seconds of each, their ratio, and the largest relative difference of the values; exits with 1 if that is over 1e-6
or the ratio is below 3. Decoding is not part of it.
"""

import argparse
import pathlib
import sys
import time
from collections.abc import Callable, Sequence

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import skimage.data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from edgeconnect_jax.host.threads import in_threads
from edgeconnect_jax.images.files import resize_bilinear
from edgeconnect_jax.metrics import uint8

_DESCRIPTION = "PSNR, SSIM and L1 of pairs of pictures: this code beside a loop over scikit-image's functions."
_BLOCK = 50  # pairs
_TOLERANCE = 1e-6
_RATIO = 3  # times as fast, at least
_NOISE = 20  # standard deviation, of 255
_PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")

Pair = tuple[np.ndarray, np.ndarray]
Values = tuple[float, float, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status; `arguments` None = those of this process."""
    parser = argparse.ArgumentParser(prog="python benchmarks/metrics_speed.py", description=_DESCRIPTION)
    parser.add_argument("--pairs", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--side", type=int, default=256, help="of the pictures, in pixels (default: 256)")
    options = parser.parse_args(arguments)
    ours, theirs, difference = measure(options.pairs, options.side)
    print(f"{options.pairs} pairs of {options.side} x {options.side} pixels, PSNR + SSIM + L1")
    print(f"this code     {ours:7.2f} s, {1000 * ours / options.pairs:6.2f} ms a pair")
    print(f"scikit-image  {theirs:7.2f} s, {1000 * theirs / options.pairs:6.2f} ms a pair")
    print(f"{theirs / ours:.1f} times as fast; largest relative difference {difference:.1e}")
    failed = []
    if not difference <= _TOLERANCE:
        failed.append(f"the values differ by more than {_TOLERANCE:g}")
    if not theirs / ours >= _RATIO:
        failed.append(f"it must be at least {_RATIO} times as fast")
    print(*(f"failed: {line}" for line in failed), sep="\n", end="\n" * bool(failed), file=sys.stderr)
    return int(bool(failed))


def measure(count: int, side: int) -> tuple[float, float, float]:
    """Measures `count` pairs both ways.

    Returns:
        Seconds of this code, seconds of scikit-image, and the largest relative difference of their values.
    """
    rng = np.random.default_rng(0)
    photographs = [resize_bilinear(getattr(skimage.data, name)(), side, side) for name in _PHOTOGRAPHS]
    seconds = {by_this_code: 0.0, by_scikit_image: 0.0}
    largest = 0.0
    for start in range(0, count, _BLOCK):
        pairs = [_pair(rng, photographs[i % len(photographs)]) for i in range(start, min(start + _BLOCK, count))]
        values = []
        for way in _in_turn(list(seconds), start // _BLOCK):
            begun = time.perf_counter()
            values.append(np.array(way(pairs)))
            seconds[way] += time.perf_counter() - begun
        largest = max(largest, float(np.max(np.abs(values[0] / values[1] - 1))))
    return seconds[by_this_code], seconds[by_scikit_image], largest


def by_this_code(pairs: Sequence[Pair]) -> list[Values]:
    """PSNR, SSIM and L1 in percent, in threads as the command does."""
    return list(in_threads(_one, pairs))


def _one(pair: Pair) -> Values:
    return uint8.psnr(*pair), uint8.ssim(*pair)[0], uint8.l1_percent(*pair)


def by_scikit_image(pairs: Sequence[Pair]) -> list[Values]:
    """The same in a loop; the mean absolute error, which scikit-image does not have, in NumPy."""
    return [
        (
            float(peak_signal_noise_ratio(truth, output, data_range=255)),
            _ssim(output, truth),
            float(np.abs(output.astype(np.float64) - truth).mean() / 2.55),
        )
        for output, truth in pairs
    ]


def _ssim(output: np.ndarray, truth: np.ndarray) -> float:
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(truth, output, channel_axis=-1, data_range=255, **settings)  # pyright: ignore


def _in_turn(ways: list[Callable], number: int) -> list[Callable]:
    return ways if number % 2 == 0 else ways[::-1]


def _pair(rng: np.random.Generator, truth: np.ndarray) -> Pair:
    noisy = truth + rng.normal(0, _NOISE, truth.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), truth


if __name__ == "__main__":
    sys.exit(main())
