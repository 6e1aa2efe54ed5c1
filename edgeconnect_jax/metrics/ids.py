"""Paired and unpaired inception discriminative scores (Zhao et al. 2021, CoModGAN, arXiv 2103.10428).

A linear support vector machine learns to distinguish real from filled pictures by their Inception features. The score
is how often it fails: higher is better, and 0.5 is the best possible U-IDS.
"""

from typing import NamedTuple

import numpy as np


class DiscriminativeScore(NamedTuple):
    """Both scores, from 0 to 1.

    Attributes:
        p_ids: share of filled pictures that are judged more real than the real picture they belong to.
        u_ids: share of all pictures that are misjudged.
    """

    p_ids: float
    u_ids: float


def check_available() -> None:
    """Raises ModuleNotFoundError, with the remedy, if scikit-learn is not installed."""
    try:
        import sklearn.svm  # noqa: F401
    except ImportError as error:
        raise ModuleNotFoundError(
            f"P-IDS and U-IDS need scikit-learn: install it with pip install -e '.[eval]' ({error})"
        ) from error


def inception_discriminative_score(real: np.ndarray, fake: np.ndarray) -> DiscriminativeScore:
    """P-IDS and U-IDS.

    Args:
        real: features of the real pictures, [N, D].
        fake: features of the filled ones, [N, D], in the same order.

    Raises:
        ValueError: the two differ in shape, or are empty.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    check_available()
    from sklearn.svm import LinearSVC

    if real.ndim != 2 or real.shape != fake.shape or not len(real):
        raise ValueError(f"features are {real.shape} and {fake.shape}, expected both (N, D) with N at least 1")
    features = np.concatenate([real, fake])
    labels = np.repeat([1, 0], len(real))
    # scikit-learn's stubs infer the type from the default, "auto".
    machine = LinearSVC(dual=False).fit(features, labels)  # pyright: ignore[reportArgumentType]
    more_real = machine.decision_function(fake) > machine.decision_function(real)
    return DiscriminativeScore(float(more_real.mean()), 1 - float(machine.score(features, labels)))
