"""Paired and unpaired inception discriminative scores (Zhao et al. 2021, CoModGAN, arXiv 2103.10428).

A linear support vector machine learns to tell real from filled pictures by their Inception features. How often it
fails is the score: higher is better, and 0.5 is the best there is for U-IDS.
"""

from typing import NamedTuple

import numpy as np


class DiscriminativeScore(NamedTuple):
    """Attributes, each from 0 to 1:

    p_ids: share of filled pictures that are judged more real than the real picture they belong to.
    u_ids: share of all pictures that are misjudged.
    """

    p_ids: float
    u_ids: float


def check_available() -> None:
    """Raises ModuleNotFoundError, with the remedy, where scikit-learn is not installed."""
    try:
        import sklearn.svm  # noqa: F401
    except ImportError as error:
        raise ModuleNotFoundError(
            f"P-IDS and U-IDS take scikit-learn: install it with pip install -e '.[eval]' ({error})"
        ) from error


def inception_discriminative_score(real: np.ndarray, fake: np.ndarray) -> DiscriminativeScore:
    """P-IDS and U-IDS.

    Args:
        real: features of the real pictures, [N, D].
        fake: features of the filled ones, [N, D], in the same order.

    Raises:
        ValueError: the two differ in shape, or there are none.
        ModuleNotFoundError: scikit-learn is not installed.
    """
    check_available()
    from sklearn.svm import LinearSVC

    if real.ndim != 2 or real.shape != fake.shape or not len(real):
        raise ValueError(f"features are {real.shape} and {fake.shape}, expected both (N, D) with N at least 1")
    features = np.concatenate([real, fake])
    labels = np.repeat([1, 0], len(real))
    # The type checker takes scikit-learn's default, "auto", for the type.
    machine = LinearSVC(dual=False).fit(features, labels)  # pyright: ignore[reportArgumentType]
    more_real = machine.decision_function(fake) > machine.decision_function(real)
    return DiscriminativeScore(float(more_real.mean()), 1 - float(machine.score(features, labels)))
